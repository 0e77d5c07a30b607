"""One tenant's batch on its way to its sockets: one write for each, in log order.

The hot path of the gateway. What keeps it short:

- frames are encoded once per event (with compression, once in each form) and shared; consecutive
  events for the same audience are joined once per batch, not once per socket;
- sockets that get the same events share the same bytes object;
- a write is a plain call on the transport: no task, no queue, no timer for a recipient;
- a batch stops after a slice of sockets, so that other tenants and the network get their turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from tidegate.hub.frames import FrameEncoder
from tidegate.hub.socket import Link, Socket
from tidegate.log.entry import EventEntry, Record

if TYPE_CHECKING:
    from tidegate.hub.tenant import TenantState

__all__ = ["Delivery"]


class _Share:
    """Bytes that several sockets get alike, and the offset of the newest event in them."""

    __slots__ = ("data", "last", "sockets")

    def __init__(self, sockets: list[Socket], data: bytes, last: int) -> None:
        self.sockets = sockets
        self.data = data
        self.last = last


class Delivery:
    """The writes of one batch, planned against the membership at its start.

    Args:
        tenant: Whose batch it is.
        records: The batch, oldest first.
        frames: Gives a record's shared frames.

    Attributes:
        count: Events in the batch.
        end: Offset that the tenant is served up to when the batch is done.
        deliveries: Writes so far.
    """

    __slots__ = ("_at", "_shares", "_start", "count", "deliveries", "end")

    def __init__(
        self, tenant: TenantState, records: Sequence[Record[EventEntry]], frames: FrameEncoder
    ) -> None:
        self._start = tenant.delivered
        self.end = records[-1].offset
        self.count = len(records)
        self._at = 0  # sockets of the first share that are done
        self._shares = _plan(tenant, records, frames)
        self._shares.reverse()  # taken from the end
        self.deliveries = 0

    @property
    def is_done(self) -> bool:
        """Whether every socket has had its write."""
        return not self._shares

    def write(self, budget: int, fallen_behind: set[Socket]) -> int:
        """Write to at most ``budget`` sockets and return how many were visited.

        Sockets whose link is full join ``fallen_behind`` with their cursor set.
        """
        visited = 0
        while self._shares and visited < budget:
            share = self._shares[-1]
            part = share.sockets[self._at : self._at + budget - visited]
            self._write_share(part, share, fallen_behind)
            visited += len(part)
            self._at += len(part)
            if self._at >= len(share.sockets):
                self._shares.pop()
                self._at = 0
        return visited

    def _write_share(
        self, sockets: list[Socket], share: _Share, fallen_behind: set[Socket]
    ) -> None:
        data, last, end = share.data, share.last, self.end
        for socket in sockets:
            # A socket may have left, or have been caught up from the window, since the plan.
            if not socket.is_live or socket.since >= end:
                continue
            link = socket.link
            if link is not None and link.is_writable:
                link.transport.write(data)
                socket.last_sent = last
                self.deliveries += 1
                if _is_full(link):
                    self._fall_behind(socket, end, fallen_behind)
            else:
                self._fall_behind(socket, max(socket.since, self._start), fallen_behind)

    def _fall_behind(self, socket: Socket, since: int, fallen_behind: set[Socket]) -> None:
        socket.is_live = False
        socket.since = since
        fallen_behind.add(socket)


def _is_full(link: Link) -> bool:
    """Tell whether the write just made has filled the link."""
    return not link.is_writable


def _plan(
    tenant: TenantState, records: Sequence[Record[EventEntry]], frames: FrameEncoder
) -> list[_Share]:
    run = records
    if len(records) > 1:
        runs = [list(run) for _, run in groupby(records, key=_audience_key)]
        if len(runs) > 1:
            return _plan_mixed(tenant, runs, frames)
    full, late = _audience_of_run(tenant, run)
    shares = [
        _Share(sockets, b"".join([frame_of(record) for record in run]), run[-1].offset)
        for frame_of, sockets in frames.for_sockets(full)
    ]
    return shares + [_late_share(socket, after, run, frames) for socket, after in late]


def _plan_mixed(
    tenant: TenantState, runs: Iterable[list[Record[EventEntry]]], frames: FrameEncoder
) -> list[_Share]:
    """Collect each socket's pieces over all runs; sockets with the same pieces share one join."""
    pieces: dict[Socket, list[tuple[int, bytes]]] = {}
    for run in runs:
        full, late = _audience_of_run(tenant, run)
        for frame_of, sockets in frames.for_sockets(full):
            piece = (run[-1].offset, b"".join([frame_of(record) for record in run]))
            for socket in sockets:
                pieces.setdefault(socket, []).append(piece)
        for socket, after in late:
            share = _late_share(socket, after, run, frames)
            pieces.setdefault(socket, []).append((share.last, share.data))
    shares: dict[tuple[int, ...], _Share] = {}
    for socket, own in pieces.items():
        key = tuple(map(id, own))
        share_of_key = shares.get(key)
        if share_of_key is None:
            data = b"".join([data for _, data in own])
            shares[key] = _Share([socket], data, own[-1][0])
        else:
            share_of_key.sockets.append(socket)
    return list(shares.values())


def _audience_key(record: Record[EventEntry]) -> tuple[str | None, ...]:
    entry = record.entry
    return (entry.namespace, entry.user, entry.room, entry.sid, entry.exclude)


def _audience_of_run(
    tenant: TenantState, run: Sequence[Record[EventEntry]]
) -> tuple[list[Socket], list[tuple[Socket, int]]]:
    """Return who gets the whole run, and who only what follows the offset of its joining."""
    first, last, entry = run[0].offset, run[-1].offset, run[0].entry
    joined = tenant.room_offsets(entry)
    full: list[Socket] = []
    late: list[tuple[Socket, int]] = []
    for socket in tenant.audience(entry):
        since = socket.since if joined is None else max(joined[socket], socket.since)
        if since < first:
            full.append(socket)
        elif since < last:
            late.append((socket, since))
    if entry.exclude is not None:
        full = [socket for socket in full if socket.sid != entry.exclude]
        late = [(socket, since) for socket, since in late if socket.sid != entry.exclude]
    return full, late


def _late_share(
    socket: Socket, after: int, run: Sequence[Record[EventEntry]], frames: FrameEncoder
) -> _Share:
    frame_of = frames.for_socket(socket)
    own = [frame_of(record) for record in run if record.offset > after]
    return _Share([socket], b"".join(own), run[-1].offset)
