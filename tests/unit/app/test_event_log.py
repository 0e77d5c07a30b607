"""How much of the log is kept."""

from __future__ import annotations

from tests.conftest import make_settings

from tidegate.app.event_log import kept_bytes


def test_a_second_frame_of_each_event_fits_into_the_same_memory() -> None:
    assert kept_bytes(make_settings(), 3_000) == 3_000
    assert kept_bytes(make_settings(compression={"enabled": True}), 3_000) == 2_000
