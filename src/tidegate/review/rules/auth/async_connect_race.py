"""``async-connect-race``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.auth.asking import works_for_anybody
from tidegate.review.facts.auth.authentication import authentication_before
from tidegate.review.facts.auth.failed_checks import failed_checks, has_credentials, is_verifying
from tidegate.review.fix import Edit, Fix, suggested
from tidegate.review.model import Function, Gateway, Handler, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import FUNCTIONS, Node

RULE = Rule(
    name="async-connect-race",
    topic="auth",
    severity="medium",
    languages=("typescript",),
    summary="Messages are handled while the connection is still being checked.",
    why=(
        "Nobody waits for an async connect handler: a client's messages are handled as soon as "
        "it is connected. Until the check ends, and the client is known or disconnected, handlers "
        "that don't ask who it is work for everybody."
    ),
    remedy="Check the token in a middleware, or ask for the identity in each handler.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { JwtService } from '@nestjs/jwt';
import { OnGatewayConnection, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Socket } from 'socket.io';

@WebSocketGateway()
export class ChatGateway implements OnGatewayConnection {
  constructor(private readonly jwt: JwtService) {}

  async handleConnection(client: Socket) {
    try {
      client.data.user = await this.jwt.verifyAsync(client.handshake.auth.token);
    } catch {
      client.disconnect(true);
    }
  }

  @SubscribeMessage('typing')
  typing(client: Socket, room: string) {
    client.to(room).emit('typing');
  }
}
""",
            good="""\
import { JwtService } from '@nestjs/jwt';
import { OnGatewayInit, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Namespace, Socket } from 'socket.io';

@WebSocketGateway()
export class ChatGateway implements OnGatewayInit {
  constructor(private readonly jwt: JwtService) {}

  afterInit(namespace: Namespace) {
    namespace.use((socket, next) => {
      this.jwt.verifyAsync(socket.handshake.auth.token).then(
        (user) => {
          socket.data.user = user;
          next();
        },
        () => next(new Error('Unauthorized')),
      );
    });
  }

  @SubscribeMessage('typing')
  typing(client: Socket, room: string) {
    client.to(room).emit('typing');
  }
}
""",
        ),
        Example(
            "typescript",
            title="Listeners that are there before the check",
            file="socket.ts",
            bad="""\
import { Server } from 'socket.io';
import { verifyToken } from './tokens';

const io = new Server(3000);

io.on('connection', async (socket) => {
  socket.on('typing', (room: string) => {
    socket.to(room).emit('typing');
  });
  const user = await verifyToken(socket.handshake.auth.token);
  if (!user) {
    socket.disconnect(true);
  }
});
""",
            good="""\
import { Server } from 'socket.io';
import { verifyToken } from './tokens';

const io = new Server(3000);

io.use(async (socket, next) => {
  const user = await verifyToken(socket.handshake.auth.token);
  next(user ? undefined : new Error('Unauthorized'));
});

io.on('connection', (socket) => {
  socket.on('typing', (room: string) => {
    socket.to(room).emit('typing');
  });
});
""",
        ),
    ),
)

