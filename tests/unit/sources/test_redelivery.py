from __future__ import annotations

from tidegate.sources.redelivery import KnownOrigins


def test_what_was_noted_is_known_once() -> None:
    known = KnownOrigins()
    known.note(1)
    assert known.take(1)
    assert not known.take(1)
    assert not known.take(2)


def test_equal_messages_are_known_as_often_as_they_were_noted() -> None:
    known = KnownOrigins()
    known.note(1)
    known.note(1)
    assert [known.take(1) for _ in range(3)] == [True, True, False]


def test_the_oldest_are_forgotten() -> None:
    known = KnownOrigins(limit=2)
    for origin in (1, 2, 3):
        known.note(origin)
    assert [known.take(origin) for origin in (1, 2, 3)] == [False, True, True]


def test_forgetting_what_was_taken_keeps_what_came_after() -> None:
    known = KnownOrigins(limit=2)
    known.note(1)
    assert known.take(1)
    known.note(2)
    known.note(1)  # pushes out the first, which was taken already
    assert known.take(1)


def test_its_size_is_bounded() -> None:
    known = KnownOrigins(limit=100)
    for origin in range(1_000):
        known.note(origin % 150)
        known.take(origin % 7)
    assert len(known) <= 100
