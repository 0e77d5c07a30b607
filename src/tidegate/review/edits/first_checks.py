"""A first check of a client's token, for gateways that have none, as corrections.

The name of the function that verifies a token is a decision: the code says so in a comment.
"""

from __future__ import annotations

from tidegate.review.edits.insertions import named_import
from tidegate.review.edits.origins import own_origin
from tidegate.review.facts.transport.cookies import (
    looks_at_origin,
    origin_middleware,
    python_reach,
)
from tidegate.review.fix import (
    Edit,
    Fix,
    inserted_before,
    line_after,
    line_before,
    replaced,
    suggested,
)
from tidegate.review.model import Function, Gateway, Handler, Model, SocketServer
from tidegate.review.source import Node

__all__ = ["first_check", "middleware_for"]

_NOTE = "verifyToken is yours to write: it gives null for what is no valid token."
_PYTHON_NOTE = "verify_token is yours to write: it gives None for what is no valid token."
_MIDDLEWARE = """\
// {note}
{server}.use((socket, next) => {{
  const identity = verifyToken(socket.handshake.auth.token);
  if (!identity) return next(new Error('Unauthorized'));
  socket.data.identity = identity;
  next();
}});"""


def first_check(model: Model, gateway: Gateway) -> Fix | None:
    """Return a check at the place where the gateway's framework wants it."""
    connect = next(iter(gateway.of_kind("connect")), None)
    if gateway.framework == "socket.io" and gateway.call is not None:
        server = gateway.call.receiver
        name = server.text if server is not None else "io"
        return suggested(line_before(gateway.call.node, _middleware(name)))
    if gateway.framework == "nest" and gateway.owner is not None:
        return _in_class(gateway)
    if connect is None:
        return None
    code = _code(model, gateway, connect)
    return None if code is None else _at_begin(connect.function, code)


def middleware_for(server: SocketServer) -> Fix | None:
    """Return a middleware after the statement that makes a server."""
    if not server.name:
        return None
    return suggested(line_after(server.call.node, _middleware(server.name)))


def _middleware(server: str) -> str:
    return _MIDDLEWARE.format(note=_NOTE, server=server)


def _in_class(gateway: Gateway) -> Fix | None:
    """Return an ``afterInit`` that puts a middleware on the gateway's namespace."""
    owner = gateway.owner
    body = owner.node.field("body") if owner is not None else None
    if owner is None or body is None:
        return None
    for handler in gateway.of_kind("init"):
        if handler.function.name == "afterInit":
            return _in_hook(handler.function)
    members = [each for each in body.children if each.kind == "method_definition"]
    first = next((each for each in members if _name(each) != "constructor"), None)
    if first is None:
        return None
    place = _with_decorators(first)
    text = gateway.file.text
    indent = text[text.rfind("\n", 0, place.start) + 1 : place.start]
    if indent.strip():
        return None
    inner = _middleware("server").replace("\n", "\n  ")
    code = f"afterInit(server: Server) {{\n  {inner}\n}}\n\n".replace("\n", f"\n{indent}")
    method = inserted_before(place, code.replace(f"\n{indent}\n", "\n\n"))
    return suggested(method, *named_import(gateway.file, "Server", "socket.io"))


def _in_hook(function: Function) -> Fix | None:
    """Return a middleware as the first thing that ``afterInit`` does."""
    given, listed = function.parameters, function.node.field("parameters")
    if listed is None or not function.body.children:
        return None
    name = given[0].name if given else "server"
    lines = [f"{line}" for line in _middleware(name).split("\n")]
    fix = _at_begin(function, lines)
    if fix is None or given:
        return fix
    return suggested(replaced(listed, "(server: Server)"), *fix.edits)


def _with_decorators(member: Node) -> Node:
    """Return the first decorator of a member, or the member."""
    around = member.parent
    siblings = around.children if around is not None else []
    place = member
    for each in reversed([sibling for sibling in siblings if sibling.start < member.start]):
        if each.kind != "decorator":
            break
        place = each
    return place


def _name(member: Node) -> str:
    name = member.field("name")
    return name.text if name is not None else ""


def _code(model: Model, gateway: Gateway, connect: Handler) -> list[str] | None:
    """Return the statements that refuse a stranger, in a gateway's language."""
    waits = "await " if connect.function.is_async else ""
    names = [parameter.name for parameter in connect.function.parameters]
    note = f"# {_PYTHON_NOTE}"
    if gateway.framework == "channels":
        return [
            'if not self.scope["user"].is_authenticated:',
            f"    {waits}self.close()",
            "    return",
        ]
    if gateway.framework == "python-socketio":
        auth = names[2] if len(names) > 2 else ""
        if not auth:
            return None
        return [
            note,
            f'if verify_token(({auth} or {{}}).get("token")) is None:',
            "    return False",
        ]
    if gateway.framework == "flask-socketio":
        if not names:
            return None
        return [
            note,
            f'if verify_token(({names[0]} or {{}}).get("token")) is None:',
            "    return False",
        ]
    if gateway.framework == "websocket" and gateway.file.is_python and connect.socket:
        socket = connect.socket
        return [
            *_origin(model, gateway, f"    {waits}{socket}.close(code=1008)"),
            note,
            f'if verify_token({socket}.cookies.get("session")) is None:',
            f"    {waits}{socket}.close(code=1008)",
            "    return",
        ]
    return None


def _origin(model: Model, gateway: Gateway, close: str) -> list[str]:
    """Return the check that a cookie needs: browsers send it for any page that connects."""
    if looks_at_origin(python_reach(model, gateway)) or origin_middleware(model, gateway.app):
        return []
    return [f"{own_origin(gateway)}  # the origins of your own pages", close, "    return"]


def _at_begin(function: Function, lines: list[str]) -> Fix | None:
    """Return lines before the first statement of a function, after its docstring."""
    statements = function.body.children
    if statements and statements[0].kind == "expression_statement" and statements[0].children:
        is_text = statements[0].children[0].kind == "string"
        statements = statements[1:] if is_text else statements
    if not statements:
        return None
    first = statements[0]
    text = first.file.text
    indent = text[text.rfind("\n", 0, first.start) + 1 : first.start]
    if indent.strip():
        return None
    code = "".join(f"{line}\n{indent}" for line in lines)
    return suggested(Edit(first.file.name, first.start, first.start, code))
