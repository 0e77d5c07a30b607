from __future__ import annotations

import pytest
from pika.exceptions import (
    AMQPConnectionError,
    ConnectionClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
    StreamLostError,
)

from tidegate.sources.rabbitmq.refusal import refusal_of, unreachable_because


def answer(code: int, text: str) -> str:
    return repr(ConnectionClosedByBroker(code, text))


def test_a_refused_login_names_user_and_password() -> None:
    text = "ACCESS_REFUSED - Login was refused. For details see the broker logfile."
    error = refusal_of(ProbableAuthenticationError(answer(403, text)))
    assert error is not None
    assert error.problem == f"was refused by RabbitMQ: {text[:-1]}"
    assert "password" in error.remedy


def test_a_refused_virtual_host_names_it() -> None:
    text = "NOT_ALLOWED - access to vhost 'x' refused for user 'y'"
    error = refusal_of(ProbableAccessDeniedError(answer(530, text)))
    assert error is not None
    assert text in error.problem
    assert "virtual host" in error.remedy


@pytest.mark.parametrize(
    "error",
    [
        ProbableAuthenticationError(repr(StreamLostError("Transport indicated EOF"))),
        ProbableAccessDeniedError(answer(530, "NOT_ALLOWED - connection limit (1) is reached")),
        ProbableAccessDeniedError(answer(541, "INTERNAL_ERROR - vhost '/' is down")),
        AMQPConnectionError("gone"),
    ],
)
def test_what_passes_is_no_refusal(error: Exception) -> None:
    assert refusal_of(error) is None


class Wrapper(Exception):
    def __init__(self, exception: Exception) -> None:
        super().__init__()
        self.exception = exception


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionClosedByBroker(320, "CONNECTION_FORCED - bye"), "CONNECTION_FORCED - bye"),
        (AMQPConnectionError(Wrapper(OSError(111, "refused"))), "[Errno 111] refused"),
        (ProbableAccessDeniedError(answer(541, "vhost '/' is down")), "vhost '/' is down"),
        (ConnectionError(), "ConnectionError"),
    ],
)
def test_the_cause_is_told_without_its_wrapping(error: Exception, reason: str) -> None:
    assert unreachable_because(error) == reason
