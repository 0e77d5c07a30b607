"""The services that client events are forwarded to, played by functions of the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from tidegate.app.forwards import ForwardTable
from tidegate.errors import RequestFailed
from tidegate.events import encode_payload
from tidegate.sources.requests import OnReply, OutgoingMessage

__all__ = ["Forwarded", "MemoryServices"]


class Forwarded(NamedTuple):
    """A client event that a service gets by RabbitMQ.

    Attributes:
        event: The client's event.
        data: What the client sent with it.
        headers: The verified identity among others: ``x-tidegate-tenant``, ``x-tidegate-user``, …
        message: All of it as it is published: exchange, routing key, body, message id.
    """

    event: str
    data: Any
    headers: Mapping[str, Any]
    message: OutgoingMessage


Service = Callable[[Forwarded], Any]


class MemoryServices:
    """A `RequestClient` whose services are functions.

    Attributes:
        functions: By the client's event.
        forwarded: What was sent to them, in order.
        table: Says in which envelope; set before anything is sent.
    """

    def __init__(self) -> None:
        self.table: ForwardTable = {}
        self.functions: dict[str, Service] = {}
        self.forwarded: list[Forwarded] = []

    async def publish(self, message: OutgoingMessage, *, within: float) -> None:
        """Hand the message to its service, whose reply nobody waits for."""
        self._call(message)

    async def request(self, message: OutgoingMessage, on_reply: OnReply, *, within: float) -> None:
        """Hand the message to its service, and the reply to ``on_reply``."""
        reply = self._call(message)
        if self._is_nest(message):
            reply = {"response": reply, "isDisposed": True}
        on_reply(encode_payload(reply).json)

    def _call(self, message: OutgoingMessage) -> Any:
        event = message.headers["x-tidegate-event"]
        function = self.functions.get(event)
        if function is None:
            detail = f"no service takes {event!r}: give the TestGateway one by on_forward"
            raise RequestFailed("unavailable", detail)
        body = msgspec.json.decode(message.body)
        data = body["data"] if self._is_nest(message) else body
        forwarded = Forwarded(event, data, message.headers, message)
        self.forwarded.append(forwarded)
        return function(forwarded)

    def _is_nest(self, message: OutgoingMessage) -> bool:
        headers = message.headers
        place = (headers["x-tidegate-namespace"], headers["x-tidegate-event"])
        return self.table[place].envelope == "nestjs"
