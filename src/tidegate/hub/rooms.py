"""Resource rooms of sockets that aren't here, so that their clients find them again.

Every node tells the log when a socket joins or leaves a resource room, and again from time to time
(``app/room_announcements.py``). What is told is kept here until its client comes by, or until
nothing was told for so long that its node and its session must be gone. That the socket had rooms
is remembered longer: its client must not be told that it got everything back.
"""

from __future__ import annotations

from collections import OrderedDict

from tidegate.ids import RoomName, Sid
from tidegate.log import RoomsOfSession

__all__ = ["RoomDirectory"]


class _Told:
    """Rooms of one socket, and when they were told."""

    __slots__ = ("at", "rooms")

    def __init__(self, rooms: dict[RoomName, int], at: float) -> None:
        self.rooms = rooms
        self.at = at


class RoomDirectory:
    """Resource rooms by sid, as other nodes told them.

    Args:
        age: Seconds for which they are kept after they were last told.
        max_sessions: Sockets that are kept at most; those told longest ago go first.
        max_buried: Sockets whose rooms are gone that are remembered at most.

    Attributes:
        has_forgotten: Set when a socket that had rooms is not remembered any more: whoever
            reads it must not trust older sessions that are unknown here, and clears it.
    """

    def __init__(
        self, *, age: float, max_sessions: int = 100_000, max_buried: int = 200_000
    ) -> None:
        self._age = age
        self._max_sessions = max_sessions
        self._max_buried = max_buried
        self._told: OrderedDict[Sid, _Told] = OrderedDict()
        self._buried: OrderedDict[Sid, None] = OrderedDict()
        self.has_forgotten = False

    def __len__(self) -> int:
        return len(self._told)

    def note(self, entry: RoomsOfSession, now: float) -> None:
        """Keep what another node tells."""
        self._told.pop(entry.sid, None)
        self._buried.pop(entry.sid, None)
        if entry.rooms:
            self._told[entry.sid] = _Told(dict(entry.rooms), now)
        if len(self._told) > self._max_sessions:
            self.bury(self._told.popitem(last=False)[0])

    def bury(self, sid: Sid) -> None:
        """Note that a socket had rooms which can't be given back any more."""
        self._buried[sid] = None
        if len(self._buried) > self._max_buried:
            self._buried.popitem(last=False)
            self.has_forgotten = True

    def is_buried(self, sid: Sid) -> bool:
        """Tell whether a socket had rooms which can't be given back any more."""
        return sid in self._buried

    def rooms_of(self, sid: Sid) -> dict[RoomName, int]:
        """Return the rooms of a socket and the offsets at which it joined them."""
        told = self._told.get(sid)
        return {} if told is None else told.rooms

    def expire(self, now: float) -> None:
        """Let go of what has not been told again for ``age``."""
        while self._told:
            sid, told = next(iter(self._told.items()))
            if told.at > now - self._age:
                return
            del self._told[sid]
            self.bury(sid)
