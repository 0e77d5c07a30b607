"""How much of the log is kept."""

from __future__ import annotations

from tests.conftest import make_settings

from tidegate.app.event_log import kept_bytes, remembered


def test_a_second_frame_of_each_event_fits_into_the_same_memory() -> None:
    assert kept_bytes(make_settings(), 3_000) == 3_000
    assert kept_bytes(make_settings(compression={"enabled": True}), 3_000) == 2_000


def test_a_larger_window_remembers_more_tenants_and_sockets() -> None:
    assert remembered(make_settings(window={"bytes": "1MiB"})) == 100_000
    assert remembered(make_settings(window={"bytes": "1GB"})) == 1_388_888
