"""The Socket.IO servers of a project, with the options that count in the end.

Nest makes one server for all gateways with the same port and path; the options of the first are
used, and those that an adapter's ``createIOServer`` sets come on top.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tidegate.review.facts.transport.module_order import in_order
from tidegate.review.model import Adapter, Class, Function, Gateway, Model
from tidegate.review.model.options import Options, bare, options_in
from tidegate.review.source import Call, Node, SourceFile

__all__ = [
    "AdapterOptions",
    "Server",
    "adapter_options",
    "list_of",
    "native_apps",
    "options_of",
    "servers",
]

_CREATES = ("createIOServer", "create")


@dataclass(eq=False)
class AdapterOptions:
    """What an adapter of Nest gives its server.

    Attributes:
        options: Of the adapter itself.
        inherits: The gateway's options are used too.
        call: What makes the server; None if the adapter leaves that to Nest.
    """

    options: Options
    inherits: bool = True
    call: Call | None = None
    function: Function | None = None


@dataclass(eq=False)
class Server:
    """One server.

    Attributes:
        node: What to point at: the gateway's decorator, the call that makes it, the adapter's.
        options: By name, as they count in the end.
        is_complete: There are no others.
        holder: The literal, or the arguments, that an option can be added to.
        gateways: Of Nest, those that share it; the first is the one whose options count.
        is_ordered: Which of them is the first is known.
    """

    framework: str
    node: Node
    app: str
    options: dict[str, Node]
    is_complete: bool
    holder: Node | None = None
    gateways: list[Gateway] = field(default_factory=list)
    is_ordered: bool = True


def servers(model: Model) -> list[Server]:
    """Return the Socket.IO servers of a project."""
    if "servers" not in model.found:
        model.found["servers"] = [*_made(model), *_of_gateways(model)]
    found: list[Server] = model.found["servers"]
    return found


def _made(model: Model) -> Iterator[Server]:
    """Yield what code makes: ``new Server(http, …)``, ``AsyncServer(…)``."""
    created = {
        made.call.node
        for adapter in model.adapters
        if (made := adapter_options(model, adapter)) and made.call
    }
    for server in model.servers:
        if server.call.node in created:
            continue  # an adapter's; it counts with its gateways
        options = dict(server.options or {})
        holder = server.holder
        if server.call.file.is_python:
            holder = server.call.node.field("arguments")
            for call in _init_apps(model, server.name, server.app):
                options.update(call.keywords)
        else:
            for call in _attached(server.call.file, server.name):
                given = options_in(model.project, call.args[1])
                options = {**given.as_pairs(), **options}
                holder = holder or given.holder
        unknown = options.pop("...", None)
        complete = server.options is not None and unknown is None
        if unknown is not None and server.call.file.is_python and unknown.children:
            given = options_in(model.project, unknown.children[0])
            options, complete = {**given.entries, **options}, given.is_complete
        yield Server(server.framework, server.call.node, server.app, options, complete, holder)


def _init_apps(model: Model, name: str, app: str) -> Iterator[Call]:
    """Yield ``socketio.init_app(app, …)`` of Flask-SocketIO."""
    for file in model.files:
        if not file.is_python or "init_app" not in file.text:
            continue
        for call in file.calls:
            receiver = call.receiver.text if call.receiver else ""
            if call.name == "init_app" and receiver == name and model.app_of(file) == app:
                yield call


def _attached(file: SourceFile, name: str) -> Iterator[Call]:
    """Yield ``io.attach(server, options)``, whose options come after those of the server."""
    for call in file.calls if name else ():
        receiver = call.receiver.text if call.receiver is not None else ""
        if call.name in ("attach", "listen") and receiver == name and len(call.args) > 1:
            yield call


def _of_gateways(model: Model) -> Iterator[Server]:
    """Yield the servers that Nest makes for gateways."""
    native = native_apps(model)
    groups: dict[tuple[str, str, str], list[Gateway]] = {}
    for gateway in model.gateways:
        if gateway.framework == "nest" and gateway.app not in native and not _is_native(gateway):
            path = gateway.options.get("path")
            key = (gateway.app, gateway.port, path.text if path is not None else "")
            groups.setdefault(key, []).append(gateway)
    for (app, _, _), group in groups.items():
        ordered, is_ordered = in_order(model, [g for g in group if not _is_abstract(g)])
        group = ordered + [each for each in group if _is_abstract(each)]
        adapters = [each for each in model.adapters if each.app == app]
        made = [adapter_options(model, each) for each in adapters]
        first = group[0]
        options = dict(first.options)
        complete = "..." not in options
        options.pop("...", None)
        node: Node = _decorator(first)
        holder = first.holder
        if len(made) > 1 or (made and made[0] is None):
            complete = False
        elif made and made[0] is not None:
            own = made[0].options
            if not made[0].inherits:
                options, complete = {}, True
            defaults = {k: v for k, v in own.entries.items() if k in own.defaults}
            options = {**defaults, **options}
            options |= {k: v for k, v in own.entries.items() if k not in own.defaults}
            complete = complete and own.is_complete
            if made[0].call is not None and own.holder is not None:
                node, holder = made[0].call.node, own.holder
        is_ordered = is_ordered or len(ordered) < 2
        yield Server("nest", node, app, options, complete, holder, group, is_ordered)


def _is_abstract(gateway: Gateway) -> bool:
    return gateway.owner is not None and gateway.owner.node.kind.startswith("abstract")


def _decorator(gateway: Gateway) -> Node:
    decorators = gateway.owner.decorated("WebSocketGateway") if gateway.owner else []
    return decorators[0].node if decorators else gateway.node


def _is_native(gateway: Gateway) -> bool:
    """Tell a gateway over ``ws`` from one over Socket.IO by what its file imports."""
    text = gateway.file.text
    return bool(re.search(r"""from ['"]ws['"]|platform-ws""", text)) and "socket.io" not in text


