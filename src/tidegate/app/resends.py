"""Telling a client's resend from an intentional repeat.

With its ``retries`` option the official client sends an event again when no ack came in time, and
again after a reconnect: the same arguments, a new ack id, nothing that says so. Here is the rule
that tells, from what one client sent lately:

- An identical event that came while an earlier one was still unanswered is a resend.
- So is one whose earlier sending was answered only over another connection: the answer may have
  been lost with it. And so is one whose earlier sending ended without certainty (a timeout).
- After an answer over the same connection, an identical event is a repeat: it gets a new number.
- An event that wants no ack is never resent by the client, so it is always a repeat.
"""

from __future__ import annotations

from typing import NamedTuple

from tidegate.ids import random_id

__all__ = ["Resends", "Ticket"]

_MAX_REMEMBERED = 64
_NO_ACK_WANTED = ""


class _Seen:
    """What is known of one content.

    Attributes:
        number: Of its latest event that wanted an ack.
        next_number: Not used yet.
        waiting: Sendings of that event that are unanswered.
        answered_over: Engine.IO sid of the connection that its latest answer went over; None if
            it is unanswered.
    """

    __slots__ = ("answered_over", "next_number", "number", "waiting")

    def __init__(self, next_number: int) -> None:
        self.number = self.next_number = next_number
        self.waiting = 0
        self.answered_over: str | None = _NO_ACK_WANTED

    def may_be_resent(self, connection: str) -> bool:
        if self.waiting or self.answered_over is None:
            return True
        return self.answered_over not in (_NO_ACK_WANTED, connection)

    def take_number(self) -> int:
        self.next_number += 1
        return self.next_number - 1


class Ticket(NamedTuple):
    """One sending of an event.

    Attributes:
        number: How many identical events came before; resends of one event share it.
        is_resend: The client has sent this event before.
    """

    seen: _Seen
    number: int
    is_resend: bool

    def finish(self, answered_over: str | None) -> None:
        """Note that an event that wanted an ack is done.

        Args:
            answered_over: Engine.IO sid of the connection that the answer went over; None if none
                could, or the answer says that the outcome is not known.
        """
        self.seen.waiting -= 1
        self.seen.answered_over = answered_over


class Resends:
    """The last 64 different contents that one client sent, oldest first.

    What is forgotten takes its numbers along: a content that comes again starts above all of them,
    so that no repeat ever gets the id of an event that a service knows.

    Attributes:
        epoch: Tells these numbers from those that another node gives to the same session.
    """

    __slots__ = ("_floor", "_seen", "epoch")

    def __init__(self) -> None:
        self.epoch = random_id()
        self._floor = 0
        self._seen: dict[bytes, _Seen] = {}

    def note(
        self, content: bytes, connection: str, *, wants_ack: bool, has_own_id: bool = False
    ) -> Ticket:
        """Note that an event came.

        Args:
            content: A digest of what makes it identical to another.
            connection: Engine.IO sid of the connection that it came over.
            wants_ack: If so, call the ticket's ``finish`` when it is done.
            has_own_id: Its content is an id of the client's own choice: there are no repeats.
        """
        seen = self._seen.get(content)
        if has_own_id:
            is_resend = seen is not None
        else:
            is_resend = wants_ack and seen is not None and seen.may_be_resent(connection)
        seen = seen or _Seen(0 if has_own_id else self._floor)
        self._remember(content, seen)
        number = seen.number if has_own_id or is_resend else seen.take_number()
        if wants_ack:
            seen.number, seen.answered_over = number, None
            seen.waiting += 1
        return Ticket(seen, number, is_resend)

    def _remember(self, content: bytes, seen: _Seen) -> None:
        self._seen.pop(content, None)  # so that it becomes the newest
        self._seen[content] = seen
        if len(self._seen) > _MAX_REMEMBERED:
            oldest = self._seen.pop(next(iter(self._seen)))
            self._floor = max(self._floor, oldest.next_number)
