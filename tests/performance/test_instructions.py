"""The gate that noise can't shake: instructions per event, delivery, handshake and ack."""

from __future__ import annotations

import shutil

import pytest
from benchmarks.instructions.count import TOLERANCE, compare, count, load

needs_valgrind = pytest.mark.skipif(
    shutil.which("valgrind") is None or shutil.which("gcc") is None,
    reason="valgrind or gcc is not installed, and only root may install them",
)


@needs_valgrind
def test_nothing_costs_more_than_it_did() -> None:
    assert not compare(count(), load())


COUNTS = {"event": 200.0, "yardstick": 100.0}


def test_a_figure_within_the_tolerance_passes() -> None:
    assert not compare(COUNTS, {"event": 2.0 / (1 + TOLERANCE * 0.9)})
    assert not compare(COUNTS, {"event": 2.0 / (1 - TOLERANCE * 0.9)})


def test_what_costs_more_is_named() -> None:
    [problem] = compare(COUNTS, {"event": 1.5})
    assert problem.startswith("event: +33.3% instructions")


def test_a_gain_must_be_kept() -> None:
    """Or the next loss would hide behind it."""
    [problem] = compare(COUNTS, {"event": 4.0})
    assert "--store" in problem


def test_a_build_that_is_slower_at_everything_is_no_loss() -> None:
    assert not compare({name: 3 * figure for name, figure in COUNTS.items()}, {"event": 2.0})
