"""Clients that put a token into the address they connect to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.facts.tokens import is_token_name
from tidegate.review.fix import Fix, replaced, suggested
from tidegate.review.model import ClientSocket, Model
from tidegate.review.source import Call, Node, SourceFile

__all__ = ["local_value", "sent_in_address"]

Sent = tuple[Node, str, Fix | None]

_IN_URL = re.compile(
    r"[?&](?:access_?|auth_?|id_?|jwt_?|bearer_?)?(?:token|jwt|authorization)="
    r"\s*(?:\$?\{|['\"`]\s*(?:\+|\.|$)|%s)",
    re.IGNORECASE,
)
_SOCKET_URL = re.compile(
    r"^[a-z]?['\"`]?(?:wss?://|\$\{[\w.]*(?:ws|WS|[sS]ocket)\w*\})|/ws(?:s|ocket)?\b", re.IGNORECASE
)
_OPENERS = frozenset(
    {
        *("WebSocket", "io", "connect", "ReconnectingWebSocket", "create_connection"),
        *("useWebSocket", "WebSocketApp", "webSocket"),
    }
)
_URL = "The client puts the token into the address."


def sent_in_address(model: Model) -> Iterator[Sent]:
    """Yield where clients send a token in the address, what to say, and the code corrected."""
    for client in model.clients:
        yield from _in_query(model, client)
    for file in model.files:
        if "oken" in file.text or "jwt" in file.text:
            yield from _in_url(model, file)


def _in_query(model: Model, client: ClientSocket) -> Iterator[Sent]:
    options = client.options or {}
    given = options.get("query")
    query = model.project.value(given)
    if query is None or given is None:
        return
    if query.kind == "object":
        for key, value in query.pairs().items():
            if is_token_name(key):
                yield value, f"The client sends `{key}` in the address.", _as_auth(options, query)
    elif query.kind == "template_string" and _IN_URL.search(f"?{query.text.strip('`')}"):
        yield query, _URL, None


def _as_auth(options: dict[str, Node], query: Node) -> Fix | None:
    """Return the options with the token in ``auth``, read anew at each connection."""
    pair = query.parent
    if "auth" in options or len(query.children) != 1 or pair is None or pair.kind != "pair":
        return None
    return suggested(replaced(pair, f"auth: (send) => send({query.text})"))


def _in_url(model: Model, file: SourceFile) -> Iterator[Sent]:
    seen: set[Node] = set()
    for call in file.calls:
        if call.name in ("set", "append") and _fills_url(call):
            yield call.node, _URL, None
        if call.name == "useWebSocket" and len(call.args) > 1:
            params = (
                call.args[1].pairs().get("queryParams") if call.args[1].kind == "object" else None
            )
            for key, value in params.pairs().items() if params and params.kind == "object" else ():
                if is_token_name(key):
                    yield value, f"The client sends `{key}` in the address.", None
        if call.name not in _OPENERS or not call.args:
            continue
        if call.name == "connect" and not re.search(
            r"websocket|socketio|sio\b|\bio\b|socket", call.path, re.I
        ):
            continue
        address = _address(model, call)
        if address is not None and _IN_URL.search(address.text):
            seen.add(address)
            yield call.node, _URL, None
    for node in file.root.find("template_string", "string"):
        if not _IN_URL.search(node.text) or not _SOCKET_URL.search(node.text):
            continue
        if re.search(r"[\s<]", re.sub(r"\{[^{}]*\}", "", node.text)):
            continue  # a page, a text about addresses
        if not any(node == each or node in each.find(node.kind) for each in seen):
            yield node, _URL, None


def _in_params(options: Node) -> Iterator[Sent]:
    """Yield the token in ``queryParams`` of react-use-websocket, which go into the address."""
    params = options.pairs().get("queryParams") if options.kind == "object" else None
    for key, value in params.pairs().items() if params and params.kind == "object" else ():
        if is_token_name(key):
            yield value, f"The client sends `{key}` in the address.", None


def _address(model: Model, call: Call) -> Node | None:
    first = call.args[0]
    if first.kind == "identifier":
        first = local_value(first) or first
    if first.kind in ("call_expression", "call"):
        target = model.project.target(Call(first))
        return target.body if target is not None else first
    return first


def _fills_url(call: Call) -> bool:
    """Tell ``url.searchParams.set('token', …)`` of an address that a WebSocket is opened with."""
    if not call.args or not is_token_name(call.args[0].string or ""):
        return False
    function = call.node.function
    around = function.text if function is not None else call.file.text
    if not re.search(r"[pP]arams\.(?:set|append)$", call.path):
        return False
    holder = call.path.split(".")[0]
    return bool(
        re.search(
            rf"(?:new (?:Reconnecting)?WebSocket|\bio)\([^;]*?\b{re.escape(holder)}\b", around
        )
    )


def local_value(name: Node) -> Node | None:
    """Return what a local name was set to, in the functions around."""
    for around in name.ancestors():
        if around.function is not None and not around.kind.endswith(
            ("function", "definition", "declaration")
        ):
            continue
        for each in around.find("variable_declarator", "assignment"):
            left = each.field("name") or each.field("left")
            if left is not None and left.text == name.text:
                return each.field("value") or each.field("right")
    return None
