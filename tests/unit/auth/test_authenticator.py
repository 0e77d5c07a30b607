from __future__ import annotations

from typing import Any

import pytest

from tidegate.auth import MAX_TOKEN_SIZE, Handshake, token_from
from tidegate.errors import AuthError


def handshake(**auth: Any) -> Handshake:
    return Handshake(auth, "/notifications", "192.0.2.1")


@pytest.mark.parametrize(
    ("sent", "token"),
    [
        ("abc.def.ghi", "abc.def.ghi"),
        ("Bearer abc.def.ghi", "abc.def.ghi"),
        ("bearer abc", "abc"),
        ("Bearerabc", "Bearerabc"),
        ("x" * MAX_TOKEN_SIZE, "x" * MAX_TOKEN_SIZE),
        ("Bearer " + "x" * MAX_TOKEN_SIZE, "x" * MAX_TOKEN_SIZE),
    ],
)
def test_takes_the_token_from_the_payload(sent: str, token: str) -> None:
    assert token_from(handshake(token=sent)) == token


@pytest.mark.parametrize("auth", [{}, {"token": None}, {"token": ""}, {"token": "Bearer "}])
def test_a_payload_without_token_is_token_missing(auth: dict[str, Any]) -> None:
    with pytest.raises(AuthError) as caught:
        token_from(handshake(**auth))
    assert caught.value.code == "token_missing"


@pytest.mark.parametrize(
    "token",
    [42, True, ["abc"], {"a": 1}, "x" * (MAX_TOKEN_SIZE + 1), "a\nb", "a\x00b", "ä", "\ud800"],
)
def test_what_cannot_be_a_token_is_token_invalid(token: Any) -> None:
    with pytest.raises(AuthError) as caught:
        token_from(handshake(token=token))
    assert caught.value.code == "token_invalid"


def test_a_refusal_does_not_repeat_the_token() -> None:
    with pytest.raises(AuthError) as caught:
        token_from(handshake(token="my-secret-token\n"))
    assert "my-secret" not in str(caught.value)
