"""``jwt-algorithms-open``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.auth.jwt_module import verify_options
from tidegate.review.facts.tokens import Verification, server_calls, verification
from tidegate.review.fix import Fix, inserted_after, replaced, suggested, with_entry
from tidegate.review.model import Function, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import FUNCTIONS, Node

RULE = Rule(
    name="jwt-algorithms-open",
    topic="auth",
    severity="medium",
    languages=("typescript", "python"),
    summary="A token is verified, and neither its algorithm nor whom it is for is pinned.",
    why=(
        "The header of a token says how it is signed, and its sender writes the header. If the "
        "server doesn't say which algorithm it expects, the library chooses by what the token and "
        "the key look like; a public key has been taken for an HMAC secret that way. Without an "
        "audience or issuer a token made for another service opens this one as well."
    ),
    remedy="Name the one algorithm that you sign with, and the audience or issuer.",
    examples=(
        Example(
            "typescript",
            title="Socket.IO",
            bad="""\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

export function authenticate(io: Server, secret: string) {
  io.use((socket, next) => {
    try {
      socket.data.user = jwt.verify(socket.handshake.auth.token, secret);
      next();
    } catch {
      next(new Error('unauthorized'));
    }
  });
}
""",
            good="""\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

export function authenticate(io: Server, secret: string) {
  io.use((socket, next) => {
    try {
      const token = socket.handshake.auth.token;
      socket.data.user = jwt.verify(token, secret, { algorithms: ['HS256'], audience: 'realtime' });
      next();
    } catch {
      next(new Error('unauthorized'));
    }
  });
}
""",
        ),
        Example(
            "typescript",
            title="NestJS",
            bad="""\
import { JwtService } from '@nestjs/jwt';
import { OnGatewayConnection, WebSocketGateway } from '@nestjs/websockets';
import { Socket } from 'socket.io';

@WebSocketGateway()
export class OrdersGateway implements OnGatewayConnection {
  constructor(private readonly jwt: JwtService) {}

  async handleConnection(client: Socket) {
    try {
      client.data.user = await this.jwt.verifyAsync(client.handshake.auth.token);
    } catch {
      client.disconnect(true);
    }
  }
}
""",
            good="""\
import { JwtService } from '@nestjs/jwt';
import { OnGatewayConnection, WebSocketGateway } from '@nestjs/websockets';
import { Socket } from 'socket.io';

@WebSocketGateway()
export class OrdersGateway implements OnGatewayConnection {
  constructor(private readonly jwt: JwtService) {}

  async handleConnection(client: Socket) {
    try {
      client.data.user = await this.jwt.verifyAsync(client.handshake.auth.token, {
        algorithms: ['ES256'],
      });
    } catch {
      client.disconnect(true);
    }
  }
}
""",
        ),
        Example(
            "python",
            bad="""\
import jwt
import socketio

from .settings import KEY

sio = socketio.AsyncServer()


@sio.event
async def connect(sid, environ, auth):
    header = jwt.get_unverified_header(auth["token"])
    claims = jwt.decode(auth["token"], KEY, algorithms=[header["alg"]])
    await sio.save_session(sid, claims)
""",
            good="""\
import jwt
import socketio

from .settings import KEY

sio = socketio.AsyncServer()


@sio.event
async def connect(sid, environ, auth):
    claims = jwt.decode(auth["token"], KEY, algorithms=["ES256"], audience="realtime")
    await sio.save_session(sid, claims)
""",
        ),
    ),
)

_PINS = ("algorithms", "audience", "issuer")

_HEADER = re.compile(
    r"get_unverified_header|header\w*(?:\.alg\b|\[['\"]alg|\.get\(['\"]alg)", re.IGNORECASE
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at calls that verify, in the code that runs for clients."""
    for call in server_calls(model):
        found = verification(model, call)
        if found is not None:
            yield from _python(found) if call.file.is_python else _node(model, found)


# Node


