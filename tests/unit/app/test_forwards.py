"""Forwards as they are declared: in Python and in the settings, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tidegate import Client, ConfigError, Namespace, Settings
from tidegate.app.forwards import Forward, forwards_of

URL = "amqp://guest:guest@127.0.0.1/"


def settings(*forwards: dict[str, Any], url: str | None = URL) -> Settings:
    return Settings.model_validate({"rabbitmq": {"url": url}, "forwards": list(forwards)})


def test_python_and_settings_declare_the_same() -> None:
    declared = Namespace("/chat")
    declared.forward("message.send", queue="messages", timeout=3, id="clientId")
    table = {
        "event": "message.send",
        "namespace": "/chat",
        "queue": "messages",
        "timeout": 3,
        "id": "clientId",
    }
    by_settings = forwards_of({"/chat": Namespace("/chat")}, settings(table))
    assert by_settings == forwards_of({"/chat": declared}, settings())
    assert by_settings == {
        ("/chat", "message.send"): Forward(
            event="message.send", queue="messages", timeout=3, id="clientId"
        )
    }


def test_a_gateway_may_start_twice_with_the_same_namespaces() -> None:
    namespaces = {"/chat": Namespace("/chat")}
    table = {"event": "a", "namespace": "/chat", "queue": "q"}
    assert forwards_of(namespaces, settings(table)) == forwards_of(namespaces, settings(table))


@pytest.mark.parametrize(
    ("declared", "target"),
    [
        ({"queue": "messages"}, ("", "messages")),
        ({"exchange": "chat"}, ("chat", "message.send")),
        ({"exchange": "chat", "routing_key": ""}, ("chat", "")),
        ({"exchange": "chat", "routing_key": "send"}, ("chat", "send")),
    ],
)
def test_the_target_is_exchange_and_routing_key(
    declared: dict[str, Any], target: tuple[str, str]
) -> None:
    assert Forward(event="message.send", **declared).target == target


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ({}, "exactly one of queue and exchange"),
        ({"queue": "a", "exchange": "b"}, "exactly one of queue and exchange"),
        ({"queue": "a", "routing_key": "b"}, "with an exchange"),
        ({"queue": "a", "envelope": "plain", "pattern": "b"}, "no pattern"),
        ({"queue": "a", "envelope": "xml"}, "nestjs or plain"),
        ({"queue": "a", "timeout": 0}, "greater than 0"),
        ({"queue": "ä" * 200}, "longer than 255 bytes"),
    ],
)
def test_contradictions_are_refused(declared: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Namespace("/chat").forward("message.send", **declared)


def test_an_event_is_handled_or_forwarded_once() -> None:
    chat = Namespace("/chat")
    chat.forward("a", queue="q")
    with pytest.raises(ValueError, match="forwards 'a' already"):
        chat.forward("a", queue="q")
    with pytest.raises(ValueError, match="forwards 'a' already"):

        @chat.on("a")
        def handle(client: Client) -> None: ...

    @chat.on("b")
    def handle_b(client: Client) -> None: ...

    with pytest.raises(ValueError, match="has a handler for 'b' already"):
        chat.forward("b", queue="q")
    with pytest.raises(ValueError, match="kept for the gateway"):
        chat.forward("tidegate.join", queue="q")


def test_settings_that_clash_name_the_table_and_the_way_out() -> None:
    chat = Namespace("/chat")
    chat.forward("a", queue="q")

    @chat.on("b")
    def handle(client: Client) -> None: ...

    def refusal(*forwards: dict[str, Any], url: str | None = URL) -> ConfigError:
        with pytest.raises(ConfigError) as error:
            forwards_of({"/chat": chat, "/news": Namespace("/news")}, settings(*forwards, url=url))
        return error.value

    ok = {"event": "x", "namespace": "/news", "queue": "q"}
    other = refusal(ok, {**ok, "namespace": "/other"})
    assert other.key == "forwards[1]"
    assert "/other, which is not served; served: /chat, /news" in other.problem
    assert "forwards 'a' already" in refusal({**ok, "event": "a", "namespace": "/chat"}).problem
    assert "handles 'b' in Python" in refusal({**ok, "event": "b", "namespace": "/chat"}).problem
    assert "forwards 'x' already" in refusal(ok, ok).problem
    assert "no pattern" in refusal({**ok, "envelope": "plain", "pattern": "p"}).problem
    missing = refusal(ok, url=None)
    assert missing.key == "rabbitmq.url" and "a of /chat, x of /news" in missing.problem


def test_the_settings_refuse_what_no_forward_can_be() -> None:
    with pytest.raises(ValidationError):
        settings({"event": "a", "namespace": "/chat"})
