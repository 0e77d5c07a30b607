"""Messages that services published into the log: none keeps a node from reading on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tidegate.app.broker import Broker


def test_a_message_over_which_anything_stumbles_is_passed_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = Broker.__new__(Broker)
    broker.rejected = 0
    broker._router = SimpleNamespace(route=lambda message: 1 / 0)  # type: ignore[assignment]
    data = b"\x00\x53\x75\xa0\x011"  # AMQP 1.0: a data section of one byte
    assert broker._foreign_entry(data) is None
    assert broker._foreign_entry(b"\x00") is None
    assert broker.rejected == 2
    assert "ZeroDivisionError" in caplog.text
