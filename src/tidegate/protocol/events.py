"""What a connection tells its caller: each thing the client did, as a value.

Arguments stay raw JSON: whoever knows their type decodes them once, straight into it, and what is
only forwarded is never decoded at all.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tidegate.ids import NamespaceName

__all__ = [
    "AckReceived",
    "CloseReason",
    "ConnectRequested",
    "ConnectionClosed",
    "EventReceived",
    "NamespaceLeft",
    "ProtocolEvent",
]

CloseReason = Literal[
    "client close",
    "transport close",
    "server close",
    "ping timeout",
    "connect timeout",
    "parse error",
]
"""Why a connection ended; stable, fit for metrics.

- ``client close``: the client sent an Engine.IO close packet.
- ``transport close``: the network or the client ended the transport without one.
- ``server close``: we ended it.
- ``ping timeout``: no pong came within ``ping_timeout``.
- ``connect timeout``: no namespace was accepted within ``connect_timeout`` of the opening.
- ``parse error``: the client broke the protocol; the connection's ``close_reason`` says how.
"""


class ConnectRequested(msgspec.Struct, frozen=True):
    """The client asks for a namespace; answer with ``accept`` or ``refuse``.

    Attributes:
        namespace: Any name the client chose; it need not exist.
        auth: The client's ``auth`` object, ``{}`` if it sent none. Unverified. A client that wants
            its missed events adds ``pid`` and ``offset`` to it.
        is_over_limit: One namespace more than ``max_namespaces``: refuse it.
    """

    namespace: NamespaceName
    auth: dict[str, Any]
    is_over_limit: bool = False


class EventReceived(msgspec.Struct, frozen=True, gc=False):
    """The client emitted an event in an accepted namespace.

    Attributes:
        event_name: A number is passed as its decimal text.
        args: Raw JSON (UTF-8) of each argument after the name.
        attachments: Binary parts; for ``reconstruct`` on the decoded arguments.
        ack_id: Present when the client waits for an ack: answer with ``send_ack``.
    """

    namespace: NamespaceName
    event_name: str
    args: tuple[bytes, ...] = ()
    attachments: tuple[bytes, ...] = ()
    ack_id: int | None = None


class AckReceived(msgspec.Struct, frozen=True, gc=False):
    """The client acknowledged an event.

    Attributes:
        ack_id: As the client says; it need not be one that we gave out.
        args: Raw JSON (UTF-8) of each argument.
        attachments: Binary parts; for ``reconstruct`` on the decoded arguments.
    """

    namespace: NamespaceName
    ack_id: int
    args: tuple[bytes, ...] = ()
    attachments: tuple[bytes, ...] = ()


class NamespaceLeft(msgspec.Struct, frozen=True, gc=False):
    """The client left a namespace; it may ask for it again."""

    namespace: NamespaceName


class ConnectionClosed(msgspec.Struct, frozen=True, gc=False):
    """The connection is over, and with it every namespace; always the last event.

    Attributes:
        close_code: For the WebSocket close frame (RFC 6455, section 7.4.1). 1006 means that there
            is no transport left to send one on.
    """

    reason: CloseReason
    close_code: int


ProtocolEvent = ConnectRequested | EventReceived | AckReceived | NamespaceLeft | ConnectionClosed
