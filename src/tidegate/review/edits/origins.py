"""Corrections that make a server look at the origin of an upgrade."""

from __future__ import annotations

from tidegate.review.edits.imports import import_edit
from tidegate.review.edits.servers import with_option
from tidegate.review.facts.transport.origins import origin_of
from tidegate.review.facts.transport.servers import Server, servers
from tidegate.review.facts.transport.upgrades import needs_check
from tidegate.review.fix import Edit, Fix, inserted_before, replaced, suggested, with_entry
from tidegate.review.model import Gateway, Model
from tidegate.review.model.options import Options, bare
from tidegate.review.source import Node

__all__ = [
    "OWN",
    "for_endpoint",
    "for_server",
    "for_ws",
    "own_origin",
    "with_upgrades",
    "with_validator",
]

OWN = "['https://app.example.com'] /* the origins of your own pages */"


def for_server(model: Model, server: Server, listed: str = "") -> Fix | None:
    """Set ``allowRequest`` of a Socket.IO server.

    Args:
        listed: The origins, as code; without it what ``cors`` has, or an example.
    """
    if "allowRequest" in server.options:
        return None  # it decides something else already
    cors = server.options.get("cors")
    listed = listed or (OWN if cors is None else _list(model, server, cors))
    code = (
        "(request, decide) => {\n"
        "  // The upgrade to WebSocket passes `cors` by.\n"
        f"  decide(null, {listed}.includes(request.headers.origin ?? ''));\n"
        "}"
    )
    return with_option(server, "allowRequest", code)


def with_upgrades(model: Model, node: Node, fix: Fix | None, listed: str = OWN) -> Fix | None:
    """Return a fix of ``cors`` with the check that upgrades need, if cookies say who connects.

    Args:
        node: What ``cors`` says of origins.
        listed: The origins that the fix lets in, as code.
    """
    if fix is None or node.file.is_python:
        return fix
    edits = [*fix.edits]
    for server in servers(model):
        cors = server.options.get("cors")
        if cors is None or origin_of(model, cors).node != node or not needs_check(model, server):
            continue
        check = for_server(model, server, listed)
        edits += check.edits if check is not None else ()
    return Fix(tuple(dict.fromkeys(edits)))


def _list(model: Model, server: Server, cors: Node) -> str:
    node = bare(origin_of(model, cors).node)
    at = server.holder or server.node
    if node.file is not at.file or node.kind in ("arrow_function", "function_expression"):
        return OWN
    if not server.is_ordered and node.kind != "array":
        return OWN  # each of the gateways gets it, and their files know other names
    if node.kind == "array":
        return node.text
    is_simple = node.kind in ("string", "identifier", "member_expression", "binary_expression")
    return f"[{node.text}].flat()" if is_simple else OWN


def for_ws(options: Options) -> Fix | None:
    """Set ``verifyClient`` of a server of ``ws``."""
    if options.holder is None or "verifyClient" in options.entries:
        return None
    code = f"({{ origin }}) => {OWN}.includes(origin)"
    return suggested(with_entry(options.holder, "verifyClient", code))


def for_endpoint(gateway: Gateway) -> Fix | None:
    """Refuse other origins at the start of an endpoint of FastAPI or Starlette."""
    handler = next(iter(gateway.of_kind("connect")), None)
    if handler is None or not handler.socket or not handler.function.body.children:
        return None
    first = handler.function.body.children[0]
    if first.kind == "expression_statement" and first.children[0].kind == "string":
        if len(handler.function.body.children) < 2:
            return None
        first = handler.function.body.children[1]
    line = first.file.line(first.line)
    indent = line[: len(line) - len(line.lstrip())]
    code = (
        f"{own_origin(gateway)}  # the origins of your own pages\n"
        f"{indent}    await {handler.socket}.close(code=1008)\n"
        f"{indent}    return\n"
        f"{indent}"
    )
    return suggested(inserted_before(first, code))


def own_origin(gateway: Gateway) -> str:
    """Return the condition that turns away the pages of others (FastAPI, Starlette)."""
    socket = next((each.socket for each in gateway.of_kind("connect")), "websocket")
    return f'if {socket}.headers.get("origin") not in ("https://app.example.com",):'


def with_validator(node: Node) -> Fix:
    """Put ``AllowedHostsOriginValidator`` around what Channels routes WebSockets to."""
    line = "from channels.security.websocket import AllowedHostsOriginValidator"
    edits: list[Edit] = [replaced(node, f"AllowedHostsOriginValidator({node.text})")]
    return suggested(*edits, *import_edit(node.file, line))
