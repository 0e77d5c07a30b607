"""The door: a CONNECT becomes a verified socket in its tenant's rooms, or is refused.

Order matters here: the token is verified first, then the session that it may resume is looked at,
then the user's own hook, and only then does the client hear "connected".
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple

from tidegate.app.cancelling import is_cancelled
from tidegate.app.client import Client
from tidegate.app.limits import ConnectionQuota
from tidegate.app.namespace import Namespace
from tidegate.app.refusal_log import RefusalLog
from tidegate.app.token_life import TokenLife
from tidegate.app.turnstile import Turnstile
from tidegate.auth.authenticator import Authenticator, Handshake
from tidegate.auth.identity import Identity
from tidegate.errors import AuthError, LocalProtocolError, LogError, Refused
from tidegate.hub import Hub, Socket
from tidegate.hub.recovery import Claim
from tidegate.ids import NamespaceName, RoomName, Sid, random_id
from tidegate.protocol.events import ConnectRequested
from tidegate.transports.base import Connection

__all__ = ["Door", "refusal_data"]

log = logging.getLogger("tidegate.door")

_UNAUTHORIZED = frozenset(
    {"token_missing", "token_invalid", "token_expired", "token_revoked", "tenant_missing"}
)
_WORTH_RETRYING = frozenset({"limit_reached", "try_again"})


LOG_PATIENCE = 5.0
"""Seconds for which a returning client waits while the log can't be reached."""


CONNECTS_PER_TURN = 32
"""CONNECTs answered before other work gets its turn: 2 to 8 ms, as the signature takes."""


class _Visitor(NamedTuple):
    """A verified client at the door.

    Attributes:
        socket: A fresh one, with the presented token's identity.
        claim: The session that it wants back, if that is its own.
    """

    connection: Connection
    namespace: Namespace
    event: ConnectRequested
    socket: Socket
    claim: Claim | None


