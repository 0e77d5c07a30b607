"""``expiry-ignored``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.expiry import ending_at_expiry
from tidegate.review.facts.auth.expiry import knows_expiry
from tidegate.review.facts.auth.jwt_checks import Check, connect_checks, message_checks
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="expiry-ignored",
    topic="auth",
    severity="medium",
    languages=("typescript", "python"),
    summary="A token's expiry is checked when the client connects, and the socket outlives it.",
    why=(
        "A socket stays open for days. Whoever connected with a token of fifteen minutes keeps "
        "getting events long after it expired, after the account was closed or moved to another "
        "tenant."
    ),
    remedy="Disconnect the socket when `exp` is reached; clients come back with a fresh token.",
    examples=(
        Example(
            "typescript",
            bad="""\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

export function authenticate(io: Server, key: string) {
  io.use((socket, next) => {
    const claims = jwt.verify(socket.handshake.auth.token, key, { algorithms: ['ES256'] });
    socket.data.user = claims.sub;
    next();
  });
  io.on('connection', (socket) => socket.join(`user:${socket.data.user}`));
}
""",
            good="""\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

export function authenticate(io: Server, key: string) {
  io.use((socket, next) => {
    const claims = jwt.verify(socket.handshake.auth.token, key, { algorithms: ['ES256'] });
    const timer = setTimeout(() => socket.disconnect(true), claims.exp * 1000 - Date.now());
    socket.once('disconnect', () => clearTimeout(timer));
    socket.data.user = claims.sub;
    next();
  });
  io.on('connection', (socket) => socket.join(`user:${socket.data.user}`));
}
""",
        ),
        Example(
            "python",
            bad="""\
import jwt
import socketio

sio = socketio.AsyncServer()


@sio.event
async def connect(sid, environ, auth):
    claims = jwt.decode(auth["token"], KEY, algorithms=["ES256"])
    await sio.enter_room(sid, f"user:{claims['sub']}")
""",
            good="""\
import asyncio
import time

import jwt
import socketio

sio = socketio.AsyncServer()


async def disconnect_later(sid, seconds):
    await asyncio.sleep(seconds)
    await sio.disconnect(sid)


@sio.event
async def connect(sid, environ, auth):
    claims = jwt.decode(auth["token"], KEY, algorithms=["ES256"])
    sio.start_background_task(disconnect_later, sid, claims["exp"] - time.time())
    await sio.enter_room(sid, f"user:{claims['sub']}")
""",
        ),
    ),
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at gateways that verify a token at the connection, and never think of it again."""
    seen: set[Node] = set()
    for gateway in model.gateways:
        if gateway.framework == "tidegate":
            continue
        checks = connect_checks(model, gateway)
        if not checks or checks[0].place in seen:
            continue
        seen.add(checks[0].place)
        if any(_is_off(each) for each in checks) or knows_expiry(model, gateway, checks):
            continue
        if any(True for _ in message_checks(model, gateway)):
            continue  # each message is checked again, which is verified-again-in-handler
        message = "The socket stays open after the token has expired."
        fix = ending_at_expiry(gateway, checks[0])
        yield RULE.fault(checks[0].place, message, confidence="likely", fix=fix)


def _is_off(check: Check) -> bool:
    """Tell what is ``jwt-not-verified`` already: the expiry isn't checked at all."""
    return bool(
        re.search(
            r"ignoreExpiration['\"]?\s*:\s*true|verify\w*['\"]?\s*[:=]\s*False",
            check.verification.call.node.text,
        )
    )
