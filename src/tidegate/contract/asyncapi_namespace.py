"""A namespace in an AsyncAPI document: one channel, and an operation for each event."""

from __future__ import annotations

from tidegate.contract.asyncapi_parts import Document, Keys, draft_7, point
from tidegate.contract.builtin import REFUSAL_NAME
from tidegate.contract.model import (
    DEFINITIONS,
    Answer,
    ClientEvent,
    NamespaceContract,
    Schema,
    ServerEvent,
)

__all__ = ["NamespaceSide"]


class NamespaceSide:
    """The parts of the document that a namespace has.

    Args:
        space: The namespace.
        keys: Makes keys of channels and operations, which have to differ in the whole document.
    """

    def __init__(self, space: NamespaceContract, keys: Keys) -> None:
        self._space = space
        self.key = keys.make([space.name])
        messages = Keys()
        self._server = [(messages.make([e.name]), e) for e in space.server_events]
        self._client = [
            (messages.make([e.name]), messages.make([e.name, "ack"]), e)
            for e in space.client_events
        ]
        self._keys = keys

    def channel(self) -> Document:
        """Return the channel with its messages."""
        space = self._space
        messages: Document = {key: _server_message(event) for key, event in self._server}
        for key, ack, event in self._client:
            messages[key] = _client_message(event)
            messages[ack] = _ack_message(event)
        rooms = {room.pattern: draft_7(room.placeholders) for room in space.rooms}
        return {
            "address": space.name,
            "title": f"Namespace {space.name}",
            "servers": [point("servers", "gateway")],
            "messages": messages,
            "x-socketio": {"namespace": space.name, "rooms": rooms},
        }

    def operations(self) -> Document:
        """Return an operation for each event; acks are replies."""
        channel = point("channels", self.key)
        found: Document = {}
        for key, event in self._server:
            found[self._keys.make([self.key, "send", event.name])] = {
                "action": "send",
                "channel": channel,
                "summary": event.description or f"Emit `{event.name}`.",
                "messages": [point("channels", self.key, "messages", key)],
            }
        for key, ack, call in self._client:
            found[self._keys.make([self.key, "receive", call.name])] = {
                "action": "receive",
                "channel": channel,
                "summary": call.description or f"Take `{call.name}`.",
                "messages": [point("channels", self.key, "messages", key)],
                "reply": {
                    "channel": channel,
                    "messages": [point("channels", self.key, "messages", ack)],
                },
            }
        return found


def _server_message(event: ServerEvent) -> Document:
    return {
        "name": event.name,
        "title": event.name,
        **({"summary": event.description} if event.description else {}),
        "payload": draft_7(event.payload),
        "x-socketio": {"packet": "EVENT", "event": event.name, "arguments": 1},
    }


def _client_message(event: ClientEvent) -> Document:
    required = sum(argument.is_required for argument in event.arguments)
    most = len(event.arguments)
    return {
        "name": event.name,
        "title": event.name,
        **({"summary": event.description} if event.description else {}),
        "payload": draft_7(_list_of([a.schema for a in event.arguments], required)),
        "x-socketio": {
            "packet": "EVENT",
            "event": event.name,
            "arguments": most if required == most else {"least": required, "most": most},
        },
    }


def _ack_message(event: ClientEvent) -> Document:
    return {
        "name": f"{event.name} (ack)",
        "title": f"Ack of {event.name}",
        "payload": draft_7(_ack_payload(event.answer)),
        "x-socketio": {"packet": "ACK", "event": event.name},
    }


def _ack_payload(answer: Answer) -> Schema:
    """Return what an ack may hold: the answer or a refusal."""
    refusal = {"$ref": DEFINITIONS + REFUSAL_NAME}
    if answer.kind == "unknown":
        return {"description": "Whatever the service answers, or a refusal."}
    if answer.kind == "nothing":
        return {"anyOf": [_list_of([], 0), refusal], "description": "No argument, or a refusal."}
    options = [_list_of(list(answer.values), len(answer.values)), refusal]
    return {"anyOf": [*options, _list_of([], 0)] if answer.is_optional else options}


def _list_of(arguments: list[Schema], required: int) -> Schema:
    """Return the schema of a packet's arguments: the one argument itself, or their list."""
    if len(arguments) == 1 == required:
        return arguments[0]
    items = {"prefixItems": arguments, "items": False} if arguments else {}
    return {"type": "array", "minItems": required, "maxItems": len(arguments), **items}