_LOOKS_UP = re.compile(
    r"user|auth|token|session|account|member|verif|valid|identity|jwt|profile|claims", re.IGNORECASE
)
_IDENTITY = re.compile(
    r"user\w*|auth\w*|identity|tenant\w*|account\w*|session\w*|member\w*|principal|claims|decoded"
    r"|payload|data|profile|role\w*|isAuth\w*|sub|email",
    re.IGNORECASE,
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look for connect handlers that wait, and for messages that do not."""
    for gateway in model.gateways:
        if gateway.file.is_python or gateway.framework == "tidegate":
            continue
        messages = gateway.of_kind("message")
        if not messages or authentication_before(model, gateway).verdict != "no":
            continue
        for handler in gateway.of_kind("connect"):
            yield from _judge(model, gateway, handler, messages)


def _judge(
    model: Model, gateway: Gateway, handler: Handler, messages: list[Handler]
) -> Iterator[Finding]:
    function = handler.function
    wait = _first_wait(model, function)
    if wait is None or not has_credentials(model, function):
        return
    known = _identity(model, handler, wait)
    if known is None:
        return
    early = [each for each in messages if _is_heard_before(gateway, each, function, wait)]
    is_closure = gateway.framework != "nest"
    names = _names_set(function) if is_closure else frozenset[str]()
    open_ones = [each for each in early if works_for_anybody(model, gateway, each, names)]
    if not open_ones:
        return
    event = open_ones[0].event or open_ones[0].function.name or "message"
    message = f"`{event}` is handled for clients that this has not checked yet."
    fix = _asked(open_ones, known, handler) if known else None
    yield RULE.fault(_place(gateway, handler), message, fix=fix)


def _first_wait(model: Model, function: Function) -> Node | None:
    """Return the first await by which a function finds out who the client is."""
    for node in function.body.find("await_expression"):
        if node.function != function.node:
            continue
        for call in node.calls():
            if is_verifying(call) or _LOOKS_UP.search(call.path):
                return node
            target = model.project.target(call, function)
            if target is not None and has_credentials(model, target):
                return node
    return None


def _identity(model: Model, handler: Handler, wait: Node) -> str | None:
    """Return where the handler keeps the identity after it waited; empty if it only refuses.

    None if the client was known before, or if nothing comes of the waiting.
    """
    for name, start in _kept(handler):
        return name if start > wait.start or wait.start < start + len(name) else None
    for call in wait.calls():
        target = model.project.target(call, handler.function)
        gives = [i for i, arg in enumerate(call.args) if arg.text == handler.socket]
        if target is not None and gives and len(target.parameters) > gives[0]:
            inner = Handler("connect", "", target, target.parameters[gives[0]].name)
            for name, _ in _kept(inner):
                return re.sub(rf"\b{inner.socket}\b", handler.socket, name)
    checks = failed_checks(model, handler.function)
    is_refused = any(
        each.node.start > wait.start and each.body.calls("disconnect", "close", "terminate")
        for each in checks
        if each.kind == "missing" or each.around.start <= wait.start <= each.node.start
    )
    return "" if is_refused else None


def _kept(handler: Handler) -> list[tuple[str, int]]:
    """Return where a handler keeps who the client is: ``client.data.user``, a map."""
    socket = re.escape(handler.socket or "client")
    found = []
    for node in handler.function.body.find("assignment_expression"):
        left = node.field("left")
        text = left.text if left is not None else ""
        match = re.match(rf"\(?{socket}(?: as [\w<>. ]+\))?[?!]?\.(\w+)", text)
        if match and _IDENTITY.fullmatch(match[1]):
            found.append((text, node.end))
    for call in handler.function.calls:
        holder = call.receiver.text if call.receiver is not None else ""
        is_map = call.name == "set" and re.fullmatch(r"this\.\w+|\w+", holder)
        if is_map and call.args and re.fullmatch(rf"{socket}(?:\.id)?", call.args[0].text):
            found.append((f"{holder}.has({call.args[0].text})", call.node.end))
    return sorted(found, key=lambda each: each[1])


def _is_heard_before(gateway: Gateway, message: Handler, function: Function, wait: Node) -> bool:
    """Tell whether a message is listened for before the waiting begins; in Nest it always is."""
    if gateway.framework == "nest":
        return True
    node = message.function.node
    if node.file is not function.file or node.start < function.node.start:
        return _is_registered_before(message, function, wait)
    return node.start < wait.start


def _is_registered_before(message: Handler, function: Function, wait: Node) -> bool:
    """Tell whether a helper that registers the listener is called before the waiting begins."""
    return any(
        arg.text == message.function.name or message.function.name in arg.text.split(".")
        for call in function.calls
        if call.node.start < wait.start and call.name in ("on", "once")
        for arg in call.args[1:]
        if message.function.name
    )


def _names_set(function: Function) -> frozenset[str]:
    """Return the variables that a connect handler keeps an identity in."""
    found = set()
    for node in function.body.find("variable_declarator"):
        name = node.field("name")
        if name is not None and node.function == function.node:
            found |= {each.text for each in name.identifiers()} | {name.text}
    return frozenset(name for name in found if _IDENTITY.fullmatch(name) and name != "data")


def _place(gateway: Gateway, handler: Handler) -> Node:
    if gateway.framework != "nest" and gateway.call is not None:
        return gateway.call.node
    return handler.function.node.field("name") or handler.function.node


def _asked(handlers: list[Handler], known: str, connect: Handler) -> Fix | None:
    """Return the handlers with a question for the identity at their begin."""
    edits = []
    for handler in handlers:
        body, socket = handler.function.body, handler.socket
        if body.kind != "statement_block" or not body.children or not socket:
            continue
        if handler.function.node.kind not in FUNCTIONS:
            continue
        first = body.children[0]
        text = first.file.text
        indent = text[text.rfind("\n", 0, first.start) + 1 : first.start]
        mine = re.sub(rf"(?<!\.)\b{re.escape(connect.socket)}\b", socket, known)
        gap = f"\n{indent}" if not indent.strip() else " "
        edits.append(Edit(first.file.name, first.start, first.start, f"if (!{mine}) return;{gap}"))
    return suggested(*edits) if edits else None
