"""``origin-not-checked-on-upgrade``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.origins import for_endpoint, for_server, for_ws, with_validator
from tidegate.review.facts.transport.channels import routed_sockets
from tidegate.review.facts.transport.cookies import (
    cookie_read,
    functions_of_app,
    looks_at_origin,
    origin_middleware,
    python_reach,
)
from tidegate.review.facts.transport.origins import admits, admits_if_unset, origin_of
from tidegate.review.facts.transport.servers import Server, native_apps, servers
from tidegate.review.facts.transport.upgrades import (
    cookie_of_clients,
    is_same_site,
    is_websocket_only,
    may_look,
    passes_by,
)
from tidegate.review.facts.transport.web_socket_servers import web_socket_servers
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="origin-not-checked-on-upgrade",
    topic="transport",
    severity="medium",
    languages=("typescript", "python"),
    summary="Cookies say who connects, and nothing looks at the page that opens a WebSocket.",
    why=(
        "Browsers send cookies with the upgrade to WebSocket, from pages of any site, and the "
        "same-origin policy does not stop it. `cors` of Socket.IO on Node adds headers to the "
        "answers of polling; it refuses no upgrade. Django Channels, FastAPI, Starlette and ws "
        "look at no origin unless they are told to. So another site's page acts for its visitor."
    ),
    remedy="Compare the header Origin with a list before the upgrade.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { Server } from 'socket.io';
import { parse } from 'cookie';
import { verify } from './tokens';

const io = new Server(httpServer, {
  cors: { origin: ['https://app.example.com'], credentials: true },
});

io.use((socket, next) => {
  const { access_token: token } = parse(socket.handshake.headers.cookie ?? '');
  verify(token).then(() => next(), next);
});
""",
            good="""\
import { Server } from 'socket.io';
import { parse } from 'cookie';
import { verify } from './tokens';

const origins = ['https://app.example.com'];
const io = new Server(httpServer, {
  cors: { origin: origins, credentials: true },
  allowRequest: (request, decide) => {
    decide(null, origins.includes(request.headers.origin ?? ''));
  },
});

io.use((socket, next) => {
  const { access_token: token } = parse(socket.handshake.headers.cookie ?? '');
  verify(token).then(() => next(), next);
});
""",
        ),
        Example(
            "typescript",
            title="A Nest gateway",
            bad="""\
import { WebSocketGateway } from '@nestjs/websockets';
import type { Socket } from 'socket.io';
import { SessionService } from './session.service';

@WebSocketGateway({ cors: { origin: ['https://app.example.com'], credentials: true } })
export class OrdersGateway {
  constructor(private readonly sessions: SessionService) {}

  async handleConnection(client: Socket) {
    client.data.user = await this.sessions.userOf(client.handshake.headers.cookie);
    if (!client.data.user) client.disconnect(true);
  }
}
""",
            good="""\
import { WebSocketGateway } from '@nestjs/websockets';
import type { Socket } from 'socket.io';
import { SessionService } from './session.service';

const origins = ['https://app.example.com'];

@WebSocketGateway({
  cors: { origin: origins, credentials: true },
  allowRequest: (request, decide) => {
    decide(null, origins.includes(request.headers.origin ?? ''));
  },
})
export class OrdersGateway {
  constructor(private readonly sessions: SessionService) {}

  async handleConnection(client: Socket) {
    client.data.user = await this.sessions.userOf(client.handshake.headers.cookie);
    if (!client.data.user) client.disconnect(true);
  }
}
""",
        ),
        Example(
            "python",
            title="Django Channels",
            bad="""\
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AuthMiddlewareStack(URLRouter(websocket_urlpatterns)),
    }
)
""",
            good="""\
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
    }
)
""",
        ),
        Example(
            "python",
            title="FastAPI",
            bad="""\
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/orders")
async def orders(websocket: WebSocket):
    user = await user_of_session(websocket.cookies.get("session"))
    if user is None:
        await websocket.close(code=1008)
        return
    await websocket.accept()
""",
            good="""\
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/orders")
async def orders(websocket: WebSocket):
    if websocket.headers.get("origin") not in ("https://app.example.com",):
        await websocket.close(code=1008)
        return
    user = await user_of_session(websocket.cookies.get("session"))
    if user is None:
        await websocket.close(code=1008)
        return
    await websocket.accept()
""",
        ),
    ),
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at each kind of server where clients are known by cookies."""
    for server in servers(model):
        if server.node.file.is_python:
            yield from _python_socketio(model, server)
        else:
            yield from _socketio(model, server)
    yield from _ws(model)
    yield from _native_gateways(model)
    yield from _endpoints(model)
    yield from _channels(model)


def _socketio(model: Model, server: Server) -> Iterator[Finding]:
    if not passes_by(model, server) or _is_open(model, server):
        return
    cors = server.options.get("cors")
    cookie = cookie_of_clients(model, server.app)
    place = server.node if cors is None else _key_of(cors)
    if cookie is None:
        if cors is not None and is_websocket_only(model, server):
            message = "`cors` does nothing here: it is for polling, which this server has not."
            yield RULE.could_not_tell(place, message)
        return
    if not server.is_complete:
        yield RULE.could_not_tell(place, "Some options are made elsewhere.")
    elif is_same_site(model, server.app):
        message = "Cookies that are SameSite keep other sites out, not other hosts of this one."
        yield RULE.could_not_tell(place, message)
    else:
        if cors is None:
            message = f"A cookie says who connects ({_place(cookie)}); no origin is looked at."
        else:
            message = f"`cors` guards polling only; a cookie says who connects ({_place(cookie)})."
        yield RULE.fault(place, message, fix=for_server(model, server))


def _is_open(model: Model, server: Server) -> bool:
    """Tell whether another rule already says that all pages are let in."""
    cors = server.options.get("cors")
    if cors is None:
        return False
    origin = origin_of(model, cors)
    if origin.is_missing or admits(model, origin.node) == "any":
        return True
    return admits_if_unset(model, origin.node) is not None


def _key_of(value: Node) -> Node:
    """Return the entry of an option, which begins with its name."""
    return value.parent if value.parent is not None and value.parent.kind == "pair" else value


def _place(node: Node) -> str:
    return f"{node.file.name.rsplit('/', 1)[-1]}:{node.line}"


# Plain WebSocket on Node


def _ws(model: Model) -> Iterator[Finding]:
    for call, options in web_socket_servers(model):
        app = model.app_of(call.file)
        functions = functions_of_app(model, app)
        cookie = cookie_read(functions)
        if cookie is None or looks_at_origin(functions):
            continue
        if may_look(model, options.entries.get("verifyClient")):
            continue
        if not options.is_complete:
            yield RULE.could_not_tell(call.node, "Some options are made elsewhere.")
            continue
        message = f"A cookie says who connects ({_place(cookie)}); no origin is looked at."
        yield RULE.fault(call.node, message, fix=for_ws(options))


def _native_gateways(model: Model) -> Iterator[Finding]:
    """Look at Nest gateways over ``ws``; each application is told of once."""
    for app in sorted(native_apps(model)):
        own = [each for each in model.gateways if each.framework == "nest" and each.app == app]
        functions = functions_of_app(model, app)
        cookie = cookie_read(functions)
        is_checked = any({"verifyClient", "..."} & set(each.options) for each in own)
        if own and cookie is not None and not is_checked and not looks_at_origin(functions):
            message = f"A cookie says who connects ({_place(cookie)}); no origin is looked at."
            yield RULE.fault(own[0].node, message)


# Python


def _python_socketio(model: Model, server: Server) -> Iterator[Finding]:
    """Look at ``cors_allowed_origins=[]``: python-socketio then looks at no origin."""
    given = server.options.get("cors_allowed_origins")
    value = model.project.value(given) if given is not None else None
    if value is None or value.kind != "list" or value.children:
        return
    functions = functions_of_app(model, server.app)
    if looks_at_origin(functions):
        return
    cookie = cookie_read(functions)
    message = "With an empty list the server looks at no origin."
    if cookie is None:
        yield RULE.could_not_tell(given or server.node, message)
    else:
        yield RULE.fault(given or server.node, f"{message} A cookie says who connects.")


def _endpoints(model: Model) -> Iterator[Finding]:
    """Look at endpoints of FastAPI and Starlette."""
    for gateway in model.gateways:
        if gateway.framework != "websocket" or not gateway.file.is_python:
            continue
        functions = python_reach(model, gateway)
        cookie = cookie_read(functions)
        if cookie is None or looks_at_origin(functions) or origin_middleware(model, gateway.app):
            continue
        message = f"A cookie says who connects (line {cookie.line}); no origin is looked at."
        yield RULE.fault(gateway.node, message, fix=for_endpoint(gateway))


def _channels(model: Model) -> Iterator[Finding]:
    """Look at what Channels routes WebSockets through."""
    for routed in routed_sockets(model):
        if routed.is_validated:
            continue
        functions = functions_of_app(model, model.app_of(routed.node.file))
        if looks_at_origin(functions):
            continue
        if routed.is_session or cookie_read(functions) is not None:
            message = "Sessions are cookies, and no validator looks at the origin."
            yield RULE.fault(_key_of(routed.node), message, fix=with_validator(routed.node))
        elif not routed.is_known:
            yield RULE.could_not_tell(routed.node, "What this checks can't be seen.")
