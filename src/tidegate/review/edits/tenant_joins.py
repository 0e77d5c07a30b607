"""The edit that lets sockets join the room of their tenant: a room nobody joins is no address."""

from __future__ import annotations

import re

from tidegate.review.edits.insertions import named_import
from tidegate.review.edits.tenants import kept_at
from tidegate.review.facts.tenant.all_joins import all_joins
from tidegate.review.facts.tenant.room_names import ANYTHING, could_meet
from tidegate.review.fix import Edit, inserted_before, line_after, line_before
from tidegate.review.model import Function, Gateway, Model
from tidegate.review.source import Node

__all__ = ["first_method", "joining"]

_SERVERS = ("nest", "socket.io", "python-socketio", "flask-socketio", "channels")


def joining(model: Model, node: Node, head: str) -> list[Edit] | None:
    """Return the edits after which sockets join a tenant's room; empty if they do.

    None if there is no place for it, or more than one.

    Args:
        node: What is sent to the room.
        head: How the room's name begins, as ``tenant:``.
    """
    gateways = [each for each in model.gateways if each.framework in _SERVERS]
    if not gateways or not all(each.is_complete for each in gateways):
        return []  # what is joined is elsewhere
    joined, name = all_joins(model), f"{head}{ANYTHING}"
    if joined.unknown is not None or any(could_meet(name, known) for known in joined.known):
        return []
    if joined.is_mentioned_elsewhere(model, [name]):
        return []
    gateway = _gateway_of(model, node, gateways)
    return _edits(model, gateway, head) if gateway is not None else None


def _gateway_of(model: Model, node: Node, gateways: list[Gateway]) -> Gateway | None:
    """Return the gateway that a node is in, or else the only one."""
    owner = model.project.owner(node)
    own = [each for each in gateways if each.owner is not None and each.owner is owner]
    if not own:
        own = [each for each in gateways if each.file is node.file and each.owner is None]
    found = own or gateways
    return found[0] if len(found) == 1 else None


def _edits(model: Model, gateway: Gateway, head: str) -> list[Edit] | None:
    connect = next(iter(gateway.of_kind("connect")), None)
    if gateway.framework in ("nest", "socket.io"):
        kept = kept_at(model)
        if connect is not None and connect.socket:
            join = f"{connect.socket}.join(`{head}${{{connect.socket}.{kept}}}`);"
            return _at_the_end(connect.function, join)
        if connect is None and gateway.framework == "nest":
            return _connecting(gateway, f"client.join(`{head}${{client.{kept}}}`);")
        return None
    if gateway.framework == "python-socketio" and connect is not None:
        return _of_session(gateway, connect.function, head)
    return None


def _at_the_end(function: Function, lines: str) -> list[Edit] | None:
    """Put lines after all else that a function does."""
    children = function.body.children
    if function.body.kind not in ("statement_block", "block") or not children:
        return None
    last = children[-1]
    is_over = last.kind in ("return_statement", "throw_statement", "raise_statement")
    return [(line_before if is_over else line_after)(last, lines)]


def _of_session(gateway: Gateway, function: Function, head: str) -> list[Edit] | None:
    if not function.parameters:
        return None
    sid, wait = function.parameters[0].name, "await " if function.is_async else ""
    server = "self" if gateway.owner is not None else next(iter(sorted(gateway.servers)), "sio")
    tenant = "session['tenant_id']"
    lines = f'{wait}{server}.enter_room({sid}, f"{head}{{{tenant}}}")'
    if not re.search(r"\bsession = (?:await )?[\w.]+\.get_session\(", function.body.text):
        lines = f"session = {wait}{server}.get_session({sid})\n{lines}"
    return _at_the_end(function, lines)


def _connecting(gateway: Gateway, join: str) -> list[Edit] | None:
    """Return a ``handleConnection`` for a Nest gateway that has none."""
    first = first_method(gateway)
    if first is None:
        return None
    text = gateway.file.text
    indent = text[text.rfind("\n", 0, first.start) + 1 : first.start]
    if indent.strip():
        return None
    is_typed = gateway.file.language != "javascript"
    code = (
        f"handleConnection(client{': Socket' if is_typed else ''}) {{\n{indent}{indent}{join}\n"
        f"{indent}}}\n\n{indent}"
    )
    imports = named_import(gateway.file, "Socket", "socket.io") if is_typed else []
    return [inserted_before(first, code), *imports]


def first_method(gateway: Gateway) -> Node | None:
    """Return the first method of a gateway's class but its constructor, with its decorators."""
    body = gateway.owner.node.field("body") if gateway.owner is not None else None
    children = body.children if body is not None else []
    for position, member in enumerate(children):
        name = member.field("name")
        if member.kind != "method_definition" or (name is not None and name.text == "constructor"):
            continue
        while position and children[position - 1].kind == "decorator":
            position -= 1
        return children[position]
    return None
