"""The log's streams at the broker: made where they are missing, reached only if they are ours."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from rstream import exceptions

from tidegate.errors import LogError
from tidegate.log.rabbitmq_stream.address import StreamAddress
from tidegate.log.rabbitmq_stream.identity import epoch_of, key_of, read_key, read_or_make_key
from tidegate.log.rabbitmq_stream.link import FRAME_MAX, Link
from tidegate.log.rabbitmq_stream.opening import open_link, open_link_to_leader

__all__ = ["Retention", "Streams"]

HEADS = 256
"""What a stream message's head and its frame's take of a frame, at most."""

REVOCATION_BYTES = 64 * 1024 * 1024


class Retention(NamedTuple):
    """How long RabbitMQ keeps entries.

    Attributes:
        age: Seconds.
        size: Bytes for each partition.
        revocations: Seconds that revocations are kept, which restarted nodes must learn of.
    """

    age: float = 86_400.0
    size: int = 2 * 1024**3
    revocations: float = 2 * 86_400.0


class Streams:
    """The streams of one log, for one of its nodes.

    Args:
        node: Names the connections, so that an operator sees whose they are.
        address: The broker's stream port.
        name: First part of the streams' names.
        partitions: How many streams tenants are spread over.
        retention: What the streams are made with.
        heartbeat: Seconds between heartbeats with the broker.

    Attributes:
        partitions: Their names, by number.
        revocations: The name of the stream with copies of all revocations.
        key: The log's secret; empty before ``prepare``.
        epoch: Names this life of the log; empty before ``prepare``.
        max_packed: Bytes of entries that fit into a stream message now.
    """

    def __init__(
        self,
        node: str,
        address: StreamAddress,
        *,
        name: str,
        partitions: int,
        retention: Retention,
        heartbeat: float,
    ) -> None:
        self.address = address
        self.partitions = [f"{name}.{number}-of-{partitions}" for number in range(partitions)]
        self.revocations = f"{name}.revocations"
        self.key = b""
        self.epoch = ""
        self.max_packed = FRAME_MAX - HEADS
        self._node = node
        self._retention = retention
        self._heartbeat = heartbeat
        self._keys: dict[str, bytes] = {}  # by partition
        self._frame_max: dict[str, int] = {}  # by stream, as its leader has it

    @property
    def names(self) -> Sequence[str]:
        """All of them; the revocations' comes last."""
        return (*self.partitions, self.revocations)

    async def prepare(self) -> None:
        """Make the streams that are missing, and read or make what tells this log from another.

        Raises:
            ConfigError: The broker refuses user, password or virtual host.
            LogError: The streams are not those of a log.
            Exception: One of `LINK_ERRORS`; with most of them it can be tried again.
        """
        link = await open_link(self.address, f"{self._node} start", self._heartbeat)
        try:
            self._fit_into(link, *self.names)
            is_new = {name: await self._create(link, name) for name in self.names}
            keys = await link.ask(self._read_or_make_keys(link, is_new))
        finally:
            await link.close()
        self._keys = dict(zip(self.partitions, keys, strict=True))
        self.key = key_of(keys)
        self.epoch = epoch_of(self.key, len(keys))

    async def open_to_write(self, name: str) -> Link:
        """Connect to a stream's leader, and note what it takes."""
        link = await self._open(name, "writes")
        self._fit_into(link, name)
        return link

    async def open_to_read(self, name: str) -> Link:
        """Connect to a stream's leader.

        Raises:
            LogError: The stream is not the one that was there at the start.
        """
        link = await self._open(name, "reads")
        try:
            await self._check_key(link, name)
        except BaseException:
            await link.close()
            raise
        return link

    async def _open(self, name: str, what: str) -> Link:
        title = f"{self._node} {what} {name}"
        return await open_link_to_leader(self.address, name, title, self._heartbeat)

    async def _create(self, link: Link, name: str) -> bool:
        """Make a stream; False if it was there."""
        is_revocations = name == self.revocations
        age = self._retention.revocations if is_revocations else self._retention.age
        size = REVOCATION_BYTES if is_revocations else self._retention.size
        arguments = {
            "max-age": f"{round(age)}s",
            "max-length-bytes": size,
            # Retention lets go of whole segments, so a few must fit into the size.
            "stream-max-segment-size-bytes": max(1_000_000, min(size // 8, 64 * 1024 * 1024)),
            "queue-leader-locator": "least-leaders",
        }
        try:
            await link.ask(link.client.create_stream(name, arguments))
        except exceptions.StreamAlreadyExists:
            return False
        return True

    async def _read_or_make_keys(self, link: Link, is_new: dict[str, bool]) -> Sequence[bytes]:
        return await asyncio.gather(
            *(read_or_make_key(link.client, name, is_new=is_new[name]) for name in self.partitions)
        )

    async def _check_key(self, link: Link, name: str) -> None:
        partition = self.partitions[0] if name == self.revocations else name
        if await link.ask(read_key(link.client, partition)) != self._keys[partition]:
            raise LogError(f"{partition} was deleted and made anew: this is another log")

    def _fit_into(self, link: Link, *names: str) -> None:
        """Make what is appended from now on fit into the frames of a link."""
        self._frame_max.update(dict.fromkeys(names, link.frame_max))
        self.max_packed = min(self._frame_max.values()) - HEADS
