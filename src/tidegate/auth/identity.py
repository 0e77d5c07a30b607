"""Who a verified token speaks for."""

from __future__ import annotations

from typing import Any

import msgspec

from tidegate.ids import TenantId, UserId

__all__ = ["Identity"]


class Identity(msgspec.Struct, frozen=True, gc=False):
    """The verified answer to "who is this?", kept on the socket for its whole life.

    Attributes:
        tenant: The tenant; never taken from anything but the verified token.
        user: The user inside the tenant.
        expires_at: Unix seconds when the token expires; ``None`` for a token without an end
            (only a custom authenticator can say so).
        issued_at: Unix seconds when the token was issued, if it says so.
        token_id: The token's own id (``jti``), if it has one; revocation by token needs it.
        raw_claims: The verified claims as JSON. Kept as bytes: a decoded dictionary per socket
            would cost more memory than the rest of the socket.
    """

    tenant: TenantId
    user: UserId
    expires_at: float | None = None
    issued_at: float | None = None
    token_id: str | None = None
    raw_claims: bytes = b"{}"

    @property
    def claims(self) -> dict[str, Any]:
        """Return the verified claims, decoded anew at each access."""
        claims: dict[str, Any] = msgspec.json.decode(self.raw_claims)
        return claims
