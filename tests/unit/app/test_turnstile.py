"""Bursts come through in slices, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tidegate.app.turnstile import Turnstile


async def test_calls_of_one_turn_are_made_at_once_up_to_the_bound() -> None:
    made: list[int] = []
    turnstile = Turnstile(3)

    for number in range(5):
        turnstile.call(made.append, number)

    assert made == [0, 1, 2]


async def test_the_rest_is_made_in_order_with_other_work_in_between() -> None:
    made: list[object] = []
    turnstile = Turnstile(2)
    for number in range(5):
        turnstile.call(made.append, number)

    asyncio.get_running_loop().call_soon(made.append, "other")
    await _until(lambda: len(made) == 6)

    assert [each for each in made if each != "other"] == [0, 1, 2, 3, 4]
    assert made.index("other") < made.index(4)


async def test_a_call_does_not_overtake_those_that_wait() -> None:
    made: list[int] = []
    turnstile = Turnstile(1)
    turnstile.call(made.append, 0)
    turnstile.call(made.append, 1)
    turnstile.call(made.append, 2)
    await _until(lambda: len(made) == 2)

    turnstile.call(made.append, 3)
    await _until(lambda: len(made) == 4)

    assert made == [0, 1, 2, 3]


async def test_a_call_made_at_its_turn_may_ask_for_another() -> None:
    made: list[str] = []
    turnstile = Turnstile(1)

    def first() -> None:
        made.append("first")
        turnstile.call(made.append, "from within")

    turnstile.call(first)
    await _until(lambda: len(made) == 2)

    assert made == ["first", "from within"]


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(100):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come in 100 turns of the loop")
