"""One client's connection: Engine.IO heartbeats and Socket.IO namespaces, without any I/O.

Messages and ``now`` come in; events, packets to send and the next deadline come out. After each
call, send ``data_to_send()`` and re-arm a timer for ``next_deadline()``::

    connection = ServerConnection(sid, config, now)
    for event in connection.receive_text('40/news,{"token":"..."}', now):
        ...  # ConnectRequested: verify the token, then accept or refuse

A namespace is *pending* from CONNECT until the caller answers, which may take its time, and
*accepted* from then until either side leaves. Whatever the client may not do ends the connection:
the ``receive_`` methods never raise, they return ``ConnectionClosed``, and ``close_reason`` says
what was wrong. What the caller may not do raises ``LocalProtocolError``. On a closed connection
every call is a no-op, since a client may go while its answer is being made.

Source: Engine.IO protocol v4, "WebSocket" and "Heartbeat"; Socket.IO protocol v5.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidegate.errors import LocalProtocolError, RemoteProtocolError
from tidegate.ids import EngineSid, NamespaceName, Sid
from tidegate.protocol import engineio
from tidegate.protocol.binary import AttachmentBuffer
from tidegate.protocol.events import (
    AckReceived,
    CloseReason,
    ConnectionClosed,
    ConnectRequested,
    EventReceived,
    NamespaceLeft,
    ProtocolEvent,
)
from tidegate.protocol.socketio import (
    RESERVED_EVENT_NAMES,
    Packet,
    PacketType,
    decode_packet,
    encode_ack,
    encode_connect,
    encode_connect_error,
    encode_disconnect,
    encode_event,
)

__all__ = ["ConnectionConfig", "ServerConnection"]

_Namespaces = tuple[NamespaceName, ...]  # few, and a tuple is the smallest of all containers


class ConnectionConfig(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Limits and intervals, shared by all connections.

    Attributes:
        ping_interval: Seconds from the opening, or from a pong, to the next ping.
        ping_timeout: Seconds the client has to answer a ping.
        connect_timeout: Seconds from the opening, or from when the client left its last namespace,
            until one must have been accepted.
        max_payload: Bytes of a message, and of all attachments of a packet together. The transport
            holds single messages to it; it is told to the client.
        max_attachments: Of one packet. The official client takes no more than 10 either.
        max_namespaces: Accepted ones of one connection.
    """

    ping_interval: float = 25.0
    ping_timeout: float = 20.0
    connect_timeout: float = 5.0
    max_payload: int = 1_000_000
    max_attachments: int = 10
    max_namespaces: int = 16


class _PartialPacket(msgspec.Struct, gc=False):
    """A packet and those of its attachments that have come."""

    packet: Packet
    attachments: AttachmentBuffer


