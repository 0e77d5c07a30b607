"""Resource rooms of sockets that aren't here, so that their clients find them again.

Every node tells the log when a socket joins or leaves a resource room, and again from time to time
(``app/room_announcements.py``). What is told is kept here until its client comes by, or until
nothing was told for so long that its node and its session must be gone. That the socket had rooms
is remembered longer: its client must not be told that it got everything back. Sockets end all the
time, so in the end this is forgotten as well. Then whatever began no later than the rooms of such
a socket changed is in doubt, for it may be that one; what began since is not.

A node that has not noticed yet that a client is gone goes on telling of it. So what is told counts
only if it is not older than what is known, also when that is that the last room was left.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from tidegate.ids import RoomName, Sid, TenantId
from tidegate.log import RoomsOfSession

__all__ = ["RoomDirectory", "ToldRooms"]

BURIED_PER_SESSION = 2
"""Sockets whose rooms are gone that are remembered, for each whose rooms are kept."""


class ToldRooms(NamedTuple):
    """Rooms of one socket, as a node told them.

    Attributes:
        rooms: Each room, and the offset at which it was joined.
        tenant: The socket's.
        changed: As in `RoomsOfSession`: higher is newer, and none is before the socket's start.
        at: When they were told, by the clock of ``note``.
    """

    rooms: dict[RoomName, int]
    tenant: TenantId
    changed: int
    at: float


class RoomDirectory:
    """Resource rooms by sid, as other nodes told them.

    Args:
        age: Seconds for which they are kept after they were last told.
        max_sessions: Sockets that are kept at most; those told longest ago go first.
        on_forgotten: Told the tenant and the last change of a socket that had rooms and is not
            remembered any more. Sessions that are unknown here and did not begin later must not
            be trusted.
    """

    def __init__(
        self,
        *,
        age: float,
        on_forgotten: Callable[[TenantId, int], None],
        max_sessions: int,
    ) -> None:
        self._age = age
        self._on_forgotten = on_forgotten
        self._max_sessions = max_sessions
        self._max_buried = BURIED_PER_SESSION * max_sessions
        self._told: OrderedDict[Sid, ToldRooms] = OrderedDict()
        self._buried: OrderedDict[Sid, tuple[TenantId, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._told)

    def note(self, entry: RoomsOfSession, now: float) -> None:
        """Keep what another node tells, unless a newer state is known."""
        known = self._told.get(entry.sid)
        if known is not None and 0 < entry.changed < known.changed:
            return
        self._told.pop(entry.sid, None)
        self._buried.pop(entry.sid, None)
        self._told[entry.sid] = ToldRooms(entry.rooms, entry.tenant, entry.changed, now)
        if len(self._told) > self._max_sessions:
            self._forget_oldest()

    def bury(self, sid: Sid, tenant: TenantId, changed: int) -> None:
        """Note that a socket had rooms which can't be given back any more."""
        self._buried[sid] = (tenant, changed)
        if len(self._buried) > self._max_buried:
            _, forgotten = self._buried.popitem(last=False)
            self._on_forgotten(*forgotten)

    def is_buried(self, sid: Sid) -> bool:
        """Tell whether a socket had rooms which can't be given back any more."""
        return sid in self._buried

    def get(self, sid: Sid) -> ToldRooms | None:
        """Return what is known of a socket, which may be that it left its last room."""
        return self._told.get(sid)

    def expire(self, now: float) -> None:
        """Let go of what has not been told again for ``age``."""
        while self._told:
            oldest = next(iter(self._told.values()))
            if oldest.at > now - self._age:
                return
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        sid, told = self._told.popitem(last=False)
        if told.rooms:
            self.bury(sid, told.tenant, told.changed)
