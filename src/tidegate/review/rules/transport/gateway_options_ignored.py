"""``gateway-options-ignored``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.transport.module_order import in_order
from tidegate.review.facts.transport.servers import AdapterOptions, adapter_options, servers
from tidegate.review.fix import Edit, Fix, inserted_after, replaced, suggested, without_entry
from tidegate.review.model import Adapter, Gateway, Model
from tidegate.review.model.options import bare
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="gateway-options-ignored",
    topic="transport",
    severity="medium",
    languages=("typescript",),
    summary="Options of a gateway's decorator have no effect.",
    why=(
        "Nest makes one server for all gateways with the same port and path, with the options "
        "of the gateway that it meets first; of the others only the namespace counts. An "
        "adapter that does not pass on what it is given drops the options of all. So an origin "
        "that is refused in the code may be accepted by the server."
    ),
    remedy="Set the server's options in one place: the adapter, or a constant that all share.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { Module } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway({ namespace: 'chat', cors: { origin: ['https://app.example.com'] } })
export class ChatGateway {}

@WebSocketGateway({ namespace: 'admin', cors: { origin: ['https://admin.example.com'] } })
export class AdminGateway {}

@Module({ providers: [ChatGateway, AdminGateway] })
export class RealtimeModule {}
""",
            good="""\
import { Module } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';

const cors = { origin: ['https://app.example.com', 'https://admin.example.com'] };

@WebSocketGateway({ namespace: 'chat', cors })
export class ChatGateway {}

@WebSocketGateway({ namespace: 'admin', cors })
export class AdminGateway {}

@Module({ providers: [ChatGateway, AdminGateway] })
export class RealtimeModule {}
""",
        ),
        Example(
            "typescript",
            title="An adapter that drops them",
            bad="""\
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WebSocketGateway } from '@nestjs/websockets';
import { ServerOptions } from 'socket.io';

export class ChatAdapter extends IoAdapter {
  createIOServer(port: number, options?: ServerOptions) {
    return super.createIOServer(port, { path: '/realtime' });
  }
}

@WebSocketGateway({ cors: { origin: ['https://app.example.com'] } })
export class ChatGateway {}

export function configure(app) {
  app.useWebSocketAdapter(new ChatAdapter(app));
}
""",
            good="""\
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WebSocketGateway } from '@nestjs/websockets';
import { ServerOptions } from 'socket.io';

export class ChatAdapter extends IoAdapter {
  createIOServer(port: number, options?: ServerOptions) {
    return super.createIOServer(port, { ...options, path: '/realtime' });
  }
}

@WebSocketGateway({ cors: { origin: ['https://app.example.com'] } })
export class ChatGateway {}

export function configure(app) {
  app.useWebSocketAdapter(new ChatAdapter(app));
}
""",
        ),
    ),
)

_OF_THE_SERVER = frozenset(
    {
        *("cors", "transports", "pingInterval", "pingTimeout", "maxHttpBufferSize", "allowEIO3"),
        *("cookie", "serveClient", "adapter", "parser", "connectTimeout", "upgradeTimeout"),
        *("allowUpgrades", "perMessageDeflate", "httpCompression", "allowRequest", "wsEngine"),
        *("connectionStateRecovery", "cleanupEmptyChildNamespaces", "addTrailingSlash"),
    }
)

_OF_REQUESTS = ("methods", "maxAge", "preflightContinue", "optionsSuccessStatus")
"""Entries of ``cors`` that matter to other servers: requests of Socket.IO are always the same."""

_COMMENTS = re.compile(r"""("[^"\n]*"|'[^'\n]*'|`[^`]*`)|//[^\n]*|/\*.*?\*/|\s+""", re.DOTALL)
"""What does not matter in an expression; texts, which do, are kept."""


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Compare the gateways of each server, and look at what adapters pass on."""
    for server in servers(model):
        if server.framework != "nest":
            continue
        dropping = _dropping(model, server.app)
        if dropping is not None:
            for gateway in server.gateways:
                yield from _dropped(gateway, *dropping)
            continue
        overridden = _overridden(model, server.app)
        ordered, is_known = in_order(model, [g for g in server.gateways if _is_class(g)])
        if len(ordered) > 1:
            yield from _compare(model, ordered, overridden, is_known=is_known)


def _is_class(gateway: Gateway) -> bool:
    """Tell a gateway from a base class of gateways."""
    return gateway.owner is not None and not gateway.owner.node.kind.startswith("abstract")


def _compare(
    model: Model, gateways: list[Gateway], overridden: frozenset[str], *, is_known: bool
) -> Iterator[Finding]:
    """Yield a finding for each gateway whose options are others than the first one's."""
    is_near = len({gateway.file.name for gateway in gateways}) == 1
    first = gateways[0]
    if not is_known and not is_near:
        first = next((each for each in gateways if _own(each)), first)
    for gateway in gateways:
        differing = [
            name
            for name, value in _own(gateway).items()
            if name not in overridden and _differs(model, value, first.options.get(name))
        ]
        if gateway is first or not differing:
            continue
        differing.sort(key=lambda name: name not in first.options)
        name = differing[0]
        node = gateway.options[name]
        if "..." in first.options or "..." in gateway.options:
            yield RULE.could_not_tell(node, f"Some options of `{first.name}` are made elsewhere.")
        elif name not in first.options and not is_known and not is_near:
            yield RULE.could_not_tell(
                node, f"Nest may meet `{first.name}`, without `{name}`, first."
            )
        else:
            yield RULE.fault(
                node,
                _message(first, name, is_known=is_known),
                confidence="certain" if is_known else "likely",
                fix=_shared(gateway, differing),
            )


