"""Socket.IO v5 packets: ``<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]``.

The decoder is as strict as the official parser or stricter: where that one lets a packet pass
that no client sends (an event without a payload, an ack without an id), this one refuses it.
Arguments are cut out of the payload as raw JSON, checked but not decoded.

The encoders return complete Engine.IO message packets (with the leading ``4``) and splice raw JSON
in as it is: what a publisher sent reaches the browser byte for byte.

Source: Socket.IO protocol v5, "Packet encoding"; socket.io-parser 4.2, ``Decoder``.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from tidegate.errors import RemoteProtocolError
from tidegate.ids import NamespaceName, Sid
from tidegate.protocol.binary import check_placeholders

__all__ = [
    "RESERVED_EVENT_NAMES",
    "Packet",
    "PacketType",
    "decode_packet",
    "encode_ack",
    "encode_connect",
    "encode_connect_error",
    "encode_disconnect",
    "encode_event",
]

RESERVED_EVENT_NAMES = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
"""Names no event may have: a client that receives one closes its connection."""

MAX_ARGUMENTS = 1000  # a 1 MB array of half a million takes 50 MB when it is cut up
MAX_SAFE_INTEGER = 2**53 - 1  # as far as a JavaScript client can count

T = TypeVar("T")


class PacketType(enum.IntEnum):
    """The digit on the wire."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6


class Packet(msgspec.Struct, frozen=True):
    """One packet of a client, taken apart and checked.

    Attributes:
        type: ``EVENT`` and ``ACK`` stand for their binary forms too.
        attachments: How many binary messages follow.
        auth: The payload of a CONNECT, ``{}`` if it had none.
        event_name: Of an EVENT; a number is passed as its decimal text.
        args: Raw JSON (UTF-8) of each argument of an EVENT or ACK.
    """

    type: PacketType
    namespace: NamespaceName
    ack_id: int | None = None
    attachments: int = 0
    auth: dict[str, Any] | None = None
    event_name: str = ""
    args: tuple[bytes, ...] = ()


# --- decoding ---------------------------------------------------------------------------------

_HEAD = re.compile(r"(?:([0-4])|([56])([0-9]+)-)(?:(/[^,]*),?)?([0-9]*)")
# A pair is one character, a half of one has no UTF-8 form. Any other escape is stepped over, so
# that the "\\" of an escaped backslash is not read as the start of the next escape.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)

_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_name = msgspec.json.Decoder(str | int | float).decode


def decode_packet(text: str) -> Packet:
    """Return the packet in an Engine.IO message.

    Args:
        text: The message without its leading ``4``.

    Raises:
        RemoteProtocolError: The text is not a packet that a client may send. Nothing else is
            raised, whatever the text.
    """
    head = _HEAD.match(text)
    if head is None:
        raise RemoteProtocolError(_head_problem(text))
    plain_digit, binary_digit, count, name, ack_digits = head.groups()
    namespace = _namespace(name)
    payload = text[head.end() :]
    if plain_digit in ("0", "1", "4"):
        return _control_packet(plain_digit, namespace, payload)
    ack_id = _ack_id(ack_digits) if ack_digits else None
    attachments = 0 if count is None else _attachment_count(count)
    if plain_digit == "2" or binary_digit == "5":
        event_name, args = _event(payload)
        packet = Packet(PacketType.EVENT, namespace, ack_id, attachments, None, event_name, args)
    else:
        args = tuple([bytes(item) for item in _array(payload)])
        packet = Packet(PacketType.ACK, namespace, _required(ack_id), attachments, args=args)
    if count is not None:
        check_placeholders(args, attachments)
    return packet


def _head_problem(text: str) -> str:
    if text[:1] in ("5", "6"):
        return "malformed attachment count"
    return "unknown packet type" if text else "empty packet"


def _namespace(text: str | None) -> NamespaceName:
    """Return the name without a query, which older clients append to it."""
    if text is None:
        return NamespaceName("/")
    return NamespaceName(text.partition("?")[0] if "?" in text else text)


def _ack_id(digits: str) -> int:
    ack_id = int(digits) if len(digits) <= 16 else MAX_SAFE_INTEGER + 1
    if ack_id > MAX_SAFE_INTEGER:
        raise RemoteProtocolError("ack id out of range")
    return ack_id


def _required(ack_id: int | None) -> int:
    if ack_id is None:
        raise RemoteProtocolError("ACK without an id")
    return ack_id


def _attachment_count(digits: str) -> int:
    if len(digits) > 4:
        raise RemoteProtocolError("too many attachments")
    return int(digits)


def _control_packet(digit: str, namespace: NamespaceName, payload: str) -> Packet:
    if digit == "4":
        raise RemoteProtocolError("CONNECT_ERROR from a client")
    if digit == "0":
        auth = _json(_decode_object, payload) if payload else {}
        return Packet(PacketType.CONNECT, namespace, auth=auth)
    if payload:
        raise RemoteProtocolError("DISCONNECT with a payload")
    return Packet(PacketType.DISCONNECT, namespace)


