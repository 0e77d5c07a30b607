"""Corrections that set an option of a Socket.IO server."""

from __future__ import annotations

import textwrap

from tidegate.review.facts.transport.servers import Server
from tidegate.review.fix import Edit, Fix, inserted_after, replaced, suggested, with_entry
from tidegate.review.model.options import bare
from tidegate.review.source import Call, Node

__all__ = ["with_option"]


def with_option(server: Server, key: str, text: str) -> Fix | None:
    """Return a correction that sets an option; None if there is no place for it.

    Gateways of Nest share a server, and the options of the one that Nest meets first count:
    where that isn't known, each of them gets it.

    Args:
        text: The value, as code of the server's language; more lines than one are indented.
    """
    if server.is_ordered or server.node.kind != "decorator":
        edit = _set(server.framework, server.node, server.holder, key, text)
        return None if edit is None else suggested(edit)
    edits = []
    for gateway in server.gateways:
        if gateway.owner is None or gateway.owner.node.kind.startswith("abstract"):
            continue
        for decorator in gateway.owner.decorated("WebSocketGateway"):
            edit = _set(server.framework, decorator.node, gateway.holder, key, text)
            if edit is None:
                return None
            edits.append(edit)
    return suggested(*dict.fromkeys(edits)) if edits else None


def _set(framework: str, node: Node, holder: Node | None, key: str, text: str) -> Edit | None:
    """Return the edit that sets an option in a literal, or in the call that has none yet."""
    text = _indented(holder or node, text)
    if holder is not None:
        return with_entry(holder, key, text)
    options = f"{{ {key}: {text} }}"
    call = _call_of(node)
    if call is None:
        return inserted_after(node, f"({options})")
    arguments = call.node.field("arguments")
    is_adapters = framework == "nest" and node.kind != "decorator"
    if arguments is None or len(call.args) > 1 or is_adapters:
        return None  # an adapter's call: the gateways' options go through it
    if not call.args:
        return replaced(arguments, f"({options})")
    if framework == "nest" and bare(call.args[0]).kind not in ("number", "identifier"):
        return None
    return inserted_after(call.args[0], f", {options}")


def _indented(at: Node, code: str) -> str:
    """Indent all lines but the first as deep as the entries of a literal are."""
    line = at.file.line(at.line)
    depth = len(line) - len(line.lstrip())
    children = at.children if at.kind == "object" else []
    if children and children[-1].line != at.line:
        line = at.file.line(children[-1].line)
        depth = len(line) - len(line.lstrip())
    return textwrap.indent(code, " " * depth).lstrip()


def _call_of(node: Node) -> Call | None:
    """Return the call of a server or decorator; None if a decorator has no parentheses."""
    if node.kind != "decorator":
        return Call(node)
    return Call(node.children[0]) if node.children[0].kind == "call_expression" else None
