from __future__ import annotations

import time

import pytest

from tidegate.deadlines import DeadlineWheel


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_item_is_called_after_its_deadline_and_within_a_tick() -> None:
    called: list[tuple[str, float]] = []

    def on_due(item: str, now: float) -> None:
        called.append((item, now))

    wheel = DeadlineWheel(on_due, tick=0.25, clock=Clock())
    wheel.add("a", 1.0)
    wheel.add("b", 5.0)
    for step in range(1, 9):
        wheel.advance(step * 0.25)
    assert called == [("a", 1.25)]
    assert len(wheel) == 1


def test_an_item_is_filed_again_at_the_deadline_it_returns() -> None:
    called: list[float] = []

    def on_due(item: str, now: float) -> float:
        called.append(now)
        return now + 2

    wheel = DeadlineWheel(on_due, tick=1, clock=Clock())
    wheel.add("a", 1)
    for now in range(1, 9):
        wheel.advance(now)
    assert called == [2.0, 5.0, 8.0]


def test_a_failing_handler_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    called: list[str] = []

    def on_due(item: str, now: float) -> None:
        if item == "bad":
            raise RuntimeError("broken")
        called.append(item)

    wheel = DeadlineWheel(on_due, tick=1, clock=Clock())
    wheel.add("bad", 1)
    wheel.add("good", 1)
    wheel.advance(3)
    assert called == ["good"]
    assert "broken" in caplog.text


def test_a_stall_misses_nothing() -> None:
    called: list[str] = []

    def on_due(item: str, now: float) -> None:
        called.append(item)

    wheel = DeadlineWheel(on_due, tick=0.1, clock=Clock())
    for number in range(50):
        wheel.add(str(number), number / 10)
    wheel.advance(100.0)
    assert called == [str(number) for number in range(50)]


def test_a_clock_that_is_set_back_holds_nothing_up() -> None:
    called: list[tuple[str, float]] = []

    def on_due(item: str, now: float) -> float | None:
        called.append((item, now))
        return 1_010.0 if now < 1_010.0 and item == "before" else None

    wheel = DeadlineWheel(on_due, tick=1, clock=Clock())
    wheel.advance(2_000.0)
    wheel.add("before", 2_010.0)
    wheel.advance(1_000.0)
    assert called == [("before", 1_000.0)]  # looked at, and filed by the new time
    wheel.add("after", 1_005.0)
    for now in range(1_001, 1_020):
        wheel.advance(float(now))
    assert called[1:] == [("after", 1_006.0), ("before", 1_011.0)]


def test_a_clock_that_is_set_back_a_little_changes_nothing() -> None:
    called: list[float] = []

    def on_due(item: str, now: float) -> None:
        called.append(now)

    wheel = DeadlineWheel(on_due, tick=1, clock=Clock())
    wheel.advance(10.9)
    wheel.add("a", 11.5)
    wheel.advance(10.1)
    assert called == []


def test_a_clock_that_is_set_forward_by_decades_stops_nothing() -> None:
    called: list[str] = []

    def on_due(item: str, now: float) -> None:
        called.append(item)

    wheel = DeadlineWheel(on_due, tick=0.25, clock=Clock())
    wheel.add("later", 20.0)
    wheel.add("sooner", 10.0)
    began = time.perf_counter()
    wheel.advance(50 * 365 * 86_400.0)
    assert time.perf_counter() - began < 1.0
    assert called == ["sooner", "later"]