def _node(model: Model, found: Verification) -> Iterator[Finding]:
    call = found.call
    options = _literal(model, found.options)
    if options == "unknown":
        yield RULE.could_not_tell(call.node, "The options of the call are made elsewhere.")
        return
    entries = options.pairs() if isinstance(options, Node) else {}
    listed = entries.get("algorithms")
    if listed is not None:
        message = _mixed(model.project.value(listed) or listed)
        if message:
            yield RULE.fault(listed, message, fix=suggested(replaced(listed, _choice(found))))
        return
    if any(name in entries for name in _PINS):
        return
    is_nest = found.library == "nest"
    if "..." in entries:
        yield RULE.could_not_tell(call.node, "The options of the call are made elsewhere.")
    elif is_nest and (seen := verify_options(model, call)) != "open":
        if seen == "unknown":
            yield RULE.could_not_tell(call.node, "What the JwtModule is told can't be seen here.")
    else:
        who = "Neither the call nor its module" if is_nest else "The call"
        pins = "pins an" if is_nest else "pins no"
        message = f"{who} {pins} algorithm, audience or issuer."
        yield RULE.fault(call.node, message, fix=_pinned(found, options))


def _literal(model: Model, node: Node | None) -> Node | Literal["unknown"] | None:
    """Return the object that options are; None if there are none: a callback is not."""
    value = model.project.value(node)
    while value is not None and value.kind in ("as_expression", "satisfies_expression"):
        value = value.children[0]
    if value is None or value.kind in FUNCTIONS or value.text in ("undefined", "null"):
        return None
    if value.kind == "object":
        return value
    is_callback = re.search(r"callback|^cb$|^done$|^next$|^resolve$|handle|^on[A-Z]", value.text)
    if is_callback or isinstance(model.project.resolve(value.file, value.text), Function):
        return None
    return "unknown"


def _pinned(found: Verification, options: Node | Literal["unknown"] | None) -> Fix | None:
    choice = _choice(found)
    if isinstance(options, Node):
        if options.file != found.call.file:
            return None
        return suggested(with_entry(options, "algorithms", choice))
    given = found.options
    if given is not None and given.text in ("undefined", "null"):
        return suggested(replaced(given, f"{{ algorithms: {choice} }}"))
    position = 0 if found.library == "nest" else 1
    if len(found.call.args) <= position:
        return None
    text = f", {{ algorithms: {choice} }}"
    return suggested(inserted_after(found.call.args[position], text))


def _choice(found: Verification) -> str:
    """Return a list of the algorithm that goes with the key; a person has the last word."""
    key = found.key.text if found.key is not None else found.call.node.text
    is_secret = re.search(r"secret|TextEncoder|Buffer", key, re.IGNORECASE)
    is_public = re.search(r"public|pem|jwk|cert", key, re.IGNORECASE) or found.library == "jose"
    name = "RS256" if is_public and not is_secret else "HS256"
    quote = '"' if found.call.file.is_python else "'"
    return f"[{quote}{name}{quote}]"


# Python


def _python(found: Verification) -> Iterator[Finding]:
    call = found.call
    options = call.keywords.get("options")
    off = re.search(r"verify(?:_signature)?['\"]?\s*[=:]\s*False", call.node.text)
    if off or "**" in call.node.text or len(call.args) + len(call.keywords) < 2:
        return
    if options is not None and options.kind != "dictionary" and "algorithms" not in call.keywords:
        yield RULE.could_not_tell(call.node, "The options of the call are made elsewhere.")
        return
    listed = call.arg(2, "algorithms")
    if listed is None or listed.text == "None":
        message = "The call names no algorithm: the token's header chooses."
        arguments, fix = call.node.field("arguments"), None
        if arguments is not None and len(call.args) < 3:
            fix = suggested(with_entry(arguments, "algorithms", _choice(found)))
        yield RULE.fault(listed or call.node, message, fix=fix)
        return
    message = _mixed(listed)
    if message:
        yield RULE.fault(listed, message, fix=suggested(replaced(listed, _choice(found))))


def _mixed(listed: Node) -> str:
    """Return what is wrong with a list of algorithms; empty if nothing is."""
    if _from_header(listed):
        return "The algorithm is taken from the token, whose sender chooses it."
    names = {node.string or "" for node in listed.find("string")}
    families = {"HS" if name[:2] == "HS" else "public" for name in names if name[2:].isdigit()}
    if len(families) > 1:
        return "HMAC and public keys are both accepted: a public key may be taken for a secret."
    return ""


def _from_header(listed: Node) -> bool:
    if _HEADER.search(listed.text):
        return True
    names = {node.text for node in listed.identifiers()}
    function = listed.function
    for each in function.find("assignment", "variable_declarator") if function and names else ():
        left = each.field("left") or each.field("name")
        right = each.field("right") or each.field("value")
        if left is None or right is None or left.text not in names:
            continue
        if _HEADER.search(right.text) and re.search(r"\balg\b", listed.text + right.text):
            return True
    return False
