"""A client as handlers see it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.app.resends import Resends
from tidegate.app.targets import Tenant, checked_name, tenant_target
from tidegate.auth.identity import Identity
from tidegate.errors import PayloadError, Refused
from tidegate.events import Event, check_event_name, encode_payload, event_name_of
from tidegate.hub import Hub, Socket
from tidegate.ids import NamespaceName, RoomName, Sid, TenantId, UserId
from tidegate.protocol.binary import reconstruct
from tidegate.protocol.events import AckReceived, EventReceived

if TYPE_CHECKING:
    from tidegate.app.publisher import Publisher
    from tidegate.transports.base import Connection

__all__ = ["Client"]

Job = tuple["Connection", EventReceived, Callable[[], Awaitable[Any]] | None]
"""An event that waits for its turn, where it came from, and what forwards it if it is forwarded."""


class Client:
    """One socket of a verified user; lives as long as its session, across recoveries.

    Attributes:
        data: Yours to keep things in.
    """

    __slots__ = (
        *("_hub", "_next_ack", "_publisher", "_waiting"),
        *("data", "inbox", "resends", "socket", "worker"),
    )

    def __init__(self, socket: Socket, hub: Hub, publisher: Publisher) -> None:
        self.socket = socket
        self._hub = hub
        self._publisher = publisher
        self._next_ack = 0
        self._waiting: dict[int, asyncio.Future[Any]] | None = None
        self.data: dict[str, Any] = {}
        self.inbox: deque[Job] = deque()
        self.worker: asyncio.Task[None] | None = None
        self.resends: Resends | None = None  # only of clients whose events are forwarded

    def __repr__(self) -> str:
        return f"<Client {self.sid} {self.tenant_id}/{self.user_id}{self.namespace}>"

    # Who it is

    @property
    def sid(self) -> Sid:
        """Return the Socket.IO session id, the client's ``socket.id``."""
        return self.socket.sid

    @property
    def identity(self) -> Identity:
        """Return who the verified token speaks for."""
        return self.socket.identity

    @property
    def tenant_id(self) -> TenantId:
        """Return the verified tenant."""
        return self.socket.identity.tenant

    @property
    def user_id(self) -> UserId:
        """Return the verified user."""
        return self.socket.identity.user

    @property
    def claims(self) -> dict[str, Any]:
        """Return the verified claims."""
        return self.socket.identity.claims

    @property
    def namespace(self) -> NamespaceName:
        """Return the namespace that it is connected to."""
        return self.socket.namespace

    @property
    def is_connected(self) -> bool:
        """Whether its connection stands; a dropped client may come back."""
        return self.socket.link is not None

    @property
    def rooms(self) -> frozenset[RoomName]:
        """Return the resource rooms that it is in."""
        return frozenset(self.socket.rooms or ())

    @property
    def tenant(self) -> Tenant:
        """Return its own tenant as an address, in this client's namespace."""
        return tenant_target(self._publisher, self.tenant_id, self.namespace)

    # What can be done with it

    async def emit(
        self, event: Event | str, data: Any = None, *, message_id: str | None = None
    ) -> str:
        """Emit to this client alone; it travels through the log and survives a dropped connection.

        Raises:
            PayloadError: The payload has no JSON form.
        """
        return await self._publisher.emit(
            self.tenant,
            event,
            data,
            namespace=self.namespace,
            exclude=None,
            message_id=message_id,
            sid=self.sid,
        )

    async def call(self, event: Event | str, data: Any = None, *, within: float = 10.0) -> Any:
        """Emit to this client and return what it acknowledges.

        Unlike ``emit`` this goes out at once and only over the connection that stands.

        Args:
            event: A declared event, or a name with ``data`` beside it.
            data: The payload.
            within: Seconds to wait.

        Returns:
            The ack's argument; a list if it has several, None if it has none.

        Raises:
            TimeoutError: No ack came in time.
            Refused: The client is not connected, or left before it answered.
        """
        connection = self._connection()
        name = event if isinstance(event, str) else event_name_of(type(event))
        check_event_name(name)
        payload = encode_payload(data if isinstance(event, str) else event)
        self._next_ack += 1
        ack_id, answer = self._next_ack, asyncio.get_running_loop().create_future()
        self._waiting = self._waiting or {}
        self._waiting[ack_id] = answer
        try:
            # No offset behind the payload: the client's listener gets the callback there.
            connection.core.send_event(
                self.namespace,
                name,
                (payload.json,),
                ack_id=ack_id,
                attachments=payload.attachments,
            )
            connection.flush()
            async with asyncio.timeout(within):
                return await answer
        finally:
            self._waiting.pop(ack_id, None)

    def join(self, room: str) -> None:
        """Put the client into a resource room from now on; the decision is yours here.

        When its connection has dropped and it comes back, it stays in the room if ``on_connect``
        joins it again or a room rule allows it.
        """
        self._hub.join(self.socket, RoomName(checked_name(room, "room")))

    def leave(self, room: str) -> None:
        """Take the client out of a resource room."""
        self._hub.leave(self.socket, RoomName(checked_name(room, "room")))

    async def disconnect(self) -> None:
        """Disconnect it with a DISCONNECT packet, so that it does not come back by itself."""
        await self._publisher.disconnect(self.tenant_id, sid=self.sid)

    # What the gateway calls

    def resolve_ack(self, event: AckReceived) -> None:
        """Hand an ack to whoever waits for it; a late or invented one is ignored."""
        answer = (self._waiting or {}).get(event.ack_id)
        if answer is None or answer.done():
            return
        try:
            values = [msgspec.json.decode(argument) for argument in event.args]
            if event.attachments:
                values = reconstruct(values, event.attachments)
        except (msgspec.DecodeError, RecursionError) as error:
            answer.set_exception(PayloadError(f"the ack is not valid JSON: {error}"))
            return
        answer.set_result(values[0] if len(values) == 1 else values or None)

    def connection_gone(self) -> None:
        """Let go of what can't happen without the connection."""
        for answer in (self._waiting or {}).values():
            if not answer.done():
                answer.set_exception(Refused("the client disconnected before it answered"))

    def _connection(self) -> Connection:
        link = self.socket.link
        if link is None:
            raise Refused("the client is not connected")
        return link  # type: ignore[return-value]  # the application's links are its connections