def _event(payload: str) -> tuple[str, tuple[bytes, ...]]:
    items = _array(payload)
    if not items:
        raise RemoteProtocolError("EVENT without a name")
    name = _json(_decode_name, items[0])
    if not isinstance(name, str):
        name = _number_text(name)
    elif name in RESERVED_EVENT_NAMES:
        raise RemoteProtocolError("reserved event name")
    return name, tuple([bytes(item) for item in items[1:]])


def _array(payload: str) -> list[msgspec.Raw]:
    items = _json(_decode_array, payload)
    if len(items) > MAX_ARGUMENTS:
        raise RemoteProtocolError("too many arguments")
    return items


def _number_text(number: float) -> str:
    if abs(number) > MAX_SAFE_INTEGER:
        raise RemoteProtocolError("event name out of range")
    return str(int(number)) if number == int(number) else str(number)


def _json(decode: Callable[[Any], T], text: str | msgspec.Raw) -> T:
    # Most texts have no escape at all, and looking for one character is the fastest.
    if isinstance(text, str) and "\\" in text and ("\\ud" in text or "\\uD" in text):
        text = _ESCAPE.sub(_whole_characters, text)
    try:
        return decode(text)
    except RecursionError:
        raise RemoteProtocolError("payload nested too deeply") from None
    except ValueError:
        raise RemoteProtocolError("invalid payload") from None


def _whole_characters(escape: re.Match[str]) -> str:
    """Replace half of a surrogate pair by U+FFFD, as ``TextEncoder`` does.

    ``JSON.stringify`` writes such a half when a program cuts a string inside an emoji; that must
    not cost its user the connection.
    """
    return "\\ufffd" if escape[1] else escape[0]


# --- encoding ---------------------------------------------------------------------------------

_encode_json = msgspec.json.Encoder().encode


def encode_event(
    namespace: str,
    event_name: str,
    args_json: Sequence[bytes],
    *,
    ack_id: int | None = None,
    attachments: int = 0,
) -> bytes:
    """Return an EVENT, or a BINARY_EVENT when ``attachments`` follow it, in UTF-8.

    Args:
        namespace: Where the client listens.
        event_name: Not one of ``RESERVED_EVENT_NAMES``; the caller has checked that.
        args_json: The JSON of each argument, spliced in unchecked.
        ack_id: Asks the client for an ack.
        attachments: How many binary messages the caller sends right after this one.
    """
    if ack_id is None and not attachments:
        head = _plain_event_head(namespace, event_name)
    else:
        kind = f"45{attachments}-" if attachments else "42"
        head = _event_head(kind, namespace, "" if ack_id is None else str(ack_id), event_name)
    return b",".join((head, *args_json)) + b"]"


def encode_ack(
    namespace: str, ack_id: int, args_json: Sequence[bytes], *, attachments: int = 0
) -> str:
    """Return an ACK, or a BINARY_ACK when ``attachments`` follow it."""
    kind = f"46{attachments}-" if attachments else "43"
    return f"{kind}{_prefix(namespace)}{ack_id}[{b','.join(args_json).decode()}]"


def encode_connect(namespace: str, sid: Sid, pid: str | None = None) -> str:
    """Return the answer to an accepted CONNECT.

    Args:
        namespace: As the client asked for it.
        sid: The socket's id.
        pid: Private session id; with it the client keeps the offsets of events and may recover.
    """
    reply = {"sid": sid} if pid is None else {"sid": sid, "pid": pid}
    return f"40{_prefix(namespace)}{_encode_json(reply).decode()}"


def encode_connect_error(
    namespace: str, message: str, data: Mapping[str, Any] | bytes | None = None
) -> str:
    """Return the answer to a refused CONNECT.

    Args:
        namespace: As the client asked for it.
        message: The client's ``err.message``.
        data: The client's ``err.data``: plain values, or their JSON; left out if None.
    """
    error: dict[str, Any] = {"message": message}
    if data is not None:
        error["data"] = msgspec.Raw(data) if isinstance(data, bytes) else data
    return f"44{_prefix(namespace)}{_encode_json(error).decode()}"


def encode_disconnect(namespace: str) -> str:
    """Return a DISCONNECT: the client leaves the namespace and does not come back by itself."""
    return f"41{_prefix(namespace)}"


def _event_head(kind: str, namespace: str, ack_id: str, event_name: str) -> bytes:
    """Return an event's packet up to its name."""
    return f"{kind}{_prefix(namespace)}{ack_id}[".encode() + _encode_json(event_name)


@lru_cache(maxsize=1024)
def _plain_event_head(namespace: str, event_name: str) -> bytes:
    return _event_head("42", namespace, "", event_name)


def _prefix(namespace: str) -> str:
    return "" if namespace == "/" else f"{namespace},"
