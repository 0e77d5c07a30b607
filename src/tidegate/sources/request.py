"""What a publisher says in JSON, checked whole before anything of it is appended."""

from __future__ import annotations

import time as clock
from collections.abc import Mapping, Sequence

import msgspec

from tidegate.errors import PayloadError
from tidegate.events import check_event_name, decode_argument
from tidegate.ids import NamespaceName, RoomName, TenantId, UserId
from tidegate.log import EventEntry

__all__ = [
    "MAX_BATCH",
    "PublishRequest",
    "check_name",
    "check_utf8",
    "misfit",
    "read_requests",
    "to_entries",
    "to_entry",
]

MAX_BATCH = 1_000
MAX_NAME_LENGTH = 256


class PublishRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One event for one audience: the whole tenant, or one user or room of it.

    Attributes:
        data: The payload; it reaches the browser byte for byte.
        id: The publisher's message id: the same id twice within the window is delivered once.
    """

    tenant: str
    namespace: str
    event: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    user: str | None = None
    room: str | None = None
    id: str | None = None


_decode_one = msgspec.json.Decoder(PublishRequest).decode
_decode_many = msgspec.json.Decoder(list[PublishRequest]).decode

Contracts = Mapping[str, Mapping[str, type]]
"""Declared event types by namespace and name; every served namespace is a key."""


def read_requests(body: bytes) -> tuple[list[PublishRequest], bool]:
    """Return the requests in a body, and whether it was a list.

    Raises:
        PayloadError: It is no JSON, or not of the form; ``field`` is the path.
    """
    is_list = body.lstrip()[:1] == b"["
    try:
        check_utf8(body)
        requests = _decode_many(body) if is_list else [_decode_one(body)]
    except msgspec.ValidationError as error:
        raise PayloadError(*misfit(error)) from None
    except UnicodeDecodeError as error:
        raise PayloadError(f"The body is not valid UTF-8: {error.reason}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise PayloadError(f"The body is not valid JSON: {error}") from None
    if len(requests) > MAX_BATCH:
        raise PayloadError(f"A batch has at most {MAX_BATCH} events, not {len(requests)}")
    return requests, is_list


def check_utf8(body: bytes) -> None:
    """Raise UnicodeDecodeError unless the bytes are UTF-8.

    msgspec slices a ``Raw`` out without looking at its encoding, and a browser closes its
    connection at a text message that is not UTF-8: one such payload would drop a whole tenant.
    """
    if not body.isascii():
        body.decode()


def misfit(error: msgspec.ValidationError) -> tuple[str, str]:
    """Return what msgspec says is wrong, and the path of it, such as ``$.tenant``."""
    message, separator, path = str(error).rpartition(" - at `")
    return (message, path.rstrip("`")) if separator else (path, "$")


def to_entries(
    requests: Sequence[PublishRequest],
    contracts: Contracts,
    *,
    max_payload: int,
    is_list: bool = True,
) -> list[EventEntry]:
    """Return the log entries for a batch.

    Raises:
        PayloadError: One of them can't be published; none of the batch may be.
    """
    now = clock.time()
    entries = []
    for index, request in enumerate(requests):
        try:
            entries.append(to_entry(request, contracts, max_payload=max_payload, time=now))
        except PayloadError as error:
            place = f"$[{index}]" if is_list else "$"
            raise PayloadError(error.message, place + error.field[1:]) from None
    return entries


def to_entry(
    request: PublishRequest,
    contracts: Contracts,
    *,
    max_payload: int,
    time: float,
    trace: str | None = None,
) -> EventEntry:
    """Return the log entry for one request.

    Args:
        max_payload: Bytes that the payload may have.
        time: Unix seconds, for the entry.
        trace: W3C ``traceparent`` of the publisher.

    Raises:
        PayloadError: It can't be published; ``field`` is the path of what is wrong.
    """
    for field in ("tenant", "user", "room", "id"):
        check_name(field, getattr(request, field))
    if request.user is not None and request.room is not None:
        raise PayloadError("An event goes to a user or to a room, not both", "$.room")
    declared = contracts.get(request.namespace)
    if declared is None:
        served = ", ".join(sorted(contracts)) or "none"
        message = f"No namespace {request.namespace!r} is served; served are: {served}"
        raise PayloadError(message, "$.namespace")
    try:
        check_event_name(request.event)
    except ValueError as error:
        raise PayloadError(str(error), "$.event") from None
    data = bytes(request.data)
    if len(data) > max_payload:
        raise PayloadError(f"The payload has over {max_payload} bytes", "$.data")
    _check_contract(data, declared.get(request.event))
    return EventEntry(
        tenant=TenantId(request.tenant),
        namespace=NamespaceName(request.namespace),
        name=request.event,
        data=data,
        time=time,
        user=None if request.user is None else UserId(request.user),
        room=None if request.room is None else RoomName(request.room),
        message_id=request.id,
        trace=trace,
    )


def check_name(field: str, value: str | None) -> None:
    """Raise PayloadError at ``$.field`` unless a name is not given, or one that can be used."""
    if value is not None and not 0 < len(value) <= MAX_NAME_LENGTH:
        raise PayloadError(f"Expected 1 to {MAX_NAME_LENGTH} characters", f"$.{field}")


def _check_contract(data: bytes, declared: type | None) -> None:
    if declared is not None:
        try:
            decode_argument(data, (), declared)
        except PayloadError as error:
            raise PayloadError(error.message, "$.data" + error.field[1:]) from None
