"""What a node does after a gap in the log: nothing that it may have missed is taken for granted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from typing import Any

from tests.conftest import PATIENCE, until

from tidegate.app.following import LogFollower
from tidegate.auth.identity import Identity
from tidegate.errors import LogGap
from tidegate.hub import Hub, Socket
from tidegate.ids import NamespaceName, Sid, TenantId, UserId
from tidegate.log import Batch, Control, MemoryLog, Revocation, Window

REVOKED = Revocation(TenantId("acme"), 1.0, 2.0)


class GappyLog(MemoryLog):
    """A log that ends at 10, of which nothing arrives but a gap, once that is set."""

    def __init__(self) -> None:
        super().__init__()
        self.gap = asyncio.Event()
        self.begun: list[Sequence[int] | None] = []

    async def heads(self) -> Sequence[int]:
        return [10]

    async def revocations(self) -> Sequence[Revocation]:
        return [REVOKED]

    async def follow(
        self, after: Sequence[int] | None = None, *, since: float | None = None
    ) -> AsyncGenerator[Batch, None]:
        self.begun.append(after)
        if after is not None:
            await asyncio.Event().wait()
        yield Batch(0, (), 5, 5)
        await self.gap.wait()
        raise LogGap("gone")


async def test_after_a_gap_a_node_goes_on_at_the_end_of_the_log() -> None:
    log = GappyLog()
    told: list[Control] = []
    window = Window(age=60, max_bytes=1_000_000, tenant_bytes=1_000_000)
    hub = Hub(window=window, log=log, session_age=60, on_control=told.append)
    tasks: list[asyncio.Task[None]] = []

    def spawn(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        tasks.append(asyncio.ensure_future(coroutine))
        return tasks[-1]

    follower = LogFollower(hub, log, age=60, spawn=spawn)
    spawn(follower.run())
    await until(lambda: hub.positions == {0: 5}, "the beginning")
    caught_up = asyncio.ensure_future(follower.synchroniser.caught_up())
    elsewhere = Socket(
        sid=Sid("s"),
        namespace=NamespaceName("/"),
        identity=Identity(TenantId("acme"), UserId("42")),
    )
    elsewhere.start = 7  # it began on another node while this one missed what was told
    claim = hub.sessions.claim(hub.sessions.private_id(elsewhere), elsewhere)
    assert claim is not None
    assert hub.sessions.find(claim, elsewhere) is not None
    await asyncio.sleep(0)
    log.gap.set()
    async with asyncio.timeout(PATIENCE):
        await caught_up  # though nothing more arrives
    await until(lambda: log.begun == [None, [10]], "following anew")
    assert told == [REVOKED]
    assert hub.sessions.find(claim, elsewhere) is None
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
