from __future__ import annotations

from tidegate.backoff import Backoff


def test_pauses_grow_up_to_the_longest_and_are_never_in_step() -> None:
    backoff = Backoff(1.0)
    pauses = [backoff.next_pause() for _ in range(40)]
    for pause, most in zip(pauses, [0.1, 0.2, 0.4, 0.8, *[1.0] * 36], strict=True):
        assert most / 2 <= pause <= most
    assert len(set(pauses)) > 30


def test_a_success_starts_anew() -> None:
    backoff = Backoff(10.0)
    for _ in range(10):
        backoff.next_pause()
    backoff.reset()
    assert backoff.next_pause() <= 0.1


def test_a_short_limit_holds_from_the_first_pause() -> None:
    assert Backoff(0.01).next_pause() <= 0.01
