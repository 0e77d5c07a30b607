"""Tells the other nodes which sockets are in resource rooms, so that clients find them there again.

A socket is told of when it joins or leaves, and again twice in the time for which a dropped client
may come back: nodes that were started since, or that have let go of it, learn of it then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from tidegate.errors import LogError
from tidegate.hub import Hub, Socket
from tidegate.log import EventLog, RoomsOfSession

__all__ = ["RoomAnnouncements"]

log = logging.getLogger("tidegate.rooms")

MAX_BATCH = 500

PATIENCE = 2.0
"""Seconds for which an ack of a join waits while the log can't be reached."""


class RoomAnnouncements:
    """Appends the rooms of this node's sockets to the log.

    Args:
        hub: Knows the sockets; tells of each change.
        log: Shared with other nodes.
        every: Seconds after which all are told of again.
        spawn: Runs a coroutine as a task.
    """

    def __init__(
        self,
        hub: Hub,
        log: EventLog,
        *,
        every: float,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._hub = hub
        self._log = log
        self._every = every
        self._spawn = spawn
        self._changed: dict[Socket, None] = {}
        self._telling: asyncio.Task[None] | None = None
        self._told: asyncio.Future[None] | None = None  # done when what is in _changed is told
        hub.on_rooms_changed = self._note

    async def told(self) -> None:
        """Wait until the changes so far are in the log, or for as long as a client may wait.

        Call it right after the change: those that come later are not waited for.
        """
        if self._told is not None:
            await asyncio.wait({self._told}, timeout=PATIENCE)

    async def repeat(self) -> None:
        """Tell of all sockets with rooms again and again; never returns."""
        while True:
            await asyncio.sleep(self._every)
            self._note_all(self._hub.sockets_with_rooms())

    def _note(self, socket: Socket) -> None:
        self._note_all((socket,))

    def _note_all(self, sockets: Iterable[Socket]) -> None:
        self._changed.update(dict.fromkeys(sockets))
        if not self._changed:
            return
        if self._told is None:
            self._told = asyncio.get_running_loop().create_future()
        if self._telling is None:
            self._telling = self._spawn(self._tell())

    async def _tell(self) -> None:
        try:
            while (told := self._told) is not None:
                sockets, self._changed, self._told = list(self._changed), {}, None
                try:
                    for begin in range(0, len(sockets), MAX_BATCH):
                        batch = sockets[begin : begin + MAX_BATCH]
                        await self._log.append([_rooms_of(socket) for socket in batch])
                except LogError as error:
                    log.warning("rooms could not be told to other nodes: %s", error)
                finally:
                    told.set_result(None)
        finally:
            self._telling = None


def _rooms_of(socket: Socket) -> RoomsOfSession:
    identity = socket.identity
    return RoomsOfSession(
        identity.tenant,
        socket.namespace,
        identity.user,
        socket.sid,
        dict(socket.rooms or {}),
        socket.rooms_changed,
    )
