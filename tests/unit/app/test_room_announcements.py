"""How long a join waits for its announcement: for its own, however many others follow."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from tidegate.app.room_announcements import RoomAnnouncements
from tidegate.auth.identity import Identity
from tidegate.errors import LogError
from tidegate.hub import FrameWriter, Hub, Socket
from tidegate.ids import NamespaceName, RoomName, Sid, TenantId, UserId
from tidegate.log import Entry, MemoryLog, RoomsOfSession, Window

ROOM = RoomName("talk:1")


class NoLink:
    is_writable = True
    takes_compressed = False

    @property
    def transport(self) -> FrameWriter:
        raise NotImplementedError

    def abort(self, reason: str) -> None: ...


class SlowLog(MemoryLog):
    """A log that takes a batch each time that it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Semaphore(0)
        self.taken: list[set[Sid]] = []
        self.is_failing = False

    async def append(self, entries: Sequence[Entry]) -> Sequence[int]:
        await self.let.acquire()
        if self.is_failing:
            raise LogError("closed")
        self.taken.append({each.sid for each in entries if isinstance(each, RoomsOfSession)})
        return range(len(entries))


async def test_a_join_waits_for_its_own_announcement_only() -> None:
    log = SlowLog()
    tasks: list[asyncio.Task[None]] = []
    window = Window(age=60, max_bytes=1_000_000, tenant_bytes=1_000_000)
    hub = Hub(window=window, log=log, session_age=60, on_control=lambda _: None)

    def spawn(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        tasks.append(asyncio.ensure_future(coroutine))
        return tasks[-1]

    rooms = RoomAnnouncements(hub, log, every=60, spawn=spawn)

    def join(sid: str) -> asyncio.Task[None]:
        identity = Identity(TenantId("acme"), UserId("42"))
        socket = Socket(
            sid=Sid(sid), namespace=NamespaceName("/"), identity=identity, link=NoLink()
        )
        hub.add(socket)
        hub.join(socket, ROOM)
        return asyncio.ensure_future(rooms.told())

    async def take_one() -> None:
        log.let.release()
        await asyncio.sleep(0.01)

    first = join("first")
    await asyncio.sleep(0.01)  # it is on its way
    second, third = join("second"), join("third")
    await take_one()
    assert (first.done(), second.done()) == (True, False)
    fourth = join("fourth")
    await take_one()
    assert (second.done(), third.done(), fourth.done()) == (True, True, False)
    log.is_failing = True
    await take_one()
    assert fourth.done()
    assert log.taken == [{"first"}, {"second", "third"}]
    log.is_failing = False
    fifth = join("fifth")  # a failure is not the end
    await asyncio.sleep(0.01)
    await take_one()
    assert fifth.done()
    await asyncio.gather(*tasks)
