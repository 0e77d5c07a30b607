"""Lists of tables: from the file, from JSON in the environment, and what is refused in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.app.config import ConfigErrors, describe, load_settings
from tidegate.app.settings import Settings
from tidegate.app.settings_checks import find_contradictions

URL = {"TIDEGATE_RABBITMQ__URL": "amqp://guest:guest@localhost/"}


def loaded(text: str, folder: Path, **environ: str) -> Settings:
    file = folder / "tidegate.toml"
    file.write_text(text)
    return load_settings(file=file, environ={**URL, **environ}, flags={}).settings


def problems(text: str, folder: Path, **environ: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        loaded(text, folder, **environ)
    return [f"{error.key} {error.problem}" for error in caught.value.errors]


def test_tables_of_the_file(tmp_path: Path) -> None:
    settings = loaded(
        """
        [[rabbitmq.queues]]
        name = "events"
        arguments = { "x-max-length" = 5 }
        exchanges = [{ exchange = "domain", routing_key = "notification.*" }]

        [[bindings]]
        pattern = "notification.*"
        namespace = "/notifications"
        user = "userId?"

        [[forwards]]
        event = "message.send"
        namespace = "/chat"
        queue = "messages"
        """,
        tmp_path,
    )
    (queue,) = settings.rabbitmq.queues
    assert queue.dead_letters == "events.dead-letters"
    assert queue.arguments == {"x-max-length": 5}
    assert queue.exchanges[0].type == "topic"
    assert settings.bindings[0].user == "userId?"
    assert settings.forwards[0].timeout == 10.0


def test_queues_of_the_environment_are_names(tmp_path: Path) -> None:
    settings = loaded("", tmp_path, TIDEGATE_RABBITMQ__QUEUES="a, b")
    assert [queue.name for queue in settings.rabbitmq.queues] == ["a", "b"]


def test_tables_of_the_environment_are_json(tmp_path: Path) -> None:
    bindings = '[{"pattern": "#", "namespace": "/chat"}]'
    queues = '[{"name": "a", "type": "classic"}]'
    settings = loaded("", tmp_path, TIDEGATE_BINDINGS=bindings, TIDEGATE_RABBITMQ__QUEUES=queues)
    assert settings.bindings[0].namespace == "/chat"
    assert settings.rabbitmq.queues[0].type == "classic"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[[bindings]]\npattern = "a"\nnamespace = "/"\n[[bindings]]\npattern = "b"',
            "bindings in table 2, namespace is missing",
        ),
        (
            '[[bindings]]\npattern = "a"\nnamespace = "chat"',
            "bindings in table 1, namespace is 'chat', which is not a namespace",
        ),
        (
            '[[bindings]]\npattern = "a"\nnamespace = "/"\ntenant = "a..b"',
            "bindings in table 1, tenant is 'a..b', which is not a path",
        ),
        (
            '[[rabbitmq.queues]]\nname = "a"\n[[rabbitmq.queues]]\nname = "a"',
            "rabbitmq.queues contains the queue 'a' twice",
        ),
        (
            '[[rabbitmq.queues]]\nname = "a"\ntipe = "quorum"',
            "rabbitmq.queues in table 1, tipe is 'quorum', which is not a setting of it",
        ),
    ],
)
def test_a_wrong_table_is_told_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(text, tmp_path) == [problem]


def test_a_forward_names_one_target(tmp_path: Path) -> None:
    text = '[[forwards]]\nevent = "a"\nnamespace = "/"\nqueue = "q"\nexchange = "x"'
    assert problems(text, tmp_path) == ["forwards names not exactly one of queue and exchange"]


def test_json_that_is_none_is_refused(tmp_path: Path) -> None:
    assert problems("", tmp_path, TIDEGATE_BINDINGS="[{") == ["bindings is not JSON"]


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"log": {"kind": "rabbitmq"}}, "log.kind"),
        ({"rabbitmq": {"queues": ["a"]}}, "rabbitmq.queues"),
        ({"forwards": [{"event": "a", "namespace": "/", "queue": "q"}]}, "forwards"),
    ],
)
def test_what_needs_a_broker_says_so(values: dict[str, object], key: str) -> None:
    found = list(find_contradictions(Settings.model_validate(values)))
    assert [finding.key for finding in found] == [key]
    assert "rabbitmq.url" in found[0].problem


def test_a_log_shorter_than_the_window_is_refused() -> None:
    values = {
        "log": {"kind": "rabbitmq", "max_age": 60},
        "rabbitmq": {"url": "amqp://localhost/"},
    }
    found = list(find_contradictions(Settings.model_validate(values)))
    assert [finding.key for finding in found] == ["log.max_age"]


def test_the_broker_url_is_a_secret(tmp_path: Path) -> None:
    environ = {"TIDEGATE_RABBITMQ__URL": "amqp://me:hush@host/"}
    live = load_settings(file=None, environ=environ, flags={})
    assert "hush" not in str(describe(live)) + str(live.settings)
    environ = {"TIDEGATE_RABBITMQ__URL": "http://me:hush@host/"}
    with pytest.raises(ConfigErrors) as caught:
        load_settings(file=None, environ=environ, flags={})
    assert "hush" not in str(caught.value)


def test_check_names_each_table(tmp_path: Path) -> None:
    file = tmp_path / "tidegate.toml"
    file.write_text('[[bindings]]\npattern = "a.#"\nnamespace = "/chat"')
    rows = describe(load_settings(file=file, environ=URL, flags={}))
    assert next(row.value for row in rows if row.key == "bindings") == "a.# → /chat"
