"""RabbitMQ's stream port and the log's streams; none is made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from rstream import exceptions

from tidegate.app.settings import Settings
from tidegate.app.settings_types import format_size
from tidegate.doctor.finding import Finding, failed, ok, refused, warning
from tidegate.errors import ConfigError, LogError
from tidegate.log.rabbitmq_stream.address import StreamAddress
from tidegate.log.rabbitmq_stream.identity import read_key
from tidegate.log.rabbitmq_stream.link import LINK_ERRORS, Link
from tidegate.log.rabbitmq_stream.log import ROOM_FOR_NAMES
from tidegate.log.rabbitmq_stream.opening import open_link, refusal
from tidegate.log.rabbitmq_stream.streams import HEADS, Retention, Streams

__all__ = ["check_stream_port"]

_PORT, _STREAMS, _FRAMES = "stream port", "streams", "stream frames"


async def check_stream_port(settings: Settings) -> AsyncIterator[Finding]:
    """Yield whether the log's broker can be reached, what it has of the log, and what it takes."""
    broker, kept = settings.rabbitmq, settings.log
    url = broker.stream_url or broker.url
    if kept.kind != "rabbitmq" or url is None:
        return
    address = StreamAddress.from_url(url.get_secret_value())
    name = "tidegate doctor"
    try:
        link = await open_link(address, name, broker.heartbeat)
    except ConfigError as error:
        yield refused(_PORT, error)
        return
    except LINK_ERRORS as error:
        yield _unreachable(address, error)
        return
    streams = Streams(
        name,
        address,
        name=kept.name,
        partitions=kept.partitions,
        retention=Retention(),
        heartbeat=broker.heartbeat,
    )
    try:
        yield ok(_PORT, f"{address!r} takes user and password, virtual host {address.virtual_host}")
        yield await _judge_streams(link, streams)
        yield _judge_frames(link.frame_max, settings.limits.payload)
    finally:
        await link.close()


def _unreachable(address: StreamAddress, error: BaseException) -> Finding:
    reason = str(error) or type(error).__name__
    return failed(
        _PORT,
        f"{address!r} can't be reached: {reason}",
        "Enable the plugin on the broker (`rabbitmq-plugins enable rabbitmq_stream`), let this "
        "machine reach the port, or name another in rabbitmq.stream_url.",
    )


async def _judge_streams(link: Link, streams: Streams) -> Finding:
    try:
        missing = [each for each in streams.names if not await _is_there(link, streams, each)]
    except LogError as error:
        remedy = "Choose another log.name, or delete that stream if nobody needs it."
        return failed(_STREAMS, str(error), remedy)
    except exceptions.AccessRefused as error:
        return refused(_STREAMS, refusal(error))
    except LINK_ERRORS as error:
        text = f"the broker does not tell of them: {str(error) or type(error).__name__}"
        return failed(_STREAMS, text, "Look into the broker's log; a stream may have no leader.")
    return ok(_STREAMS, _told(streams.names, missing))


async def _is_there(link: Link, streams: Streams, name: str) -> bool:
    """Tell whether a stream exists. Raises LogError if it is somebody else's."""
    if not await link.ask(link.client.stream_exists(name)):
        return False
    if name != streams.revocations:
        await link.ask(read_key(link.client, name))
    return True


def _told(names: Sequence[str], missing: Sequence[str]) -> str:
    if not missing:
        return f"all {len(names)} are there"
    if len(missing) == len(names):
        return f"none of {len(names)} is there yet; `tidegate serve` makes them"
    return f"missing and made by `tidegate serve`: {', '.join(missing)}"


def _judge_frames(frame_max: int, payload: int) -> Finding:
    largest = frame_max - HEADS - ROOM_FOR_NAMES
    frames = f"the broker takes {format_size(frame_max)} (stream.frame_max)"
    if largest <= 0:
        remedy = "Raise stream.frame_max in the broker's settings to 64 KB at least."
        return failed(_FRAMES, f"{frames}, which hold no event", remedy)
    if largest < payload:
        return warning(
            _FRAMES,
            f"{frames}, so events of more than {largest:,} bytes are refused, and messages with "
            "them become dead letters",
            f"Raise it to {payload + HEADS + ROOM_FOR_NAMES:,}, or lower limits.payload.",
        )
    return ok(_FRAMES, f"{frames}: events of up to {largest:,} bytes")
