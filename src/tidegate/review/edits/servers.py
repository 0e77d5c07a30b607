"""Corrections that set an option of a Socket.IO server."""

from __future__ import annotations

from tidegate.review.facts.transport.servers import Server
from tidegate.review.fix import Fix, inserted_after, replaced, suggested, with_entry
from tidegate.review.model.options import bare
from tidegate.review.source import Call, Node

__all__ = ["with_option"]


def with_option(server: Server, key: str, text: str) -> Fix | None:
    """Return a correction that sets an option; None if there is no place for it.

    Args:
        text: The value, as code of the server's language.
    """
    if server.holder is not None:
        return suggested(with_entry(server.holder, key, text))
    options = f"{{ {key}: {text} }}"
    call = _call_of(server.node)
    if call is None:
        return suggested(inserted_after(server.node, f"({options})"))
    arguments = call.node.field("arguments")
    is_adapters = server.framework == "nest" and server.node.kind != "decorator"
    if arguments is None or len(call.args) > 1 or is_adapters:
        return None  # an adapter's call: the gateways' options go through it
    if not call.args:
        return suggested(replaced(arguments, f"({options})"))
    if server.framework == "nest" and bare(call.args[0]).kind not in ("number", "identifier"):
        return None
    return suggested(inserted_after(call.args[0], f", {options}"))


def _call_of(node: Node) -> Call | None:
    """Return the call of a server or decorator; None if a decorator has no parentheses."""
    if node.kind != "decorator":
        return Call(node)
    return Call(node.children[0]) if node.children[0].kind == "call_expression" else None
