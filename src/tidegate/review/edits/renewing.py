"""Tokens that each connection of a client asks for anew, as corrections."""

from __future__ import annotations

import re

from tidegate.review.facts.client.stale import assigned
from tidegate.review.facts.client.tokens import STORED, SentToken, origin
from tidegate.review.fix import Fix, replaced, suggested
from tidegate.review.source import Call, Node

__all__ = ["renewing"]


def renewing(token: SentToken) -> Fix | None:
    """Send what is stored now, or what a function that is to be written returns."""
    auth = token.auth
    if auth is not None and auth.file.is_python:
        is_plain = assigned(token.value) == token.value and token.value.kind != "await"
        return suggested(replaced(auth, f"lambda: {auth.text}")) if is_plain else None
    if auth is None or "..." in auth.pairs():
        return None
    parts = []
    for key, value in auth.pairs().items():
        text = value.text
        if value == token.value:
            text = _fresh(value)
            if not text:
                return None
        if value.kind == "method_definition":
            return None
        parts.append(key if text == key else f"{key}: {text}")
    return suggested(replaced(auth, f"(send) => send({{ {', '.join(parts)} }})"))


def _fresh(value: Node) -> str:
    """Return an expression for the token of now."""
    source = origin(value)
    if STORED.search(value.text) and "await" not in value.text:
        return value.text
    is_read = source.kind == "call_expression" and not re.match(r"use[A-Z]", Call(source).name)
    if source.kind in ("member_expression", "binary_expression") or is_read:
        if value.kind == "template_string" and source != value:
            name = value.find("identifier")[0].text
            return re.sub(rf"\$\{{\s*{name}\s*\}}", lambda _: f"${{{source.text}}}", value.text)
        if not re.search(r"\bawait\b|\buse[A-Z]", source.text):
            return source.text
    return "getToken() /* to be written: returns the token of now */"
