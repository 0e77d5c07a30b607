"""Tokens that are cut out of an address as text, without a parser."""

from __future__ import annotations

import re

from tidegate.review.source import Call

__all__ = ["is_cut_from_address"]

_KEY = re.compile(
    r"(?:[br]*['\"`/]|.*[?&^|(\]])\\??(?:token|jwt|access_?token|auth_?token)=",
    re.DOTALL | re.IGNORECASE,
)
_CUTS = frozenset(
    {
        *("startsWith", "startswith", "removeprefix", "split", "partition", "find", "index"),
        *("indexOf", "includes", "match", "search", "exec", "replace", "findall"),
    }
)


def is_cut_from_address(call: Call) -> bool:
    """Tell ``part.startswith(b"token=")`` and ``request.url.split('token=')``."""
    if call.name not in _CUTS:
        return False
    texts = [each.text for each in call.args[:1]]
    if call.name == "exec" and call.receiver is not None:
        texts.append(call.receiver.text)
    return any(_KEY.match(text) for text in texts) and _is_of_address(call)


def _is_of_address(call: Call) -> bool:
    function = call.node.function
    around = function.text if function is not None else call.node.file.text
    if call.file.is_python:
        return re.search(r"query_string|QUERY_STRING|\.url\b", around) is not None
    return re.search(r"\breq(?:uest)?\??\.url\b|handshake\??\.url\b", around) is not None
