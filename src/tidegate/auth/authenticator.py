"""The seam between a CONNECT and an identity: what the gateway asks, and of whom."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

import msgspec

from tidegate.auth.identity import Identity
from tidegate.errors import AuthError

__all__ = ["MAX_TOKEN_SIZE", "Authenticator", "Handshake", "token_from"]

MAX_TOKEN_SIZE = 8 * 1024
"""Bytes; a longer token is refused before anything looks into it."""

_BEARER = "bearer "


class Handshake(msgspec.Struct, frozen=True):
    """What is known of a client that asks to connect to a namespace.

    Attributes:
        auth: The CONNECT payload, as the client sent it: nothing in it is verified.
        namespace: The namespace asked for, such as ``/notifications``.
        remote_address: The client's address, behind trusted proxies the forwarded one.
    """

    auth: Mapping[str, Any]
    namespace: str
    remote_address: str


class Authenticator(Protocol):
    """Turns a handshake into an identity; implement it for opaque tokens or sessions.

        class Sessions:
            async def authenticate(self, handshake: Handshake) -> Identity:
                session = await store.find(token_from(handshake))
                if session is None:
                    raise AuthError("token_invalid", "the session is not known")
                return Identity(TenantId(session.tenant), UserId(session.user), session.ends_at)

    It is asked once per CONNECT and once per token that a client presents in place of an expiring
    one. It decides who the client is; what that client may do is for ``on_connect`` and the
    authorizers.
    """

    def authenticate(self, handshake: Handshake) -> Identity | Awaitable[Identity]:
        """Return the client's identity, or something to await that gives it.

        Answer at once where you can: an awaitable costs the gateway a task for each client of a
        reconnect storm.

        Raises:
            AuthError: The client is refused; it sees the code and the detail. Any other exception
                is logged and refuses the client with ``try_again``.
        """
        ...


def token_from(handshake: Handshake) -> str:
    """Return the token in ``auth.token``, without the ``Bearer`` prefix if it has one.

    The token is printable ASCII (RFC 6750, section 2.1) of at most ``MAX_TOKEN_SIZE`` bytes; it is
    not verified.

    Raises:
        AuthError: ``token_missing``, or ``token_invalid`` if it can't be a token.
    """
    token = handshake.auth.get("token")
    if token is None or token == "":
        raise AuthError("token_missing", "a token is required in auth.token")
    if not isinstance(token, str):
        raise AuthError("token_invalid", "auth.token is not a string")
    if token[: len(_BEARER)].lower() == _BEARER:
        token = token[len(_BEARER) :]
    if not token:
        raise AuthError("token_missing", "a token is required in auth.token")
    if len(token) > MAX_TOKEN_SIZE:
        raise AuthError("token_invalid", f"the token is longer than {MAX_TOKEN_SIZE} bytes")
    if not (token.isascii() and token.isprintable()):
        raise AuthError("token_invalid", "the token holds characters that no token has")
    return token
