"""Edits of a registration that people have changed."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath

import pytest

from tidegate.errors import TemplateError
from tidegate.scaffold.registration import add_namespace

PATH = PurePosixPath("apps/api-gateway/realtime/app.py")

PLAIN = '''\
"""The gateway."""

from tidegate import Gateway

from .notifications import notifications

gateway = Gateway(
    [
        notifications,
    ],
)
'''


def add(source: str, name: str = "chats") -> str:
    edited = add_namespace(source, name, PATH)
    ast.parse(edited)
    assert add_namespace(edited, name, PATH) == edited, "a second edit changes nothing"
    return edited


def test_import_and_namespace_are_put_in() -> None:
    assert add(PLAIN) == PLAIN.replace(
        "from .notifications", "from .chats import chats\nfrom .notifications"
    ).replace("        notifications,\n", "        notifications,\n        chats,\n")


def test_imports_stay_in_order() -> None:
    assert "import notifications\nfrom .orders import orders\n" in add(PLAIN, "orders")


def test_what_is_there_stays_as_it_is() -> None:
    assert add_namespace(PLAIN, "notifications", PATH) == PLAIN


def test_hand_made_changes_are_kept() -> None:
    source = """\
# Ours.
import os
from tidegate import Authenticator, Gateway as RealtimeGateway
from .notifications import notifications as notes  # renamed: it reads better
from .auth import OurAuthenticator

MODE = os.environ["MODE"]  # é: bytes and characters differ
é = 1; gateway = RealtimeGateway(
    [  # the order does not matter
        notes,  # kept first
        # none below
    ],
    authenticator=OurAuthenticator(MODE),
)

def helper() -> None: ...
"""
    edited = add(source)
    added = {"from .chats import chats", "        chats,"}
    assert [line for line in edited.splitlines() if line not in added] == source.splitlines()
    assert "        notes,  # kept first\n        chats,\n        # none below" in edited
    assert add_namespace(source, "notifications", PATH) == source


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("Gateway([])", "Gateway([chats])"),
        ("Gateway([a])", "Gateway([a, chats])"),
        ("Gateway([a, b,])", "Gateway([a, b, chats,])"),
        ("Gateway([a,\n    b])", "Gateway([a,\n    b, chats])"),
        ("Gateway([\n    a\n])", "Gateway([\n    a,\n    chats,\n])"),
        (
            "Gateway([\n    a  # last, not least\n])",
            "Gateway([\n    a,  # last, not least\n    chats,\n])",
        ),
        ("Gateway([\n    a, b,\n])", "Gateway([\n    a, b, chats,\n])"),
        ("Gateway(namespaces=[a])", "Gateway(namespaces=[a, chats])"),
        ("Gateway([make('é'), a])", "Gateway([make('é'), a, chats])"),
    ],
)
def test_forms_of_the_list(listed: str, expected: str) -> None:
    source = f"from tidegate import Gateway\n\ngateway = {listed}\n"
    assert add(source) == (
        f"from tidegate import Gateway\n\nfrom .chats import chats\n\ngateway = {expected}\n"
    )


def test_a_list_with_a_name() -> None:
    source = "import tidegate\n\nNAMESPACES = [a]\ngateway = tidegate.Gateway(NAMESPACES)\n"
    assert "NAMESPACES = [a, chats]" in add(source)


def test_an_import_that_is_written_otherwise_counts() -> None:
    source = PLAIN.replace(
        "from .notifications", "from realtime.chats import chats\nfrom .notifications"
    )
    assert add(source).count("import chats") == 1


def test_windows_line_ends_are_kept() -> None:
    edited = add_namespace(PLAIN.replace("\n", "\r\n"), "chats", PATH)
    assert edited == add(PLAIN).replace("\n", "\r\n")


def test_a_file_without_a_line_end() -> None:
    assert "Gateway([chats])" in add("from tidegate import Gateway\ngateway = Gateway([])")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("gateway = None\n", "not called"),
        ("from tidegate import Gateway\na = Gateway([])\nb = Gateway([])\n", "several"),
        ("from tidegate import Gateway\ngateway = Gateway(discover())\n", "not written as a list"),
        ("from tidegate import Gateway\ngateway = Gateway()\n", "not written as a list"),
        ("from tidegate import Gateway\nn = []\nn += [a]\nGateway(n)\n", "not written as a list"),
        ("from other import Gateway\ngateway = Gateway([])\n", "not called"),
        ("from tidegate import Gateway\nchats = 1\ngateway = Gateway([])\n", "something else"),
        ("def (:\n", "invalid syntax"),
    ],
)
def test_what_can_not_be_told_is_left_alone_with_a_hint(source: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason) as refused:
        add_namespace(source, "chats", PATH)
    assert "`from .chats import chats`" in str(refused.value)
    assert str(PATH) in str(refused.value)