def _message(first: Gateway, name: str, *, is_known: bool) -> str:
    if name not in first.options:
        return f"`{first.name}` comes first and sets no `{name}`: this one is not used."
    if is_known:
        return f"The server uses `{name}` of `{first.name}`, not this one."
    return f"`{first.name}` sets another `{name}`: Nest uses that of one of them only."


def _own(gateway: Gateway) -> dict[str, Node]:
    """Return the options of a gateway that are the server's."""
    return {k: v for k, v in gateway.options.items() if k in _OF_THE_SERVER}


def _differs(model: Model, one: Node, other: Node | None) -> bool:
    if other is None:
        return True
    first, second = (bare(model.project.value(bare(each)) or each) for each in (one, other))
    if first.kind == second.kind == "object" and "origin" in {**first.pairs(), **second.pairs()}:
        entries, others = _told(first), _told(second)
        return entries.keys() != others.keys() or any(
            _written(model, entries[key]) != _written(model, others[key]) for key in entries
        )
    return _written(model, one) != _written(model, other)


def _told(cors: Node) -> dict[str, Node]:
    """Return the entries of ``cors`` that decide who may connect."""
    return {key: value for key, value in cors.pairs().items() if key not in _OF_REQUESTS}


def _written(model: Model, node: Node) -> str:
    """Return a value as it is written, without what does not matter."""
    value = bare(model.project.value(bare(node)) or node)
    text = _COMMENTS.sub(lambda match: match[1] or "", value.text)
    return re.sub(r",(?=[}\]])", "", text).replace('"', "'")


def _shared(gateway: Gateway, names: list[str]) -> Fix | None:
    """Return a correction that leaves the option to the gateway that is first."""
    if gateway.holder is None or len(names) != 1 or names[0] not in gateway.holder.pairs():
        return None
    if len(gateway.holder.children) == 1:
        return suggested(replaced(gateway.holder, "{}"))
    return suggested(without_entry(gateway.holder, names[0]))


# Adapters


def _dropping(model: Model, app: str) -> tuple[Adapter, AdapterOptions] | None:
    """Return the adapter of an application, if it does not use what gateways say."""
    for adapter in model.adapters:
        if adapter.app == app:
            made = adapter_options(model, adapter)
            if made is not None and not made.inherits and made.options.is_complete:
                return adapter, made
    return None


def _overridden(model: Model, app: str) -> frozenset[str]:
    """Return the options that an adapter sets, whatever gateways say."""
    found: set[str] = set()
    for adapter in model.adapters:
        made = adapter_options(model, adapter) if adapter.app == app else None
        if made is not None:
            found |= set(made.options.entries) - made.options.defaults
        elif adapter.app == app:
            found |= _OF_THE_SERVER
    return frozenset(found)


def _dropped(gateway: Gateway, adapter: Adapter, made: AdapterOptions) -> Iterator[Finding]:
    names = [name for name in _own(gateway) if name not in made.options.entries]
    if not names:
        return
    node = gateway.options[names[0]]
    message = f"`{adapter.name}` does not pass `{names[0]}` on to the server."
    yield RULE.fault(node, message, fix=_passing(made))


def _passing(made: AdapterOptions) -> Fix | None:
    """Return a correction that passes the gateway's options on."""
    if made.function is None or made.call is None or len(made.function.parameters) < 2:
        return None
    given = made.function.parameters[1].name
    holder = made.options.holder
    if holder is not None and holder.file is made.function.file and holder.text.startswith("{"):
        spread = f" ...{given}," if holder.children else f" ...{given} "
        first = holder.text[1:2]
        tail = "" if first in (" ", "\n") or not holder.children else " "
        return suggested(_after_brace(holder, spread + tail))
    if len(made.call.args) == 1:
        return suggested(inserted_after(made.call.args[0], f", {given}"))
    return None


def _after_brace(holder: Node, text: str) -> Edit:
    return Edit(holder.file.name, holder.start + 1, holder.start + 1, text)
