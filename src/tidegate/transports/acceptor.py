"""The public port of several workers: bound once, its connections dealt out evenly."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Iterable, Sequence

from tidegate.transports.handover import ConnectionOutlet
from tidegate.transports.listener import BACKLOG

__all__ = ["Acceptor", "bind_public"]

log = logging.getLogger("tidegate.transports")

ACCEPTS_AT_ONCE = 64
RETRY_SECONDS = 0.005
"""When the workers have no room; each holds some 270 connections that it has not taken yet."""

EXHAUSTED_SECONDS = 0.5


def bind_public(host: str, port: int) -> list[socket.socket]:
    """Bind all addresses of a host, not listening yet, so that clients are refused until then.

    With port 0 they share the port that the first address was given.

    Raises:
        OSError: The address is taken or not ours.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    bound: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            try:
                bound.append(_bind(family, kind, protocol, address, bound))
            except OSError as error:
                if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                    raise
                missing = error  # such as ::1 of a localhost without IPv6
    except OSError:
        for each in bound:
            each.close()
        raise
    if not bound and missing is not None:
        raise missing
    return bound


def _bind(
    family: int, kind: int, protocol: int, address: Sequence[object], earlier: list[socket.socket]
) -> socket.socket:
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        port = earlier[0].getsockname()[1] if earlier else address[1]
        listening.bind((address[0], port, *address[2:]))
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"{address[0]}:{address[1]}: {error.strerror}") from None
    return listening


class Acceptor:
    """Accepts on the public port and gives each connection to the worker that has the fewest.

    Args:
        listening: From ``bind_public``.
        outlets: Returns the workers there are now.
    """

    def __init__(
        self,
        listening: Sequence[socket.socket],
        outlets: Callable[[], Iterable[ConnectionOutlet]],
    ) -> None:
        self._listening = list(listening)
        self._outlets = outlets
        self._held: socket.socket | None = None
        self._retry: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Listen.

        Raises:
            OSError: Somebody else listens there by now.
        """
        for listening in self._listening:
            listening.listen(BACKLOG)
        self._resume()

    def close(self) -> None:
        """Let go of the port; clients are refused from now on."""
        self._pause()
        for each in (*self._listening, self._held):
            if each is not None:
                each.close()
        self._listening, self._held = [], None

    def _resume(self) -> None:
        self._retry = None
        if self._held is not None and not self._give(self._held):
            self._pause(RETRY_SECONDS)
            return
        loop = asyncio.get_running_loop()
        for listening in self._listening:
            loop.add_reader(listening, self._accept, listening)

    def _pause(self, seconds: float | None = None) -> None:
        """Leave clients in the kernel's queue, for a while or for good."""
        loop = asyncio.get_running_loop()
        for listening in self._listening:
            loop.remove_reader(listening)
        if self._retry is not None:
            self._retry.cancel()
        self._retry = None if seconds is None else loop.call_later(seconds, self._resume)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                connection, _ = listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                log.warning("no connection can be accepted now: %s", error.strerror)
                self._pause(EXHAUSTED_SECONDS)
                return
            if not self._give(connection):
                self._held = connection
                self._pause(RETRY_SECONDS)
                return

    def _give(self, connection: socket.socket) -> bool:
        """Hand it to whoever has room, the least busy first; then it is no longer ours."""
        taking = (outlet for outlet in self._outlets() if outlet.is_taking)
        for outlet in sorted(taking, key=lambda outlet: outlet.load):
            if outlet.give(connection):
                connection.close()
                self._held = None
                return True
        return False
