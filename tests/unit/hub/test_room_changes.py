"""What is told of resource rooms: changes, and nothing that a client can repeat at will."""

from __future__ import annotations

from tidegate.auth.identity import Identity
from tidegate.hub import FrameWriter, Hub, Socket
from tidegate.ids import NamespaceName, RoomName, Sid, TenantId, UserId
from tidegate.log import MemoryLog, Window

ROOM = RoomName("talk:1")


class NoLink:
    is_writable = True
    takes_compressed = False

    @property
    def transport(self) -> FrameWriter:
        raise NotImplementedError

    def abort(self, reason: str) -> None: ...


async def test_leaving_a_room_is_told_once() -> None:
    window = Window(age=60, max_bytes=1_000_000, tenant_bytes=1_000_000)
    hub = Hub(window=window, log=MemoryLog(), session_age=60, on_control=lambda _: None)
    told: list[frozenset[RoomName]] = []
    hub.on_rooms_changed = lambda socket: told.append(frozenset(socket.rooms or ()))
    identity = Identity(TenantId("acme"), UserId("42"))
    socket = Socket(sid=Sid("s"), namespace=NamespaceName("/"), identity=identity, link=NoLink())
    hub.leave(socket, ROOM)
    hub.add(socket)
    hub.leave(socket, ROOM)
    hub.join(socket, ROOM)
    hub.leave(socket, ROOM)
    hub.leave(socket, ROOM)
    assert told == [{ROOM}, frozenset()]
