"""One connection to RabbitMQ that looks after itself.

It connects, says once in the log when the broker can't be reached and once when it is reached
again, and connects anew after every loss. What hangs on a connection (channels, consumers) is lost
with it and is set up again by the ``on_open`` callbacks.

Publishing and consuming are best done on two connections: a broker that runs out of memory or disk
stops reading from connections that publish, and then gets no acks from them either.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from pika import SSLOptions, URLParameters
from pika.exceptions import AMQPError

from tidegate.backoff import Backoff
from tidegate.errors import ConfigError, SourceError
from tidegate.sources.rabbitmq.channel import AMQPChannel
from tidegate.sources.rabbitmq.link import Link
from tidegate.sources.rabbitmq.refusal import unreachable_because

__all__ = ["AMQPConnection"]

_logger = logging.getLogger(__name__)

OnOpen = Callable[["AMQPConnection"], Awaitable[None]]


class AMQPConnection:
    """A connection that is there again after each loss.

    Register callbacks, then ``start()``; it returns at once, ``await connected()`` waits.

    Args:
        url: ``amqp://user:password@host:port/vhost``, or ``amqps://``.
        name: What operators see in RabbitMQ's list of connections.
        heartbeat: Seconds of silence after which the peer counts as gone; pika takes whole ones.
        retry_delay: Longest pause between two attempts, seconds.
        gives_up: For commands: ``connected()`` raises SourceError after the first failure, and
            nothing is tried again.

    Attributes:
        address: Host, port and virtual host, for logs: no user, no password.
        generation: Counts the times it opened; 0 before the first.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "tidegate",
        heartbeat: float = 30.0,
        retry_delay: float = 10.0,
        gives_up: bool = False,
    ) -> None:
        self._url = url
        self._name = name
        self._heartbeat = max(1, round(heartbeat))
        self.address = _address(url)
        self.generation = 0
        self._backoff = Backoff(retry_delay)
        self._on_open: list[OnOpen] = []
        self._on_lost: list[Callable[[], None]] = []
        self._link: Link | None = None
        self._ready = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None
        self._gives_up = gives_up
        self._failure: ConfigError | SourceError | None = None
        self._was_ready = False
        self._is_silent = False  # the log says already that the broker can't be reached
        self._is_closed = False

    # State

    @property
    def is_connected(self) -> bool:
        """Whether the broker is connected now; ``on_open`` callbacks may still be running."""
        return self._link is not None and self._link.is_open

    @property
    def is_blocked(self) -> bool:
        """Whether the broker said that it takes no messages now (memory or disk alarm)."""
        return self._link is not None and self._link.is_blocked

    @property
    def server_version(self) -> tuple[int, ...]:
        """The broker's version, such as (3, 10, 8); empty while not connected."""
        properties = (self._link.raw.server_properties or {}) if self._link is not None else {}
        parts = str(properties.get("version", "")).split(".")
        return tuple(int(part) for part in parts if part.isdigit())

    # Life

    def on_open(self, callback: OnOpen) -> None:
        """Have ``callback(connection)`` awaited each time the connection opens, before ``start``.

        Callbacks run in turn. One that raises ends the connection: a ConfigError at the first
        opening ends ``connected()`` too, anything else is logged and tried again after a pause.
        """
        self._on_open.append(callback)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Have ``callback()`` called each time an open connection is lost, or closed by us."""
        self._on_lost.append(callback)

    def start(self) -> None:
        """Begin connecting, and return at once."""
        if self._supervisor is None:
            _quieten_pika()
            self._supervisor = asyncio.create_task(self._supervise(), name=f"amqp {self._name}")

    async def connected(self) -> None:
        """Wait until the connection is open and its ``on_open`` callbacks are done.

        Raises:
            ConfigError: The first attempt showed that the settings are wrong: user, password or
                virtual host. Nothing is tried any more.
            SourceError: It was closed, or gave up.
        """
        await self._ready.wait()
        if self._failure is not None:
            raise self._failure
        if self._is_closed:
            raise SourceError("the connection to RabbitMQ is closed")

    async def close(self) -> None:
        """Close it for good, in at most a few seconds even if the broker does not answer."""
        self._is_closed = True
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])
        self._ready.set()

    async def open_channel(self) -> AMQPChannel:
        """Open a channel; it ends with this connection.

        Raises:
            SourceError: Not connected, or lost while opening.
        """
        if self._link is None or not self._link.is_open:
            raise SourceError(f"RabbitMQ at {self.address} is not connected")
        return await self._link.open_channel()

    # Supervision

    async def _supervise(self) -> None:
        while True:
            before = self.generation
            try:
                await self._live_once()
            except ConfigError as error:
                if self._gives_up or not self._was_ready:
                    self._fail(error)
                    return
                self._complain(str(error))
            except (SourceError, AMQPError, OSError) as error:
                reason = unreachable_because(error)
                if self._gives_up:
                    text = f"RabbitMQ at {self.address} can't be reached: {reason}"
                    self._fail(SourceError(text))
                    return
                self._complain(reason, was_open=self.generation > before)
            except Exception:
                _logger.exception("A callback of the connection to RabbitMQ failed")
            await asyncio.sleep(self._backoff.next_pause())

    async def _live_once(self) -> None:
        """Connect, run the callbacks, and return when the connection is lost."""
        link = Link(self._parameters())
        try:
            await link.opened()
            self._link = link
            self.generation += 1
            await self._run_callbacks(link)
            self._backoff.reset()
            self._is_silent, self._was_ready = False, True
            _logger.info("Connected to RabbitMQ at %s", self.address)
            self._ready.set()
            raise SourceError(await link.lost)
        finally:
            await self._leave(link)

    async def _run_callbacks(self, link: Link) -> None:
        for callback in self._on_open:
            running: asyncio.Future[Any] = asyncio.ensure_future(callback(self))
            ends: list[asyncio.Future[Any]] = [running, link.lost]
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not running.done():
                    running.cancel()
                    await asyncio.wait([running])
            if link.lost.done():
                raise SourceError(link.lost.result())
            await running

    async def _leave(self, link: Link) -> None:
        was_open, self._link = self._link is not None, None
        if self._failure is None and not self._is_closed:
            self._ready.clear()
        try:
            for callback in self._on_lost if was_open else ():
                callback()
        finally:
            await link.close()

    def _fail(self, error: ConfigError | SourceError) -> None:
        self._failure = error
        self._ready.set()

    def _complain(self, reason: str, *, was_open: bool = False) -> None:
        level = logging.DEBUG if self._is_silent else logging.WARNING
        text = (
            "RabbitMQ at %s can't be reached, trying again until it is: %s "
            "(`tidegate doctor` tries all that is needed of it)"
        )
        if was_open:
            text = "The connection to RabbitMQ at %s is lost, connecting again: %s"
        _logger.log(level, text, self.address, reason)
        self._is_silent = True

    def _parameters(self) -> URLParameters:
        try:
            parameters = URLParameters(self._url)
        except (ValueError, TypeError) as error:
            raise ConfigError(
                "rabbitmq.url",
                f"can't be understood ({error})",
                remedy="Write it as amqp://user:password@host:5672/vhost.",
            ) from None
        parameters.heartbeat = self._heartbeat
        parameters.client_properties = {"connection_name": self._name, "product": "Tidegate"}
        if parameters.ssl_options is not None and parameters.ssl_options.server_hostname is None:
            # pika sends no server name by itself, and then no certificate can match.
            context = parameters.ssl_options.context
            parameters.ssl_options = SSLOptions(context, parameters.host)
        return parameters


def _address(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or (5671 if parts.scheme == "amqps" else 5672)
    vhost = unquote(parts.path[1:]) or "/"
    return f"{parts.hostname or 'localhost'}:{port}, virtual host {vhost}"


def _quieten_pika() -> None:
    """Keep pika from telling each step of each failure with a trace; we say it in one line."""
    logger = logging.getLogger("pika")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.CRITICAL)
