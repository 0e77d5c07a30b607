"""Transports of servers and clients, for corrections: what one refuses the other must not try."""

from __future__ import annotations

import re

from tidegate.review.facts.transport.servers import list_of, servers
from tidegate.review.fix import Edit, Fix, inserted_after, replaced, suggested, with_entry
from tidegate.review.model import ClientSocket, Model
from tidegate.review.source import Node

__all__ = ["DEFAULT", "as_list", "both_sides", "for_client", "is_foreign", "what_differs"]

DEFAULT = ["polling", "websocket"]
_WEBSOCKET = {"websocket"}


def both_sides(model: Model, fix: Fix | None) -> Fix | None:
    """Return a fix that takes polling from one side, and from all of the other that need it.

    None if a client would be refused, and there is no place in it for its transports.
    """
    if fix is None:
        return None
    edits = [*fix.edits, *_polling_servers(model)]
    for client in model.clients:
        if is_foreign(client.url) or client.options is None:
            continue
        given = client.options.get("transports")
        tried = DEFAULT if given is None else list_of(model, given)
        is_unknown = tried is None or ("..." in client.options and given is None)
        if is_unknown or not what_differs(tried, _WEBSOCKET, is_default=given is None):
            continue
        edit = _edit(model, client, _WEBSOCKET)
        if edit is None:
            return None
        edits.append(edit)
    return Fix(tuple(dict.fromkeys(edits)))


def for_client(model: Model, client: ClientSocket, offered: set[str]) -> Fix | None:
    """Return the fix that lets a client try what the servers offer.

    If that is polling only, it is the servers that should speak WebSocket.
    """
    if "websocket" in offered:
        edit = _edit(model, client, offered)
        return suggested(edit) if edit is not None else None
    lists = _polling_servers(model)
    edit = _edit(model, client, _WEBSOCKET)
    return suggested(edit, *lists) if lists and edit is not None else None


def _polling_servers(model: Model) -> list[Edit]:
    """Return the edits of servers that are told to speak no WebSocket."""
    edits = []
    for server in servers(model):
        given = server.options.get("transports")
        listed = list_of(model, given) if given is not None else None
        if given is None or given.kind not in ("array", "list"):
            continue
        if listed and "websocket" not in listed:
            quote = '"' if '"' in given.text else "'"
            edits.append(replaced(given, as_list(_WEBSOCKET, quote)))
    return edits


def what_differs(tried: list[str] | None, offered: set[str], *, is_default: bool) -> str:
    """Return what is wrong with a list; empty if nothing is."""
    if not tried:
        return ""
    if tried[0] not in offered:
        first = f"{tried[0]}, the default" if is_default else tried[0]
        return f"This client begins with {first}, which the server refuses."
    refused = [each for each in tried if each not in offered and each in DEFAULT]
    return f"The server refuses {refused[0]}, which is in this list." if refused else ""


def _edit(model: Model, client: ClientSocket, offered: set[str]) -> Edit | None:
    text = as_list(offered, "'")
    given = (client.options or {}).get("transports")
    if given is not None:
        is_list = given.kind == "array"
        return replaced(given, text) if is_list else None
    for arg in client.call.args:
        value = model.project.value(arg)
        if value is not None and value.kind == "object":
            return with_entry(value, "transports", text)
    if len(client.call.args) == 1:
        return inserted_after(client.call.args[0], f", {{ transports: {text} }}")
    return None


def as_list(offered: set[str], quote: str) -> str:
    """Return a list of transports as code."""
    return "[" + ", ".join(f"{quote}{each}{quote}" for each in sorted(offered)) + "]"


def is_foreign(url: Node | None) -> bool:
    """Tell whether an address is surely that of another server."""
    text = url.string if url is not None else None
    return bool(text and re.match(r"(?:https?|wss?)://(?!localhost|127\.|0\.0\.0\.0|\[::1)", text))
