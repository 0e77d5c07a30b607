"""What a client of a test is told when it is not let in."""

from __future__ import annotations

from tidegate.errors import TidegateError

__all__ = ["ConnectError"]


class ConnectError(TidegateError):
    """A client was refused; the official client gets it as ``connect_error``.

    Attributes:
        code: Of ``err.data.code``, such as ``token_expired`` or ``forbidden``; of an upgrade that
            was refused, such as ``origin_not_allowed``; ``closed`` if the connection was closed
            without an answer.
        message: The client's ``err.message``, as it is on the wire.
        retry: Whether the client may try again with the same token (``err.data.retry``).
    """

    def __init__(self, code: str, message: str, *, retry: bool = False, hint: str = "") -> None:
        super().__init__(f"{code}: {message}" + (f" ({hint})" if hint else ""))
        self.code = code
        self.message = message
        self.retry = retry
