from __future__ import annotations

import logging

import pytest

from tidegate.app.refusal_log import RefusalLog
from tidegate.errors import AuthError


def refused(reason: str) -> AuthError:
    return AuthError("token_invalid", "the token is not valid", reason=reason)


def test_a_reason_is_told_once_in_ten_minutes(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    told = RefusalLog(lambda: now)
    for reason in ("its iss is 'a'", "its iss is 'a'", "", "its iss is 'b'"):
        told.tell(refused(reason))
    assert [record.getMessage() for record in caplog.records] == [
        "refused a token (token_invalid): its iss is 'a'",
        "refused a token (token_invalid): its iss is 'b'",
    ]
    now = 599.0
    told.tell(refused("its iss is 'a'"))
    assert len(caplog.records) == 2
    now = 600.0
    told.tell(refused("its iss is 'a'"))
    assert len(caplog.records) == 3


def test_a_crowd_with_reasons_of_its_own_does_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = RefusalLog(lambda: 0.0)
    for number in range(1_000):
        told.tell(refused(f"its iss is {number}"))
    assert len(caplog.records) == 20
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
