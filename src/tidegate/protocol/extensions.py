"""WebSocket extensions: which of a client's offers is agreed to. We know one, permessage-deflate.

Source: RFC 6455, section 9.1 (the header); RFC 7692, sections 5 and 7.1 (offers and parameters).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from tidegate.protocol.deflate import WINDOW_BITS
from tidegate.protocol.upgrade import BadRequest

__all__ = ["agree_on_deflate"]

_DEFLATE = "permessage-deflate"
_NO_CONTEXT = "server_no_context_takeover; client_no_context_takeover"
"""Agreed to whether it was offered or not, as sections 7.1.1.1 and 7.1.1.2 permit."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - not a password
_VALUE = rf'{_TOKEN}|"(?:[^"\\]|\\.)*"'
_PARAMETER = rf"[ \t]*;[ \t]*({_TOKEN})(?:[ \t]*=[ \t]*({_VALUE}))?"
_parameter = re.compile(_PARAMETER)
_element = re.compile(rf"[ \t]*(?:({_TOKEN})((?:{_PARAMETER})*)[ \t]*)?(?:,|\Z)")
_token = re.compile(_TOKEN)
_MAX_HEADER = 1_000
"""Browsers take 50; reading 16 KB of offers takes 20 ms."""

_window_bits = re.compile("[89]|1[0-5]")

Parameters = dict[str, str | None]


class _Malformed(Exception):
    """The header is not what RFC 6455 calls one."""


@lru_cache(maxsize=64)  # clients of one kind offer the same; reading it takes 10 us
def agree_on_deflate(header: str) -> str | BadRequest:
    """Return what the response's Sec-WebSocket-Extensions says; empty if nothing is agreed on.

    The first offer that can be honoured is taken, the others are declined. A header that breaks
    the syntax fails the handshake, whatever else is in it; one over 1,000 characters is not read.

    Args:
        header: The request's Sec-WebSocket-Extensions, repeated ones joined by a comma.
    """
    if len(header) > _MAX_HEADER:
        return ""
    try:
        offers = list(_offers(header))
    except _Malformed:
        return BadRequest(400, "bad_upgrade", "Sec-WebSocket-Extensions is malformed.")
    answers = (_answer(parameters) for name, parameters in offers if name == _DEFLATE)
    return next((answer for answer in answers if answer is not None), "")


def _offers(header: str) -> Iterator[tuple[str, Parameters | None]]:
    """Yield the extensions in the client's order; no parameters if one of them is repeated."""
    position = 0
    while position < len(header):
        element = _element.match(header, position)
        if element is None:
            raise _Malformed
        position = element.end()
        if element[1] is not None:
            yield element[1], _parameters(element[2])


def _parameters(text: str) -> Parameters | None:
    pairs = [(name, _unquoted(value)) for name, value in _parameter.findall(text)]
    parameters = dict(pairs)
    return parameters if len(parameters) == len(pairs) else None


def _unquoted(value: str) -> str | None:
    if value.startswith('"'):
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
        if not _token.fullmatch(value):
            raise _Malformed
    return value or None


def _answer(parameters: Parameters | None) -> str | None:
    """Return what accepts one offer of permessage-deflate, or None to decline it."""
    if parameters is None:
        return None
    answer = f"{_DEFLATE}; {_NO_CONTEXT}"
    for name, value in parameters.items():
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            if value is not None:
                return None
        elif name == "client_max_window_bits":  # left out of the answer: we take any window
            if value is not None and not _window_bits.fullmatch(value):
                return None
        elif name == "server_max_window_bits":
            if value is None or not _window_bits.fullmatch(value) or int(value) < WINDOW_BITS:
                return None
            answer += f"; server_max_window_bits={WINDOW_BITS}"
        else:
            return None
    return answer
