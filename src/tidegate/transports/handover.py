"""Connections that one process accepts and another serves, handed over through a Unix socket.

Why not the kernel's ways, measured with two processes and 1,000 connects, at once and one by one:

- a listening socket that all workers inherit: uneven (up to 604 to 396), since whoever is awake
  takes what there is, and clients stay for hours;
- SO_REUSEPORT: even enough (512 to 488), but macOS gives everything to one socket, a client hangs
  in the queue of a worker that died or is busy, and after a restart the others keep their excess.

Handed over, the counts were equal at 30 us a connection; the fresh worker gets the next ones, and
what waits to be accepted waits in a queue that outlives every worker. Lost with a dying worker are
only connections in its hands: their clients see them closed at once and come back.

To the worker goes one byte with each descriptor, back come READY once and ENDED for each one.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

__all__ = ["ConnectionInbox", "ConnectionOutlet"]

log = logging.getLogger("tidegate.transports")

READY, ENDED, CONNECTION = b"r", b"e", b"c"


class ConnectionOutlet:
    """The supervisor's end of the socket to one worker.

    Args:
        link: Ours; the worker has the other end.
        on_ready: Called when the worker takes connections.

    Attributes:
        is_taking: Whether the worker takes connections now.
        load: Connections given to it that have not ended.
    """

    def __init__(self, link: socket.socket, on_ready: Callable[[], None]) -> None:
        link.setblocking(False)
        self._link = link
        self._on_ready = on_ready
        self.is_taking = False
        self.load = 0
        asyncio.get_running_loop().add_reader(link, self._read)

    def give(self, connection: socket.socket) -> bool:
        """Hand a connection over; False if the worker has no room or is gone."""
        try:
            socket.send_fds(self._link, [CONNECTION], [connection.fileno()])
        except OSError as error:  # among others: it is full, or has too many descriptors under way
            if error.errno in {errno.EPIPE, errno.ECONNRESET}:
                self.is_taking = False
            return False
        self.load += 1
        return True

    def close(self) -> None:
        """Give no more; what the worker has not taken yet is lost with it."""
        self.is_taking = False
        asyncio.get_running_loop().remove_reader(self._link)
        self._link.close()

    def _read(self) -> None:
        try:
            data = self._link.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.is_taking = False
            asyncio.get_running_loop().remove_reader(self._link)
            return
        self.load -= data.count(ENDED)
        if READY in data:
            self.is_taking = True
            self._on_ready()


class ConnectionInbox:
    """A worker's end of the socket.

    Args:
        link: From the supervisor.
    """

    def __init__(self, link: socket.socket) -> None:
        link.setblocking(False)
        self._link = link
        self._take: Callable[[socket.socket], None] | None = None
        self._ended = 0
        self._is_closed = False

    def open(self, take: Callable[[socket.socket], None]) -> None:
        """Take connections from now on.

        Args:
            take: Gets each one, which does not block; call ``ended`` when it is over.
        """
        self._take = take
        asyncio.get_running_loop().add_reader(self._link, self._read)
        self._link.send(READY)

    def ended(self) -> None:
        """Tell that one of the connections is over."""
        if self._is_closed:
            return
        self._ended += 1
        try:
            self._ended -= self._link.send(ENDED * self._ended)
        except OSError:
            return  # full: told with the next one; or the supervisor is gone

    def close(self) -> None:
        """Take no more."""
        if not self._is_closed:
            self._is_closed = True
            asyncio.get_running_loop().remove_reader(self._link)
            self._link.close()

    def _read(self) -> None:
        # One at a time: the handshake of each takes longer, and meanwhile others have their turn.
        try:
            data, descriptors, _, _ = socket.recv_fds(self._link, 1, 1)
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        if not data:
            self.close()
            return
        for descriptor in descriptors:
            connection = socket.socket(fileno=descriptor)
            connection.setblocking(False)
            assert self._take is not None  # noqa: S101 - `open` set it before it reads
            self._take(connection)
        if not descriptors:
            log.error("a connection was lost on its way: too many files are open")
            self.ended()
