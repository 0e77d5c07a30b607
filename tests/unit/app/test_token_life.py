"""Tokens on open sockets: what is told, what ends, and that nothing outlives its client."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from tidegate.app import token_life
from tidegate.app.token_life import LOOK_SECONDS, TokenLife
from tidegate.auth.identity import Identity
from tidegate.auth.revocation import RevocationList
from tidegate.ids import TenantId, UserId

NOW = 1_000_000.0
HOUR = 3_600.0


class FakeSocket:
    """What is looked at of a socket."""

    def __init__(self, expires_at: float | None) -> None:
        self.identity = Identity(TenantId("acme"), UserId("ann"), expires_at)
        self.link: object | None = object()


class Life(TokenLife):
    """A token life on a clock of its own that notes what it does."""

    def __init__(self) -> None:
        self.now = NOW
        self.done: list[tuple[str, float]] = []
        hub: Any = None
        revocations = RevocationList(clock=lambda: self.now)
        super().__init__(
            hub, revocations, self._note, warning=60.0, leeway=10.0, clock=lambda: self.now
        )
        self._wheel._next = int(NOW / 0.25)

    def _note(self, socket: object, reason: str) -> None:
        self.done.append((reason, self.now - NOW))

    def _warn(self, socket: object, expires_at: float, now: float) -> None:
        self.done.append(("warned", now - NOW))

    def run_until(self, seconds: float) -> None:
        while self.now < NOW + seconds:
            self.now += 0.25
            self._wheel.advance(self.now)


@pytest.fixture
def life() -> Life:
    return Life()


def test_a_client_is_warned_once_and_disconnected_after_the_leeway(life: Life) -> None:
    socket: Any = FakeSocket(NOW + HOUR)
    life.watch(socket)
    life.run_until(2 * HOUR)
    assert [reason for reason, _ in life.done] == ["warned", "token expired"]
    [warned, ended] = [at for _, at in life.done]
    assert warned == pytest.approx(HOUR - 60, abs=0.5)
    assert ended == pytest.approx(HOUR + 10, abs=0.5)


def test_a_short_token_is_warned_of_at_half_its_life(life: Life) -> None:
    socket: Any = FakeSocket(NOW + 40)
    life.watch(socket)
    life.run_until(30)
    [(reason, at)] = life.done
    assert reason == "warned" and at == pytest.approx(20, abs=0.5)


def test_a_client_that_left_is_let_go_long_before_its_token_ends(life: Life) -> None:
    socket: Any = FakeSocket(NOW + 24 * HOUR)
    life.watch(socket)
    gone = weakref.ref(socket)
    socket.link = None
    del socket
    life.run_until(LOOK_SECONDS + 1)
    gc.collect()
    assert gone() is None
    assert not life.done


def test_a_token_without_an_end_is_not_watched(life: Life) -> None:
    socket: Any = FakeSocket(None)
    life.watch(socket)
    life.run_until(2 * token_life.LOOK_SECONDS)
    assert not life.done
