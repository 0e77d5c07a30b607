"""Where a broker's stream port is, read from a URL."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

__all__ = ["StreamAddress"]


class StreamAddress(NamedTuple):
    """Where a broker's stream port is, and who knocks."""

    host: str
    port: int
    user: str
    password: str
    virtual_host: str
    has_tls: bool = False

    @classmethod
    def from_url(cls, url: str) -> StreamAddress:
        """Read a ``rabbitmq-stream://`` URL, or an ``amqp://`` one with the port left out."""
        parts = urlsplit(url)
        has_tls = parts.scheme in ("rabbitmq-stream+tls", "amqps")
        is_stream = parts.scheme.startswith("rabbitmq-stream")
        return cls(
            host=parts.hostname or "localhost",
            port=(parts.port if is_stream else None) or (5551 if has_tls else 5552),
            user=unquote(parts.username or "guest"),
            password=unquote(parts.password or "guest"),
            virtual_host=unquote(parts.path[1:]) or "/",
            has_tls=has_tls,
        )

    def __repr__(self) -> str:
        return f"{self.host}:{self.port}"  # it ends up in logs; the password must not
