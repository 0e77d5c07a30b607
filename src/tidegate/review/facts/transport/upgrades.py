"""Upgrades to WebSocket, which pass ``cors`` by, on servers that know their clients by cookies."""

from __future__ import annotations

import re

from tidegate.review.facts.transport.cookies import (
    cookie_read,
    functions_of_app,
    looks_at_origin,
    session_use,
)
from tidegate.review.facts.transport.servers import Server, list_of
from tidegate.review.model import Model
from tidegate.review.model.node_sockets import function_of
from tidegate.review.source import Node

__all__ = [
    "cookie_of_clients",
    "is_same_site",
    "is_websocket_only",
    "may_look",
    "needs_check",
    "passes_by",
]


def passes_by(model: Model, server: Server) -> bool:
    """Tell whether a server of Socket.IO admits upgrades without a look at the origin."""
    listed = _transports(model, server)
    is_polling_only = listed is not None and "websocket" not in listed
    if is_polling_only or may_look(model, server.options.get("allowRequest")):
        return False
    return not looks_at_origin(functions_of_app(model, server.app))


def may_look(model: Model, decides: Node | None) -> bool:
    """Tell whether ``allowRequest`` or ``verifyClient`` looks at the origin, or can't be seen."""
    if decides is None:
        return False
    function = function_of(model.project, decides)
    if function is None or looks_at_origin(model.project.reach(function)):
        return True
    asked = function.parameters[0].name if function.parameters else ""
    return any(
        any(arg.text == asked for arg in call.args) and model.project.target(call, function) is None
        for call in function.calls
    )


def is_websocket_only(model: Model, server: Server) -> bool:
    """Tell whether a server has no polling, which is all that ``cors`` is for."""
    return _transports(model, server) == ["websocket"]


def _transports(model: Model, server: Server) -> list[str] | None:
    given = server.options.get("transports")
    return None if given is None else list_of(model, given)


def cookie_of_clients(model: Model, app: str) -> Node | None:
    """Return where a cookie or a session says who connects."""
    return cookie_read(functions_of_app(model, app)) or session_use(model, app)


def needs_check(model: Model, server: Server) -> bool:
    """Tell whether other pages can use a visitor's cookies, whatever ``cors`` says."""
    return (
        server.is_complete
        and passes_by(model, server)
        and cookie_of_clients(model, server.app) is not None
        and not is_same_site(model, server.app)
    )


def is_same_site(model: Model, app: str) -> bool:
    """Tell whether all cookies that an application sets are kept from other sites."""
    texts = [
        file.text
        for file in model.project.files.values()
        if "ameSite" in file.text and model.app_of(file) == app
    ]
    modes = {
        mode.lower()
        for text in texts
        for mode in re.findall(r"sameSite['\"]?\s*:\s*['\"](\w+)['\"]", text)
    }
    return bool(modes) and modes <= {"lax", "strict"}
