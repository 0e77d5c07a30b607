"""One pika connection, from its first packet to its last, with coroutines around its callbacks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from pika import URLParameters
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel
from pika.exceptions import AMQPError
from pika.spec import Basic

from tidegate.errors import SourceError
from tidegate.sources.rabbitmq.channel import AMQPChannel, AMQPChannelClosed
from tidegate.sources.rabbitmq.refusal import refusal_of, unreachable_because

__all__ = ["CLOSE_SECONDS", "Link"]

_ANSWER_SECONDS = 2.0
CLOSE_SECONDS = 2 * _ANSWER_SECONDS
"""What closing takes at most: the broker may not answer, and then pika has to notice the cut."""

_logger = logging.getLogger(__name__)


class Link:
    """One connection; it begins to connect when made.

    Attributes:
        raw: pika's connection.
        is_blocked: Whether the broker said that it takes no messages now.
        lost: Resolves with the reason in words when an open connection ends.
    """

    def __init__(self, parameters: URLParameters) -> None:
        loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self.is_blocked = False
        self.raw = _QuickConnection(
            parameters,
            on_open_callback=self._on_opened,
            on_open_error_callback=self._on_failed,
            on_close_callback=self._on_closed,
            custom_ioloop=loop,
        )
        self.raw.add_on_connection_blocked_callback(lambda *_: self._set_blocked(True))
        self.raw.add_on_connection_unblocked_callback(lambda *_: self._set_blocked(False))

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return bool(self.raw.is_open) and not self.lost.done()

    async def opened(self) -> None:
        """Wait until it is open. Raises ConfigError for a refusal, else SourceError."""
        await asyncio.shield(self._opened)

    async def open_channel(self) -> AMQPChannel:
        """Open a channel. Raises AMQPChannelClosed if the connection is lost meanwhile."""
        opened: asyncio.Future[Channel] = asyncio.get_running_loop().create_future()
        try:
            raw = self.raw.channel(on_open_callback=lambda channel: _resolve(opened, channel))
        except AMQPError as error:
            raise AMQPChannelClosed(0, str(error) or type(error).__name__) from error
        channel = AMQPChannel(raw)
        await asyncio.wait([opened, channel.closed], return_when=asyncio.FIRST_COMPLETED)
        if channel.closed.done():
            raise channel.closed.result()
        return channel

    async def close(self) -> None:
        """Say goodbye, and cut the line if the broker does not answer."""
        if self.raw.is_closed:
            return
        done = self.lost if self._opened.done() else self._opened
        with contextlib.suppress(AMQPError):  # it is closing already
            self.raw.close()
        await asyncio.wait([done], timeout=_ANSWER_SECONDS)
        if not self.raw.is_closed:
            # pika has no public way to close without the broker's consent.
            self.raw._terminate_stream(SourceError("closed"))  # noqa: SLF001
            await asyncio.wait([done], timeout=_ANSWER_SECONDS)

    def _on_opened(self, _: Any) -> None:
        _resolve(self._opened, None)

    def _on_failed(self, _: Any, error: BaseException) -> None:
        if not self._opened.done():
            # Some of pika's errors here are no AMQPError: what TLS says, for example.
            failure = refusal_of(error) or SourceError(unreachable_because(error))
            self._opened.set_exception(failure)
            self._opened.exception()  # nobody may be waiting any more

    def _on_closed(self, _: Any, error: BaseException) -> None:
        _resolve(self.lost, unreachable_because(error))

    def _set_blocked(self, is_blocked: bool) -> None:
        self.is_blocked = is_blocked
        if is_blocked:
            _logger.warning("RabbitMQ takes no messages now: its memory or disk is short")
        else:
            _logger.info("RabbitMQ takes messages again")


def _resolve(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


class _QuickConnection(AsyncioConnection):  # type: ignore[misc]  # pika is untyped to mypy
    """pika's connection without its search for callbacks, of which a delivery never has any.

    The search takes 6 % of the time of a gateway that consumes as fast as it can.
    """

    def _has_pending_callbacks(self, value: Any) -> int | None:
        if type(value.method) is Basic.Deliver:
            return None
        pending: int | None = super()._has_pending_callbacks(value)
        return pending
