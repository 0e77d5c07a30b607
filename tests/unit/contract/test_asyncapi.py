"""The AsyncAPI document: what is in it. That it is valid is judged in ``tests/contracts``."""

from __future__ import annotations

import json
from typing import Any

from tidegate import Audience, Client, Message, Namespace, Settings
from tidegate.contract import read_contract, write_asyncapi
from tidegate.contract.asyncapi_parts import Keys, draft_7


def told(*namespaces: Namespace, **settings: Any) -> dict[str, Any]:
    contract = read_contract(namespaces, title="t", settings=Settings.model_validate(settings))
    document: dict[str, Any] = json.loads(write_asyncapi(contract, command="run this"))
    return document


def test_keys_are_numbered_where_they_come_out_alike() -> None:
    keys = Keys()
    assert [keys.make([n]) for n in ("/chat", "chat!", "a b", "/")] == [
        *("chat", "chat_2"),
        *("a_b", "root"),
    ]


def test_tuples_are_told_as_draft_7_has_them() -> None:
    schema = {"type": "array", "prefixItems": [{"$ref": "#/$defs/A"}], "items": False}
    assert draft_7(schema) == {
        "type": "array",
        "items": [{"$ref": "#/components/schemas/A"}],
        "additionalItems": False,
    }


def test_without_a_broker_there_is_none() -> None:
    document = told(Namespace("/chat"))
    assert list(document["servers"]) == ["gateway"]
    assert list(document["channels"]) == ["chat"]
    assert document["x-generated"]["regenerate"] == "run this"


def test_a_client_event_is_received_and_its_ack_is_the_reply() -> None:
    chat = Namespace("/chat")

    @chat.on("send")
    def send(client: Client, text: str, count: int = 1) -> int:
        raise NotImplementedError

    document = told(chat)
    operation = document["operations"]["chat.receive.send"]
    assert operation["action"] == "receive"
    assert operation["reply"]["messages"] == [{"$ref": "#/channels/chat/messages/send.ack"}]
    messages = document["channels"]["chat"]["messages"]
    assert messages["send"]["x-socketio"]["arguments"] == {"least": 1, "most": 2}
    assert messages["send"]["payload"]["items"] == [{"type": "string"}, {"type": "integer"}]
    assert messages["send.ack"]["payload"]["anyOf"] == [
        {"type": "integer"},
        {"$ref": "#/components/schemas/TidegateRefusal"},
    ]


def test_built_in_events_are_told() -> None:
    operations = told(Namespace("/chat"))["operations"]
    assert operations["chat.send.tidegate.token_expiring"]["action"] == "send"
    assert operations["chat.receive.tidegate.refresh_token"]["action"] == "receive"


def test_a_forward_is_sent_to_its_queue_or_exchange() -> None:
    chat = Namespace("/chat")
    chat.forward("send", queue="messages")
    chat.forward("report", exchange="reports", envelope="plain")
    channels = told(chat)["channels"]
    to_queue = channels["rabbitmq.chat.send"]
    assert to_queue["bindings"]["amqp"]["queue"] == {"name": "messages"}
    payload = to_queue["messages"]["request"]["payload"]
    assert payload["properties"]["pattern"] == {"const": "send"}
    to_exchange = channels["rabbitmq.chat.report"]
    assert to_exchange["address"] == "report"
    assert to_exchange["bindings"]["amqp"]["exchange"] == {"name": "reports"}
    assert to_exchange["messages"]["request"]["payload"] == {}


def test_consumed_patterns_have_channels_until_queues_are_known() -> None:
    chat = Namespace("/chat")

    @chat.consume("message.*")
    def audience(message: Message[dict[str, int]]) -> Audience:
        raise NotImplementedError

    @chat.consume({"cmd": "x"})
    def other(message: Message[Any]) -> Audience:
        raise NotImplementedError

    channels = told(chat)["channels"]
    assert channels["rabbitmq.chat.message"]["address"] == "message.*"
    assert channels["rabbitmq.chat.cmd_x"]["address"] is None
    known = told(chat, rabbitmq={"queues": [{"name": "events"}]})["channels"]
    assert list(known) == ["chat", "rabbitmq.events"]
    assert len(known["rabbitmq.events"]["messages"]) == 2