class Door:
    """Answers CONNECT packets.

    Args:
        namespaces: What is served.
        authenticator: Turns the auth payload into an identity.
        hub: Where sockets go.
        token_life: Knows revocations, and watches the tokens of who is let in.
        quota: Bounds connections per tenant and user.
        max_namespaces: Namespaces on one connection.
        client_of: Gives the client object of a socket.
        spawn: Runs what takes time.
        synchronise: Waits until this node has read all of a log that it shares with others; None
            if it does not.
    """

    def __init__(
        self,
        namespaces: dict[str, Namespace],
        authenticator: Authenticator,
        hub: Hub,
        token_life: TokenLife,
        quota: ConnectionQuota,
        *,
        max_namespaces: int,
        client_of: Callable[[Socket], Client],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        synchronise: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._namespaces = namespaces
        self._authenticator = authenticator
        self._hub = hub
        self._token_life = token_life
        self._quota = quota
        self._max_namespaces = max_namespaces
        self._client_of = client_of
        self._spawn = spawn
        self._synchronise = synchronise
        self._turnstile = Turnstile(CONNECTS_PER_TURN)
        self._refusal_log = RefusalLog()
        self.refusals: Counter[str] = Counter()
        self.accepted = 0
        self.namespaces_limited = 0

    def connect_requested(self, connection: Connection, event: ConnectRequested) -> None:
        """Answer a CONNECT at its turn: at once, or in a task if something needs waiting for."""
        self._turnstile.call(self._answer, connection, event)

    def _answer(self, connection: Connection, event: ConnectRequested) -> None:
        if not connection.is_open:
            return  # it went while others had their turn
        namespace = self._namespaces.get(event.namespace)
        if namespace is None:
            self._refuse(connection, event.namespace, "Invalid namespace", "forbidden")
            return
        try:
            handshake = Handshake(event.auth, event.namespace, connection.address)
            identity = self._authenticator.authenticate(handshake)
            if not isinstance(identity, Identity):
                self._spawn(self._admit_later(connection, namespace, event, identity))
                return
            visitor = self._visitor(connection, namespace, event, _checked(identity))
            if self._needs_time(visitor):
                self._spawn(self._admit(visitor))
            else:
                self._check(connection, identity)
                self._enter(visitor)
        except Exception as error:
            self._refuse_for(connection, event.namespace, error)

    async def identify(self, token: object, namespace: str, address: str) -> Identity:
        """Verify a token that a client presents in place of its expiring one.

        Raises:
            AuthError: It is refused.
        """
        handshake = Handshake({"token": token}, namespace, address)
        identity = self._authenticator.authenticate(handshake)
        return _checked(identity if isinstance(identity, Identity) else await identity)

    async def _admit_later(
        self,
        connection: Connection,
        namespace: Namespace,
        event: ConnectRequested,
        pending: Awaitable[Identity],
    ) -> None:
        try:
            visitor = self._visitor(connection, namespace, event, _checked(await pending))
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled():
                raise
            if connection.is_open:
                self._refuse_for(connection, event.namespace, error)
        else:
            await self._admit(visitor)

    async def _admit(self, visitor: _Visitor) -> None:
        connection, socket = visitor.connection, visitor.socket
        try:
            self._check(connection, socket.identity)
            socket.link = connection
            await self._run_connect_hook(visitor.namespace, socket)
            rooms = await self._rooms_again(visitor)
            if connection.is_open:
                self._check(connection, socket.identity)
                self._enter(visitor, rooms)
        except LogError:
            # Nobody can tell what it has missed. A refusal would end its attempts, and an answer
            # without recovery its session; cut off, it comes back by itself.
            connection.close("log unavailable")
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled():
                raise
            if connection.is_open:
                self._refuse_for(connection, socket.namespace, error)

    # Deciding

    def _check_namespaces(self, connection: Connection) -> None:
        if len(connection.sockets) >= self._max_namespaces:
            self.namespaces_limited += 1
            message = f"A connection has at most {self._max_namespaces} namespaces."
            raise AuthError("limit_reached", message)

    def _check(self, connection: Connection, identity: Identity) -> None:
        """Raise AuthError unless this identity may enter by this connection now."""
        self._token_life.check(identity)
        if not connection.sockets:
            self._quota.check(identity.tenant, identity.user)
            return
        self._check_namespaces(connection)  # others may have been let in while this one waited
        own = connection.sockets[0].identity
        if own.tenant != identity.tenant or own.user != identity.user:
            raise AuthError("forbidden", "A connection belongs to one tenant and user for life.")

    def _needs_time(self, visitor: _Visitor) -> bool:
        if visitor.namespace.connect_hook is not None:
            return True
        return visitor.claim is not None and (
            self._synchronise is not None or bool(self._hub.sessions.rooms_of(visitor.claim))
        )

    async def _run_connect_hook(self, namespace: Namespace, socket: Socket) -> None:
        if namespace.connect_hook is not None:
            answer = namespace.connect_hook(self._client_of(socket))
            if asyncio.iscoroutine(answer):
                await answer

    async def _rooms_again(self, visitor: _Visitor) -> frozenset[RoomName]:
        """Return the rooms of the session that comes back which it may still be in.

        Those are the rooms that ``on_connect`` has put it into again, and those whose authorizers
        say so.
        """
        if visitor.claim is None:
            return frozenset()
        if self._synchronise is not None:
            # It may have been on another node a moment ago, and joined rooms there.
            try:
                async with asyncio.timeout(LOG_PATIENCE):
                    await self._synchronise()
            except TimeoutError:
                raise LogError("the log can't be reached") from None
        rooms = self._hub.sessions.rooms_of(visitor.claim)
        if not rooms:
            return frozenset()
        client = self._client_of(visitor.socket)
        again = client.rooms
        return frozenset(
            [
                room
                for room in rooms
                if room in again or await may_join(visitor.namespace, client, room)
            ]
        )

    # Acting

    def _visitor(
        self,
        connection: Connection,
        namespace: Namespace,
        event: ConnectRequested,
        identity: Identity,
    ) -> _Visitor:
        socket = Socket(sid=Sid(random_id()), namespace=namespace.name, identity=identity)
        claim = None
        if "pid" in event.auth:
            claim = self._hub.sessions.claim(event.auth["pid"], socket)
        return _Visitor(connection, namespace, event, socket, claim)

    def _enter(self, visitor: _Visitor, rooms: frozenset[RoomName] = frozenset()) -> None:
        connection, fresh = visitor.connection, visitor.socket
        fresh.link = connection
        session = self._recovered(visitor, rooms)
        socket = session or fresh
        if session is None:
            self._hub.add(fresh)
        elif fresh.client is not None:
            self._take_over(session, fresh)
        if not connection.sockets:
            self._quota.enter(socket)
            connection.let_in()
        connection.sockets = (*connection.sockets, socket)
        self.accepted += 1
        connection.core.accept(socket.namespace, socket.sid, self._hub.sessions.private_id(socket))
        connection.flush()
        self._token_life.watch(socket)
        if session is not None:
            self._hub.catch_up(session)

    def _recovered(self, visitor: _Visitor, rooms: frozenset[RoomName]) -> Socket | None:
        auth = visitor.event.auth
        if visitor.claim is not None:
            return self._hub.recover(visitor.socket, visitor.claim, auth.get("offset"), rooms)
        self._hub.stats.not_recovered += "pid" in auth
        return None

    def _take_over(self, session: Socket, fresh: Socket) -> None:
        """Give a resumed session what ``on_connect`` did to the socket that it replaces."""
        for room in fresh.rooms or ():
            self._hub.join(session, room)
        self._client_of(session).data.update(fresh.client.data)

    def _refuse_for(self, connection: Connection, namespace: str, error: BaseException) -> None:
        if isinstance(error, AuthError):
            self._refusal_log.tell(error)
            prefix = "Unauthorized: " if error.code in _UNAUTHORIZED else ""
            self._refuse(connection, namespace, prefix + error.detail, error.code)
        elif isinstance(error, Refused):
            self._refuse(connection, namespace, error.message, "forbidden")
        else:
            log.error("CONNECT to %s failed", namespace, exc_info=error)
            self._refuse(connection, namespace, "The server could not let you in.", "try_again")

    def _refuse(self, connection: Connection, namespace: str, message: str, code: str) -> None:
        """Send CONNECT_ERROR, and close unless another namespace of the connection lives on."""
        self.refusals[code] += 1
        try:
            connection.core.refuse(NamespaceName(namespace), message, refusal_data(code))
        except LocalProtocolError:
            log.exception("could not refuse a CONNECT")
        connection.flush()
        if not connection.sockets and not connection.core.pending:
            connection.close("refused")


def _checked(identity: Identity) -> Identity:
    """Return the identity, if a custom authenticator has kept to its types.

    Raises:
        TypeError: It has not, which must not come out when the client is inside.
        UnicodeEncodeError: A name is text that has no UTF-8 form.
    """
    for name in (identity.tenant, identity.user):
        if not isinstance(name, str) or not name:
            raise TypeError(f"tenant and user of an Identity are strings, not {name!r}")
        name.encode()
    for date in (identity.expires_at, identity.issued_at):
        if date is not None and not (isinstance(date, float | int) and date == date):
            raise TypeError(f"dates of an Identity are Unix seconds, not {date!r}")
    return identity


async def may_join(namespace: Namespace, client: Client, room: str) -> bool:
    """Ask the first room rule whose form fits; a room that none fits can't be joined.

    An authorizer that fails is a no, and its trace is logged.
    """
    for rule in namespace.room_rules:
        values = rule.match(room)
        if values is not None:
            try:
                return await rule.allows(client, values)
            except Refused:
                return False
            except Exception:
                log.exception("the authorizer of %s failed", rule.pattern)
                return False
    return False


def refusal_data(code: str) -> dict[str, Any]:
    """Return what a refused client finds in ``err.data``."""
    return {"code": code, "retry": code in _WORTH_RETRYING}
