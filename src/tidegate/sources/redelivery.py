"""Which messages without an id are in the log already, though their broker delivers them again."""

from __future__ import annotations

from collections import deque

__all__ = ["KnownOrigins"]


class KnownOrigins:
    """The fingerprints of the latest messages without an id, as they were read from the log.

    A node that dies between an append and its ack leaves messages that the broker delivers again,
    to this node or another. With an id they are recognized by it; without one, by what they are:
    queue, properties and body.

    That has a price. A message that is delivered again counts as known if an *equal* one was among
    the latest 5,000, even where that was another message. So publishers that send the very same
    content again and mean it (a tick, a counter without a number) should set message ids. Messages
    delivered for the first time are never compared.

    Args:
        limit: Fingerprints that are remembered.
    """

    def __init__(self, limit: int = 5_000) -> None:
        self._limit = limit
        self._latest: deque[int] = deque()
        self._known: dict[int, int] = {}  # fingerprint -> how many of the latest
        self._taken: dict[int, int] = {}

    def __len__(self) -> int:
        return sum(self._known.values())

    def note(self, origin: int) -> None:
        """Remember an entry's fingerprint; the oldest is forgotten if there are too many."""
        self._latest.append(origin)
        self._known[origin] = self._known.get(origin, 0) + 1
        if len(self._latest) > self._limit:
            oldest = self._latest.popleft()
            _count_down(self._taken if oldest in self._taken else self._known, oldest)

    def take(self, origin: int) -> bool:
        """Tell whether an entry with this fingerprint is known, and use it up if so.

        Two equal messages that come again are both known only if both were noted.
        """
        if origin not in self._known:
            return False
        _count_down(self._known, origin)
        self._taken[origin] = self._taken.get(origin, 0) + 1
        return True


def _count_down(counts: dict[int, int], key: int) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
