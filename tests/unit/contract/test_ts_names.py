"""Names of the generated TypeScript."""

from __future__ import annotations

import pytest

from tidegate.contract.ts_names import Names, parameter_name, prefix_of
from tidegate.errors import ContractError


@pytest.mark.parametrize(
    ("namespace", "prefix"),
    [
        *(("/", ""), ("/chat", "Chat"), ("/chat/admin", "ChatAdmin")),
        *(("/activity-feeds", "ActivityFeeds"), ("/2fa", "Namespace2fa")),
    ],
)
def test_a_namespace_gives_a_prefix(namespace: str, prefix: str) -> None:
    assert prefix_of(namespace) == prefix


def test_a_name_is_given_once() -> None:
    names = Names()
    names.claim("ChatRoom", "the type ChatRoom")
    with pytest.raises(ContractError, match="the type ChatRoom and the namespace /chat would both"):
        names.claim("ChatRoom", "the namespace /chat")


@pytest.mark.parametrize("name", ["Record", "Uint8Array", "Größe", "a.b", "string", "class"])
def test_a_name_must_be_usable(name: str) -> None:
    with pytest.raises(ContractError, match="rename it"):
        Names().claim(name, "the type")


def test_a_parameter_gets_out_of_the_way() -> None:
    assert [parameter_name(name) for name in ("event", "function", "ack")] == [
        *("event", "function_"),
        "ack_",
    ]
