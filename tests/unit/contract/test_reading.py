"""What a contract holds of namespaces and settings."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tidegate import Audience, Client, Event, Message, Namespace, Settings
from tidegate.contract import declared_events, read_contract
from tidegate.contract.model import Answer, Argument, Contract, Room, Target
from tidegate.errors import ContractError


class Created(Event, name="created"):
    """Something is new."""

    id: int


class Placed(Event, name="placed", namespace="/chat"):
    id: int


class Sent(Event, name="sent"):
    text: str


class OtherCreated(Event, name="created"):
    id: str


class Nameless(Event):
    id: int


def read(*namespaces: Namespace, **settings: Any) -> Contract:
    return read_contract(namespaces, title="t", settings=Settings.model_validate(settings))


def server_names(contract: Contract, index: int = 0) -> list[str]:
    events = contract.namespaces[index].server_events
    return [event.name for event in events if not event.name.startswith("tidegate.")]


def test_declared_events_have_names() -> None:
    found = list(declared_events())
    assert Created in found and Placed in found
    assert Nameless not in found


def test_listed_events_come_with_their_descriptions() -> None:
    contract = read(Namespace("/chat", events=[Created]))
    event = contract.namespaces[0].server_events[0]
    assert (event.name, event.description) == ("created", "Something is new.")
    assert event.payload == {"$ref": "#/$defs/Created"}
    assert contract.types["Created"]["properties"] == {"id": {"type": "integer"}}


def test_namespaces_and_events_are_sorted() -> None:
    chat = Namespace("/chat", events=[Sent, Created])
    contract = read(Namespace("/z"), chat)
    assert [space.name for space in contract.namespaces] == ["/chat", "/z"]
    assert server_names(contract) == ["created", "sent"]


def test_a_declared_event_goes_to_the_only_namespace() -> None:
    contract = read_contract([Namespace("/chat")], title="t", declared=[Created, Placed])
    assert server_names(contract) == ["created", "placed"]


def test_with_several_namespaces_a_declared_event_goes_where_it_says() -> None:
    spaces = [Namespace("/chat"), Namespace("/mail")]
    contract = read_contract(spaces, title="t", declared=[Created, Placed])
    assert server_names(contract, 0) == ["placed"]
    assert server_names(contract, 1) == []


def test_a_type_that_clients_send_is_no_server_event() -> None:
    chat = Namespace("/chat")

    @chat.on("send")
    def send(client: Client, event: Sent) -> None: ...

    contract = read_contract([chat], title="t", declared=[Sent, Created])
    assert server_names(contract) == ["created"]


def test_two_types_for_one_event_are_refused() -> None:
    with pytest.raises(
        ContractError, match=r"two types declare the event 'created': .*Created and"
    ):
        read_contract([Namespace("/chat")], title="t", declared=[Created, OtherCreated])


def test_the_listed_type_wins_over_others_of_the_same_event() -> None:
    chat = Namespace("/chat", events=[Created])
    contract = read_contract([chat], title="t", declared=[OtherCreated])
    assert contract.namespaces[0].server_events[0].payload == {"$ref": "#/$defs/Created"}


def test_a_handler_gives_arguments_and_ack() -> None:
    chat = Namespace("/chat")

    @chat.on("send")
    async def send(client: Client, text: str, count: int = 1) -> list[int]:
        """Send it.

        At once.
        """
        return []

    event = read(chat).namespaces[0].client_events[0]
    assert event.arguments == (
        Argument("text", {"type": "string"}),
        Argument("count", {"type": "integer"}, is_required=False),
    )
    assert event.answer == Answer("values", ({"type": "array", "items": {"type": "integer"}},))
    assert event.description == "Send it."


def test_a_handler_without_annotations_takes_and_gives_anything() -> None:
    chat = Namespace("/chat")
    chat.on("send")(lambda client, text: text)
    event = read(chat).namespaces[0].client_events[0]
    assert event.arguments == (Argument("text", {}),)
    assert event.answer == Answer("unknown")


def test_room_rules_give_forms_and_the_events_to_join_them() -> None:
    chat = Namespace("/chat")

    @chat.room("thread:{number}")
    async def may_read(client: Client, number: int) -> bool:
        return True

    space = read(chat).namespaces[0]
    assert space.rooms == (Room("thread:{number}", {"number": {"type": "integer"}}),)
    names = [event.name for event in space.client_events]
    assert names == ["tidegate.join", "tidegate.leave", "tidegate.refresh_token"]


def test_without_rooms_there_is_nothing_to_join() -> None:
    space = read(Namespace("/chat")).namespaces[0]
    assert [event.name for event in space.client_events] == ["tidegate.refresh_token"]


def test_consume_rules_give_events_and_sources() -> None:
    chat = Namespace("/chat")

    @chat.consume("created")
    def typed(message: Message[Created]) -> Audience:
        """Whom it is for."""
        return message.tenant

    @chat.consume("renamed")
    def untyped(message: Message[Any]) -> Audience:
        return message.tenant

    @chat.consume("other.*")
    def many(message: Message[Any]) -> Audience:
        return message.tenant

    @chat.consume("raw", event="cooked")
    def changing(message: Message[Sent]) -> tuple[Audience, int] | None:
        return message.tenant, 1

    @chat.consume("draft")
    def renaming(message: Message[Sent]) -> tuple[Audience, Placed]:
        return message.tenant, Placed(1)

    contract = read(chat)
    space = contract.namespaces[0]
    payloads = {event.name: event.payload for event in space.server_events[:-1]}
    assert payloads == {
        "cooked": {"type": "integer"},
        "created": {"$ref": "#/$defs/Created"},
        "placed": {"$ref": "#/$defs/Placed"},
        "renamed": {},
    }
    assert [(source.pattern, source.event) for source in space.sources] == [
        ("created", "created"),
        ("renamed", None),
        ("other.*", None),
        ("raw", "cooked"),
        ("draft", "placed"),
    ]
    assert space.sources[0].description == "Whom it is for."
    assert space.sources[3].payload == {"$ref": "#/$defs/Sent"}


def test_forwards_of_both_kinds_are_client_events() -> None:
    chat = Namespace("/chat")
    chat.forward("send", queue="messages", payload=Sent)
    forward = {"event": "report", "namespace": "/chat", "exchange": "x", "envelope": "plain"}
    report, send = read(chat, forwards=[forward]).namespaces[0].client_events[:2]
    assert send.target == Target("", "messages", "nestjs", "send")
    assert send.arguments[0].schema == {"$ref": "#/$defs/Sent"}
    assert report.target == Target("x", "report", "plain", "report")
    assert report.answer == Answer("unknown")


def test_bindings_of_the_settings_give_events() -> None:
    bindings = [
        {"pattern": "user.*", "namespace": "/chat", "event": "user"},
        {"pattern": "room.closed", "namespace": "/chat"},
    ]
    contract = read(Namespace("/chat"), bindings=bindings)
    assert server_names(contract) == ["room.closed", "user"]


def test_settings_that_name_an_unknown_namespace_are_refused() -> None:
    with pytest.raises(ContractError, match="bindings name /mail, which is not served"):
        read(Namespace("/chat"), bindings=[{"pattern": "a", "namespace": "/mail"}])


def test_a_type_with_a_name_of_ours_is_refused() -> None:
    refusal = msgspec.defstruct("TidegateRefusal", [("id", int)])
    chat = Namespace("/chat")
    chat.forward("send", queue="q", payload=refusal)
    with pytest.raises(ContractError, match="TidegateRefusal"):
        read(chat)


def test_a_type_without_a_json_form_is_refused_with_its_place() -> None:
    chat = Namespace("/chat")

    @chat.on("draw")
    def draw(client: Client, shape: complex) -> None: ...

    with pytest.raises(ContractError, match=r"/chat: the handler of 'draw': builtins\.complex"):
        read(chat)
