"""The gateway's own events from clients: join and leave a room, present a fresh token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from tidegate.app.client import Client
from tidegate.app.door import may_join
from tidegate.app.namespace import Namespace
from tidegate.app.token_life import TokenLife
from tidegate.auth.identity import Identity
from tidegate.errors import PayloadError, Refused
from tidegate.events import decode_argument
from tidegate.protocol.events import EventReceived

__all__ = ["BuiltinEvents"]

MAX_ROOM_LENGTH = 256


class _RoomRequest(msgspec.Struct):
    room: str


class _TokenRequest(msgspec.Struct):
    token: str


Identify = Callable[[object, str, str], Awaitable[Identity]]


class BuiltinEvents:
    """Handles ``tidegate.join``, ``tidegate.leave`` and ``tidegate.refresh_token``.

    Each takes an object (``{"room": ...}``, ``{"token": ...}``) or the bare string, and answers
    ``{"ok": true, ...}`` or ``{"error": ...}`` in the ack.

    Args:
        namespaces: Their room rules decide on joins.
        token_life: Takes fresh tokens.
        identify: Verifies one: the token, the namespace, the client's address.
        max_rooms: Resource rooms of one socket.
        rooms_told: Waits until other nodes know the rooms of this node's sockets; None without
            other nodes.
    """

    def __init__(
        self,
        namespaces: dict[str, Namespace],
        token_life: TokenLife,
        identify: Identify,
        *,
        max_rooms: int,
        rooms_told: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._namespaces = namespaces
        self._token_life = token_life
        self._identify = identify
        self._max_rooms = max_rooms
        self._rooms_told = rooms_told
        self.rooms_limited = 0
        self._handlers = {
            "tidegate.join": self._join,
            "tidegate.leave": self._leave,
            "tidegate.refresh_token": self._refresh_token,
        }

    async def handle(self, client: Client, event: EventReceived) -> dict[str, Any]:
        """Return the ack.

        Raises:
            Refused: The call is not allowed, or there is no such event.
            PayloadError: Its argument has another shape.
            AuthError: The token is refused.
        """
        handler = self._handlers.get(event.event_name)
        if handler is None:
            raise Refused(f"no handler for {event.event_name!r}", code="unknown_event")
        if not event.args:
            raise PayloadError("Expected 1 argument after the event name, got 0")
        return await handler(client, event.args[0])

    async def _join(self, client: Client, argument: bytes) -> dict[str, Any]:
        room = _room_in(argument)
        if room in client.rooms:
            return {"ok": True, "room": room}
        self._check_room_count(client)
        if not await may_join(self._namespaces[client.namespace], client, room):
            raise Refused("this room can't be joined")
        if not client.is_connected:
            raise Refused("the client is gone")
        self._check_room_count(client)
        client.join(room)
        await self._tell_rooms()
        return {"ok": True, "room": room}

    async def _leave(self, client: Client, argument: bytes) -> dict[str, Any]:
        room = _room_in(argument)
        client.leave(room)
        await self._tell_rooms()
        return {"ok": True, "room": room}

    async def _refresh_token(self, client: Client, argument: bytes) -> dict[str, Any]:
        target = str if argument[:1] == b'"' else _TokenRequest
        request = decode_argument(argument, (), target)
        token = request if isinstance(request, str) else request.token
        link = client.socket.link
        address: str = getattr(link, "address", "")
        identity = await self._identify(token, client.namespace, address)
        if not client.is_connected:
            raise Refused("the client is gone")
        self._token_life.refresh(client.socket, identity)
        return {"ok": True, "expires_at": identity.expires_at}

    async def _tell_rooms(self) -> None:
        """Have other nodes know before the client does: it may come back to one of them."""
        if self._rooms_told is not None:
            await self._rooms_told()

    def _check_room_count(self, client: Client) -> None:
        if len(client.rooms) >= self._max_rooms:
            self.rooms_limited += 1
            raise Refused(f"a socket joins at most {self._max_rooms} rooms", code="limit_reached")


def _room_in(argument: bytes) -> str:
    target = str if argument[:1] == b'"' else _RoomRequest
    request = decode_argument(argument, (), target)
    room: str = request if isinstance(request, str) else request.room
    if not room or len(room) > MAX_ROOM_LENGTH:
        field = "$" if isinstance(request, str) else "$.room"
        raise PayloadError(f"Expected 1 to {MAX_ROOM_LENGTH} characters", field)
    return room
