"""Which pages may connect: the Origin header against a list (RFC 6454).

A browser sends cookies and opens WebSockets to anyone; the Origin header is the only thing that
says which page asked. Entries are compared as (scheme, host, port), never as text prefixes or
suffixes, so ``https://example.com.evil.com`` has nothing in common with ``https://example.com``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tidegate.errors import ConfigError

__all__ = ["OriginPolicy"]

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_ORIGIN = re.compile(
    rf"([a-z][a-z0-9+.-]*)://((?:\*\.)?{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::([0-9]{{1,5}}))?/?"
)


class _Origin(NamedTuple):
    scheme: str
    host: str
    port: int | None


class OriginPolicy:
    """Answers whether a page's origin may connect.

    Args:
        allowed: Entries of three kinds, compared regardless of case, default port and trailing
            slash: an origin (``https://app.example.com``, ``http://localhost:3000``), all
            origins one level below a host (``https://*.example.com``, which leaves out
            ``https://example.com`` and ``https://a.b.example.com``), and the words ``null`` (pages
            without an origin, such as local files) and ``*`` (any origin but ``null``).

    Raises:
        ConfigError: An entry is none of these.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        words = {entry.strip().lower() for entry in allowed}
        self.is_any = "*" in words
        self._null = "null" in words
        self._origins = frozenset(_entry(word) for word in words - {"*", "null"})

    def allows(self, origin: str | None) -> bool:
        """Return whether a client with this Origin header may connect.

        A client without the header is no browser and may: it is free to send any origin anyway.
        """
        if origin is None:
            return True
        if origin == "null":
            return self._null
        parsed = _parse(origin.lower())
        if parsed is None or parsed.host.startswith("*"):
            return False
        return self.is_any or parsed in self._origins or _one_level_up(parsed) in self._origins


def _one_level_up(origin: _Origin) -> _Origin:
    _, _, parent = origin.host.partition(".")
    return origin._replace(host=f"*.{parent}")


def _parse(text: str) -> _Origin | None:
    match = _ORIGIN.fullmatch(text)
    if match is None:
        return None
    scheme, host, port = match.groups()
    number = int(port) if port else _DEFAULT_PORTS.get(scheme)
    if number is not None and number > 65_535:
        return None
    return _Origin(scheme, host, number)


def _entry(text: str) -> _Origin:
    origin = _parse(text)
    if origin is None:
        raise _refused(text, *_diagnose(text))
    if (
        origin.host.startswith("*.")
        and origin.host.count(".") == 1
        and origin.host != "*.localhost"
    ):
        raise _refused(text, "allows a whole top-level domain", "Name a domain of yours.")
    return origin


def _diagnose(text: str) -> tuple[str, str]:
    """Return the problem and the remedy for an entry that is no origin."""
    if not text:
        return "is empty", "Remove it, or write an origin such as https://app.example.com."
    scheme, separator, rest = text.partition("://")
    if not separator:
        return "has no scheme", f"Write https://{text}, or http:// where there is no TLS."
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not text.isascii():
        return "holds non-ASCII characters", "Write the host in Punycode (xn--...), as browsers do."
    if "@" in authority:
        return "holds user information", "An origin is only scheme://host[:port]."
    if "*" in text:
        remedy = "A wildcard stands for the first label only, such as https://*.example.com."
        return "has its wildcard in the wrong place", remedy
    if authority != rest.rstrip("/") or rest.endswith("//"):
        return "has a path, query or fragment", f"Write {scheme}://{authority} only."
    return "is not an origin", "Write scheme://host[:port], such as https://app.example.com."


def _refused(text: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError("origins", f"the entry {text!r} {problem}", remedy=remedy)
