"""Edits of tidegate.toml."""

from __future__ import annotations

import tomllib
from pathlib import PurePosixPath

import pytest

from tidegate.errors import TemplateError
from tidegate.scaffold.settings_file import add_queue, binding_line

PATH = PurePosixPath("apps/api-gateway/tidegate.toml")
HEAD = '[log]\nkind = "rabbitmq"  # ours\n'


def table(name: str, *keys: str) -> str:
    lines = "".join(f"  {binding_line(key)}\n" for key in keys)
    return f'[[rabbitmq.queues]]\nname = "{name}"\nexchanges = [\n{lines}]\n'


def add(text: str, name: str, *keys: str) -> str:
    edited = add_queue(text, name, keys, table(name, *keys), PATH)
    assert add_queue(edited, name, keys, table(name, *keys), PATH) == edited
    tomllib.loads(edited)
    return edited


def test_a_queue_is_put_at_the_end() -> None:
    first = add(HEAD, "a", "a.b")
    assert first == f"{HEAD}\n{table('a', 'a.b')}"
    assert add(first, "c", "c.d") == f"{first}\n{table('c', 'c.d')}"


def test_a_new_event_is_bound() -> None:
    text = f"{HEAD}\n{table('a', 'a.b')}\n{table('c', 'c.d')}"
    assert (
        add(text, "a", "a.b", "a.x") == f"{HEAD}\n{table('a', 'a.b', 'a.x')}\n{table('c', 'c.d')}"
    )


@pytest.mark.parametrize("pattern", ["#", "a.*", "a.#", "*.b"])
def test_a_pattern_covers_its_events(pattern: str) -> None:
    text = table("a", pattern)
    assert add(text, "a", "a.b") == text


def test_a_passive_queue_is_bound_by_others() -> None:
    text = '[[rabbitmq.queues]]\nname = "a"\npassive = true\n'
    assert add(text, "a", "a.b") == text


def test_windows_line_ends_are_kept() -> None:
    edited = add(HEAD.replace("\n", "\r\n"), "a", "a.b")
    assert edited.count("\r\n") == edited.count("\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[log\n", "no TOML"),
        ('rabbitmq = { queues = ["b"] }\n', "by hand"),
        ('[rabbitmq]\nqueues = ["a"]\n', "by hand"),
        ('[rabbitmq]\nqueues = [{ name = "b" }]\n', "by hand"),
        ('[[rabbitmq.queues]]\nname = "a"\n', "by hand"),
        (f'[[rabbitmq.queues]]\nname = "a"\nexchanges = [{binding_line("x.y")}]\n', "by hand"),
    ],
)
def test_what_is_written_otherwise_is_left_alone_with_a_hint(text: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason):
        add_queue(text, "a", ["a.b"], table("a", "a.b"), PATH)