def native_apps(model: Model) -> set[str]:
    """Return the applications that serve plain WebSocket: their adapter is ``WsAdapter``."""
    found = set()
    for adapter in model.adapters:
        lineage = [adapter.name]
        if adapter.owner is not None:
            for each in model.project.lineage(adapter.owner)[0]:
                lineage += each.bases
        is_io = any(name.endswith("IoAdapter") for name in lineage)
        imports = model.project.imports(adapter.call.file)
        imported = imports.get(adapter.name)
        is_ws = any(name.rsplit(".", 1)[-1] == "WsAdapter" for name in lineage[1:]) or (
            adapter.owner is None and adapter.name.endswith("WsAdapter")
        )
        if (is_ws and not is_io) or (imported and imported.module == "@nestjs/platform-ws"):
            found.add(adapter.app)
    return found


def adapter_options(model: Model, adapter: Adapter) -> AdapterOptions | None:
    """Return what an adapter adds to a gateway's options; None if that can't be known."""
    if adapter.owner is None:
        known = ("IoAdapter", "app", "", "RedisIoAdapter")
        is_plain = adapter.name.rsplit(".", 1)[-1] in known
        return AdapterOptions(Options()) if is_plain and adapter.name else None
    lineage, is_complete = model.project.lineage(adapter.owner)
    for owner in lineage:
        for name in _CREATES:
            if name in owner.methods:
                return _created(model, owner, owner.methods[name])
    return AdapterOptions(Options()) if is_complete else None


def _created(model: Model, owner: Class, method: Function) -> AdapterOptions | None:
    """Return what the method of an adapter that makes the server gives it."""
    makes = [call for call in method.calls if _makes_server(call)]
    if len(makes) != 1:
        return None
    names = [parameter.name for parameter in method.parameters]
    given = names[1] if len(names) > 1 else ""
    call = makes[0]
    if len(call.args) < 2:
        return AdapterOptions(Options(), inherits=False, call=call, function=method)
    found = options_in(model.project, call.args[1], frozenset({given} - {""}))
    inherits = any(node.text == given for node in found.unknown)
    found.unknown = [node for node in found.unknown if node.text != given]
    _take_assignments(model, method, found, given, call.args[1].text)
    if not found.entries and not found.unknown:
        found.holder = None
    return AdapterOptions(found, inherits, call, method)


def _makes_server(call: Call) -> bool:
    if call.path in ("super.createIOServer", "super.create"):
        return True
    return call.is_new and call.name in ("Server", "SocketIOServer", "IOServer", "SocketServer")


def _take_assignments(
    model: Model, method: Function, found: Options, given: str, used: str
) -> None:
    """Take ``options.cors = …`` and ``options = { ...options, cors }`` in."""
    for node in method.body.find("assignment_expression"):
        left, right = node.field("left"), node.field("right")
        if left is None or right is None:
            continue
        match = re.fullmatch(r"(\w+)!?\.(\w+)", left.text)
        if match and match[1] in (given, used):
            found.entries[match[2]] = right
        elif left.text == given and given and used == given:
            more = options_in(model.project, right, frozenset({given}))
            found.entries |= more.entries
            found.unknown += [each for each in more.unknown if each.text != given]


def options_of(model: Model, server: Server, name: str) -> Options | None:
    """Return the options inside an option, such as ``cors``; None if it is not set."""
    node = server.options.get(name)
    return None if node is None else options_in(model.project, node)


def list_of(model: Model, node: Node) -> list[str] | None:
    """Return the texts of a list; None if some of them are not known."""
    value = bare(model.project.value(bare(node)) or node)
    if value.kind in ("array", "list", "tuple"):
        texts = [each.string for each in value.children]
        return None if None in texts else [text for text in texts if text is not None]
    if value.string is not None:
        return [value.string]
    return None
