"""What pika's errors mean: a setting that is wrong, or a broker that can't be reached now."""

from __future__ import annotations

import re

from pika.exceptions import (
    ConnectionClosed,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

from tidegate.errors import ConfigError

__all__ = ["refusal_of", "unreachable_because"]

# pika keeps the broker's answer only as the text of the error that it deduces.
_ANSWER = re.compile(r"ConnectionClosedByBroker: \((\d+)\) (['\"])(.*?)\2", re.DOTALL)


def refusal_of(error: BaseException) -> ConfigError | None:
    """Return what is wrong with the settings if the broker refused them, else None.

    A connection that just broke while it was opened is no refusal, though pika calls it one; nor
    is a limit on connections, which passes.
    """
    if not isinstance(error, ProbableAuthenticationError | ProbableAccessDeniedError):
        return None
    answer = _ANSWER.search(str(error))
    if answer is None or answer[1] not in ("403", "530") or "limit" in answer[3]:
        return None
    remedy = (
        "Check user and password, and whether the user may connect from here (guest only "
        "may from the broker's own machine)."
        if answer[1] == "403"
        else "Check the virtual host (the part after the host; %2F is a slash), and the user's "
        "permissions in it."
    )
    return ConfigError(
        "rabbitmq.url", f"was refused by RabbitMQ: {answer[3].rstrip('.')}", remedy=remedy
    )


def unreachable_because(error: BaseException) -> str:
    """Return the cause in one line, without the layers that pika wraps around it."""
    if isinstance(error, ConnectionClosed):
        return str(error.reply_text)
    answer = _ANSWER.search(str(error))
    if answer is not None:
        return answer[3]
    while (inner := _inner(error)) is not None:
        error = inner
    return str(error) or type(error).__name__


def _inner(error: BaseException) -> BaseException | None:
    """Return the cause that pika wrapped: the last of several, the only one, or an argument."""
    candidates = (
        *(getattr(error, "exceptions", None) or ())[-1:],
        getattr(error, "exception", None),
        *error.args[-1:],
    )
    return next((each for each in candidates if isinstance(each, BaseException)), None)
