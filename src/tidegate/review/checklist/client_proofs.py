"""Where the code of clients shows that an item holds."""

from __future__ import annotations

import re

from tidegate.review.checklist.scope import Scope
from tidegate.review.facts.client.listeners import event_handlers
from tidegate.review.facts.client.sockets import judged
from tidegate.review.facts.client.stores import reducers_called
from tidegate.review.source import Node

__all__ = ["gives_fresh_token", "hears_of_refusal", "is_closed", "keeps_events", "never_gives_up"]

_SOCKET = re.compile(
    r"(?:sock(?:et)?|client|conn(?:ection)?|ws|io)(?:Ref)?(?:\.current)?[!?]?$", re.I
)


def gives_fresh_token(scope: Scope) -> Node | None:
    """A client's ``auth`` that is a function."""
    for client in scope.clients:
        auth = scope.model.project.value((client.options or {}).get("auth"))
        if auth is not None and auth.kind in (
            *("arrow_function", "function_expression", "function_declaration"),
            "method_definition",
        ):
            return auth
    return None


def hears_of_refusal(scope: Scope) -> Node | None:
    """A client's listener for ``connect_error``."""
    files = {client.call.file.name: client.call.file for client in scope.clients}
    for file in files.values():
        for call in file.calls:
            if call.name == "on" and call.args and call.args[0].string == "connect_error":
                return call.node
    return None


def is_closed(scope: Scope) -> Node | None:
    """The place that closes a client's socket."""
    names = {client.name for client in scope.clients}
    files = {client.call.file.name: client.call.file for client in scope.clients}
    for file in files.values():
        for call in file.calls:
            receiver = call.receiver
            if call.name not in ("disconnect", "close") or receiver is None:
                continue
            if receiver.text in names or _SOCKET.search(receiver.text):
                return call.node
    return None


def never_gives_up(scope: Scope) -> Node | None:
    """A client whose options are known: it reconnects for ever unless they say otherwise."""
    for client in judged(scope.model):
        if client in scope.clients and client.options is not None and "..." not in client.options:
            return client.call.node
    return None


def keeps_events(scope: Scope) -> Node | None:
    """A listener that puts what it hears into a state or a store."""
    files = {client.call.file.name: client.call.file for client in scope.clients}
    for file in files.values():
        for handler in event_handlers(scope.model, file):
            for call in handler.calls():
                if call.receiver is None and re.match(r"set[A-Z]", call.name):
                    return call.node
            for reducer in reducers_called(scope.model, handler):
                return reducer
    return None
