"""Which identical events are resends, and which are repeats."""

from __future__ import annotations

import pytest

from tidegate.app.resends import Resends, Ticket

A, B = "connection a", "connection b"


def note(resends: Resends, over: str = A, content: bytes = b"x", ack: bool = True) -> Ticket:
    return resends.note(content, over, wants_ack=ack)


def told(ticket: Ticket) -> tuple[int, bool]:
    return ticket.number, ticket.is_resend


def test_an_identical_event_after_the_answer_is_a_repeat() -> None:
    resends = Resends()
    for number in range(3):
        ticket = note(resends)
        assert told(ticket) == (number, False)
        ticket.finish(A)


def test_an_identical_event_before_the_answer_is_a_resend() -> None:
    resends = Resends()
    first = note(resends)
    second = note(resends)
    assert told(second) == (0, True)
    first.finish(A)
    third = note(resends)
    assert told(third) == (0, True)  # the client waits for the second, the first came too late
    second.finish(A)
    third.finish(A)
    assert told(note(resends)) == (1, False)


def test_an_answer_over_an_earlier_connection_may_be_lost() -> None:
    resends = Resends()
    note(resends, A).finish(A)
    resent = note(resends, B)
    assert told(resent) == (0, True)
    resent.finish(B)
    assert told(note(resends, B)) == (1, False)


@pytest.mark.parametrize("over", [A, B])
def test_an_outcome_that_is_not_known_leaves_the_event_open(over: str) -> None:
    resends = Resends()
    note(resends, A).finish(None)
    assert told(note(resends, over)) == (0, True)


def test_the_last_repeat_is_the_one_that_is_resent() -> None:
    resends = Resends()
    note(resends, A).finish(A)
    note(resends, A)  # unanswered when the connection is lost
    assert told(note(resends, B)) == (1, True)


def test_events_without_ack_are_never_resent() -> None:
    resends = Resends()
    assert [told(note(resends, over, ack=False)) for over in (A, A, B)] == [
        (0, False),
        (1, False),
        (2, False),
    ]
    asked = note(resends, B)
    assert told(asked) == (3, False)
    assert told(note(resends, B, ack=False)) == (4, False)
    assert told(note(resends, B)) == (3, True)


def test_different_contents_do_not_touch_each_other() -> None:
    resends = Resends()
    note(resends, content=b"x").finish(A)
    assert told(note(resends, content=b"y")) == (0, False)


def test_an_own_id_is_the_same_event_each_time() -> None:
    resends = Resends()
    first = resends.note(b"id", A, wants_ack=True, has_own_id=True)
    first.finish(A)
    assert told(first) == (0, False)
    assert told(resends.note(b"id", A, wants_ack=True, has_own_id=True)) == (0, True)
    assert told(resends.note(b"id", A, wants_ack=False, has_own_id=True)) == (0, True)


def test_what_is_forgotten_never_gives_a_used_number_away() -> None:
    resends = Resends()
    for _ in range(3):
        note(resends, content=b"like").finish(A)
    for other in range(64):
        note(resends, content=b"%d" % other).finish(A)
    assert len(resends._seen) == 64
    assert told(note(resends, content=b"like")) == (3, False)
