"""What a connect handler reads of its socket and only a guard can have put there (Nest)."""

from __future__ import annotations

import re

from tidegate.review.facts.auth.names import verifies
from tidegate.review.model import Function, Gateway, Handler, Model
from tidegate.review.model.declarations import Decorator

__all__ = ["IDENTITY", "bound_guards", "is_set_by_guard", "trusted_of"]

IDENTITY = r"(?:user\w*|identity|tenant\w*|auth\w*|claims|session|account\w*|principal|currentUser)"
_ASKS = re.compile(r"handshake|headers|cookie|token|jwt|authorization|request\b|upgradeReq", re.I)
_LIMITS = re.compile(r"thrott|rate|limit", re.IGNORECASE)


def bound_guards(function: Function) -> list[Decorator]:
    """Return the guards on a method, without rate limits."""
    return [
        each
        for each in function.decorated("UseGuards")
        if not each.args or not all(_LIMITS.search(arg.text) for arg in each.args)
    ]


def trusted_of(model: Model, handler: Handler) -> str:
    """Return what a handler reads of its socket without asking for any credential itself."""
    reached = [
        each
        for each in model.project.reach(handler.function)[:8]
        if each is handler.function or _socket_of(each)
    ]
    text = "\n".join(_code(each) for each in reached)
    asked = re.sub(rf"handshake[?!]?\.{IDENTITY}\b(?![?!]?\.\w*token)", "", text)
    if _ASKS.search(asked) or any(verifies(word) for word in set(re.findall(r"\w+", text))):
        return ""
    for each in reached:
        socket = handler.socket if each is handler.function else _socket_of(each)
        name = re.escape(socket or "client")
        place = rf"\(?\b{name}(?: as [\w<>, ]+\))?[?!]?(?:\.(?:data|handshake)\b[?!]?)?"
        body = _code(each)
        read = re.search(rf"{place}(?:\.|\[['\"])({IDENTITY})\b", body, re.IGNORECASE)
        taken = re.search(rf"\{{([^{{}}]*)\}}[^=;]*=\s*{place}\s*(?:;|\n|\?\?|\|\|)", body)
        if read and not re.search(rf"[.'\"]{read[1]}['\"]?\]?\s*=(?!=)", text):
            return re.sub(r"\[['\"]", ".", read[0].lstrip("(").replace("?.", "."))
        found = re.search(rf"\b({IDENTITY})\b", taken[1], re.IGNORECASE) if taken else None
        if found:
            return found[1]
    return ""


def _socket_of(function: Function) -> str:
    """Return the name of a helper's parameter that is the socket."""
    for each in function.parameters:
        if re.search(r"Socket", each.type) or each.name in ("client", "socket"):
            return each.name
    return ""


def _code(function: Function) -> str:
    """Return a function's text without comments, types, and what it only says."""
    body, parts, position = function.body, [], function.body.start
    for node in body.find("comment", "string_fragment", "type_annotation", "type_arguments"):
        if node.start >= position and (node.kind != "string_fragment" or " " in node.text):
            parts.append(body.file.text[position : node.start])
            position = node.end
    return "".join([*parts, body.file.text[position : body.end]])


def is_set_by_guard(model: Model, gateway: Gateway) -> bool:
    """Tell whether a guard on a message of this gateway keeps the user on the socket."""
    for handler in gateway.of_kind("message"):
        for decorator in bound_guards(handler.function):
            for arg in decorator.args:
                owner = model.project.class_named(decorator.node.file, arg.text)
                body = owner.node.text if owner is not None else ""
                if re.search(rf"[.'\"]{IDENTITY}['\"]?\]?\s*=(?!=)", body):
                    return True
    return False