class ServerConnection:
    """The server's side of one client's connection.

    The open packet is in ``data_to_send()`` from the start.

    Args:
        sid: Engine.IO session id; differs from the sid of every socket.
        config: Shared by all connections.
        now: Monotonic seconds, on the clock of all later calls.
        first_ping: Seconds until the first ping, at most ``ping_interval``, which is the default;
            a random part of it spreads the pings of clients that came together.

    Attributes:
        sid: As given.
        close_reason: Why the connection is closed, in words for the log and without client data;
            None while it is open.
    """

    __slots__ = (
        "_config",
        "_connect_by",
        "_dismissed",
        "_heartbeat_at",
        "_is_pinged",
        "_namespaces",
        "_outgoing",
        "_partial",
        "_pending",
        "close_reason",
        "sid",
    )

    def __init__(
        self,
        sid: EngineSid,
        config: ConnectionConfig,
        now: float,
        *,
        first_ping: float | None = None,
    ) -> None:
        interval = config.ping_interval if first_ping is None else first_ping
        if not 0 <= interval <= config.ping_interval:
            raise LocalProtocolError("the client expects its first ping within ping_interval")
        self.sid = sid
        self.close_reason: str | None = None
        self._config = config
        self._heartbeat_at = now + interval  # when a ping is due, or the pong to the last one
        self._is_pinged = False
        self._connect_by: float | None = now + config.connect_timeout
        self._namespaces: _Namespaces = ()
        self._pending: _Namespaces = ()
        self._dismissed: _Namespaces = ()
        self._partial: _PartialPacket | None = None
        self._outgoing: list[str | bytes] | None = [
            engineio.encode_open(sid, config.ping_interval, config.ping_timeout, config.max_payload)
        ]

    @property
    def is_closed(self) -> bool:
        """Whether the connection is over."""
        return self.close_reason is not None

    @property
    def namespaces(self) -> _Namespaces:
        """The accepted namespaces, oldest first; after the close, those accepted until then."""
        return self._namespaces

    @property
    def pending(self) -> _Namespaces:
        """The namespaces that wait for ``accept`` or ``refuse``, oldest first."""
        return self._pending

    # --- receiving ----------------------------------------------------------------------------

    def receive_text(self, data: str, now: float) -> list[ProtocolEvent]:
        """Feed one WebSocket text message and return the events it completes.

        A binary event yields nothing until its last attachment arrives.

        Args:
            data: One Engine.IO packet.
            now: Monotonic seconds, never earlier than in the previous call.

        Source: Engine.IO protocol v4, "WebSocket"; Socket.IO protocol v5, "Packet encoding".
        """
        if self.close_reason is not None:
            return []
        try:
            return self._receive_engine_packet(data, now)
        except RemoteProtocolError as error:
            return self._close("parse error", error.close_code, error.reason)

    def receive_binary(self, data: bytes, now: float) -> list[ProtocolEvent]:
        """Feed one WebSocket binary message, an attachment, and return the event it completes.

        Args:
            data: Kept as it is until the event is returned.
            now: Monotonic seconds, never earlier than in the previous call.
        """
        if self.close_reason is not None:
            return []
        try:
            return self._receive_attachment(data)
        except RemoteProtocolError as error:
            return self._close("parse error", error.close_code, error.reason)

    def connection_lost(self) -> list[ProtocolEvent]:
        """Tell that the transport is gone; nothing comes back if the connection was closed."""
        if self.close_reason is not None:
            return []
        return self._close("transport close", 1006)

    def _receive_engine_packet(self, data: str, now: float) -> list[ProtocolEvent]:
        if data[:1] == engineio.MESSAGE:
            if self._partial is not None:
                raise RemoteProtocolError("text packet while attachments are missing")
            return self._receive_packet(decode_packet(data[1:]), now)
        if data == engineio.PONG:
            if self._is_pinged:  # an unasked one must not put off the next ping
                self._is_pinged = False
                self._heartbeat_at = now + self._config.ping_interval
            return []
        if data == engineio.CLOSE:
            return self._close("client close", 1000)
        if data == engineio.NOOP:
            return []
        raise RemoteProtocolError("not an Engine.IO packet that a client may send")

    def _receive_packet(self, packet: Packet, now: float) -> list[ProtocolEvent]:
        namespace = packet.namespace
        if packet.type is PacketType.CONNECT:
            return [self._request(namespace, packet.auth or {})]
        if namespace not in self._namespaces and namespace not in self._dismissed:
            raise RemoteProtocolError("packet for a namespace that is not connected")
        if packet.type is PacketType.DISCONNECT:
            return self._leave(namespace, now)
        if packet.attachments == 0:
            return self._complete(packet, ())
        if packet.attachments > self._config.max_attachments:
            raise RemoteProtocolError("too many attachments")
        buffer = AttachmentBuffer(packet.attachments, self._config.max_payload)
        self._partial = _PartialPacket(packet, buffer)
        return []

    def _request(self, namespace: NamespaceName, auth: dict[str, Any]) -> ConnectRequested:
        if namespace in self._namespaces or namespace in self._pending:
            raise RemoteProtocolError("second CONNECT to a namespace")
        taken = len(self._namespaces) + len(self._pending)
        if taken > self._config.max_namespaces:
            raise RemoteProtocolError("too many namespaces")
        self._pending += (namespace,)
        self._dismissed = _without(self._dismissed, namespace)
        is_over_limit = taken == self._config.max_namespaces
        return ConnectRequested(namespace, auth, is_over_limit)

    def _leave(self, namespace: NamespaceName, now: float) -> list[ProtocolEvent]:
        if namespace not in self._namespaces:
            return []
        self._namespaces = _without(self._namespaces, namespace)
        if not self._namespaces:
            self._connect_by = now + self._config.connect_timeout
        return [NamespaceLeft(namespace)]

    def _receive_attachment(self, data: bytes) -> list[ProtocolEvent]:
        partial = self._partial
        if partial is None:
            raise RemoteProtocolError("attachment that was not announced")
        if not partial.attachments.add(data):
            return []
        self._partial = None
        return self._complete(partial.packet, partial.attachments.parts)

    def _complete(self, packet: Packet, attachments: tuple[bytes, ...]) -> list[ProtocolEvent]:
        namespace, ack_id = packet.namespace, packet.ack_id
        if namespace not in self._namespaces:
            return []  # sent before our DISCONNECT reached the client
        if packet.type is PacketType.ACK and ack_id is not None:
            return [AckReceived(namespace, ack_id, packet.args, attachments)]
        return [EventReceived(namespace, packet.event_name, packet.args, attachments, ack_id)]

    # --- sending ------------------------------------------------------------------------------

    def data_to_send(self) -> list[str | bytes]:
        """Return the packets to send, in order, and forget them.

        A ``str`` is a WebSocket text message, ``bytes`` a binary one. What was queued before the
        close is still returned after it: send it before the close frame.
        """
        outgoing, self._outgoing = self._outgoing, None
        return outgoing or []

    def accept(self, namespace: NamespaceName, sid: Sid, pid: str | None = None) -> None:
        """Let the client into a pending namespace.

        Args:
            namespace: As in ``ConnectRequested``.
            sid: The new socket's id.
            pid: Private session id. Once it is given, the last argument of every event sent to
                this namespace must be an offset: the client takes any last string for one.

        Raises:
            LocalProtocolError: The namespace is not pending, or ``max_namespaces`` is reached.
        """
        if self._may_answer(namespace):
            if len(self._namespaces) >= self._config.max_namespaces:
                raise LocalProtocolError(f"{namespace} is over max_namespaces: refuse it")
            self._pending = _without(self._pending, namespace)
            # Clients send equal names; one string serves all connections.
            self._namespaces += (NamespaceName(sys.intern(namespace)),)
            self._connect_by = None
            self._queue(encode_connect(namespace, sid, pid))

    def refuse(
        self,
        namespace: NamespaceName,
        message: str,
        data: Mapping[str, Any] | bytes | None = None,
    ) -> None:
        """Refuse a pending namespace; the client may ask again.

        Args:
            namespace: As in ``ConnectRequested``.
            message: The client's ``err.message``.
            data: The client's ``err.data``: plain values, or their JSON; left out if None.

        Raises:
            LocalProtocolError: The namespace is not pending.
        """
        if self._may_answer(namespace):
            self._pending = _without(self._pending, namespace)
            self._queue(encode_connect_error(namespace, message, data))

    def send_event(
        self,
        namespace: NamespaceName,
        event_name: str,
        args_json: Sequence[bytes],
        *,
        ack_id: int | None = None,
        attachments: Sequence[bytes] = (),
    ) -> None:
        """Send an event to this client alone.

        Args:
            namespace: An accepted one.
            event_name: Any but the reserved ones.
            args_json: JSON of each argument, with placeholders for the attachments.
            ack_id: Asks for an ack; choosing and remembering it is the caller's business.
            attachments: Binary parts, at most ``max_attachments``.

        Raises:
            LocalProtocolError: The namespace is not accepted, the name is reserved, or there are
                too many attachments.
        """
        if event_name in RESERVED_EVENT_NAMES:
            raise LocalProtocolError(f"{event_name} is a reserved event name")
        if self._may_send(namespace, attachments):
            count = len(attachments)
            packet = encode_event(
                namespace, event_name, args_json, ack_id=ack_id, attachments=count
            )
            self._queue(packet.decode(), *attachments)

    def send_ack(
        self,
        namespace: NamespaceName,
        ack_id: int,
        args_json: Sequence[bytes],
        attachments: Sequence[bytes] = (),
    ) -> None:
        """Acknowledge an event; the caller does so once.

        Raises:
            LocalProtocolError: The namespace is not accepted (the client may have left it since
                its event: look at ``namespaces``), or there are too many attachments.
        """
        if self._may_send(namespace, attachments):
            packet = encode_ack(namespace, ack_id, args_json, attachments=len(attachments))
            self._queue(packet, *attachments)

    def send_disconnect(self, namespace: NamespaceName) -> None:
        """Make the client leave a namespace; it does not come back by itself.

        What it sent before it got to know is dropped without an event.

        Raises:
            LocalProtocolError: The namespace is not accepted.
        """
        if self._may_send(namespace):
            self._namespaces = _without(self._namespaces, namespace)
            self._dismissed += (namespace,)
            self._queue(encode_disconnect(namespace))

    def close(self) -> None:
        """End the connection from our side; the caller closes the transport."""
        if self.close_reason is None:
            self._close("server close", 1000)

    def _may_answer(self, namespace: NamespaceName) -> bool:
        if self.close_reason is not None:
            return False
        if namespace not in self._pending:
            raise LocalProtocolError(f"no CONNECT to {namespace} is pending")
        return True

    def _may_send(self, namespace: NamespaceName, attachments: Sequence[bytes] = ()) -> bool:
        if self.close_reason is not None:
            return False
        if namespace not in self._namespaces:
            raise LocalProtocolError(f"{namespace} is not accepted on this connection")
        if len(attachments) > self._config.max_attachments:
            raise LocalProtocolError("more attachments than the client takes")
        return True

    def _queue(self, *packets: str | bytes) -> None:
        if self._outgoing is None:
            self._outgoing = list(packets)
        else:
            self._outgoing += packets

    # --- deadlines ----------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """Return when to call ``handle_deadline``, on the clock of ``now``; None when closed."""
        if self.close_reason is not None:
            return None
        if self._connect_by is None:
            return self._heartbeat_at
        return min(self._heartbeat_at, self._connect_by)

    def handle_deadline(self, now: float) -> list[ProtocolEvent]:
        """Send a ping if one is due, or close when the client did not do its part in time.

        Calling it early does no harm. After a stall, feed what was received before calling it: the
        pong may be among it.
        """
        if self.close_reason is not None:
            return []
        if self._connect_by is not None and now >= self._connect_by:
            return self._close("connect timeout", 1008)
        if now < self._heartbeat_at:
            return []
        if self._is_pinged:
            return self._close("ping timeout", 1011)
        self._is_pinged = True
        self._heartbeat_at = now + self._config.ping_timeout
        self._queue(engineio.PING)
        return []

    def _close(
        self, reason: CloseReason, close_code: int, detail: str | None = None
    ) -> list[ProtocolEvent]:
        self.close_reason = detail or reason
        self._pending = self._dismissed = ()
        self._partial = None
        return [ConnectionClosed(reason, close_code)]


def _without(namespaces: _Namespaces, namespace: NamespaceName) -> _Namespaces:
    return tuple(name for name in namespaces if name != namespace)
