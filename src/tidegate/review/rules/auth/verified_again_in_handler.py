"""``verified-again-in-handler``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.auth.jwt_checks import Check, connect_checks, message_checks
from tidegate.review.fix import Fix, removed_line, suggested
from tidegate.review.model import Gateway, Model
from tidegate.review.registry import Example, Rule, rule

RULE = Rule(
    name="verified-again-in-handler",
    topic="auth",
    severity="low",
    languages=("typescript", "python"),
    summary="A token that was verified when the client connected is verified again for messages.",
    why=(
        "Two places decide who somebody is, and one day they differ: another secret, another "
        "claim, a handler that was forgotten. Each message pays for a signature, and a client "
        "whose token expires is refused without being disconnected."
    ),
    remedy="Verify once when the client connects, keep the identity, end the socket at `exp`.",
    examples=(
        Example(
            "typescript",
            bad="""\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

export function serve(io: Server, key: string) {
  io.use((socket, next) => {
    socket.data.user = jwt.verify(socket.handshake.auth.token, key, { algorithms: ['ES256'] });
    next();
  });
  io.on('connection', (socket) => {
    socket.on('order.create', (order) => {
      const user = jwt.verify(socket.handshake.auth.token, key, { algorithms: ['ES256'] });
      create(user, order);
    });
  });
}
""",
            good="""\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

export function serve(io: Server, key: string) {
  io.use((socket, next) => {
    socket.data.user = jwt.verify(socket.handshake.auth.token, key, { algorithms: ['ES256'] });
    next();
  });
  io.on('connection', (socket) => {
    socket.on('order.create', (order) => create(socket.data.user, order));
  });
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
    await sio.save_session(sid, claims)


@sio.event
async def create_order(sid, data):
    claims = jwt.decode(data["token"], KEY, algorithms=["ES256"])
    await create(claims["sub"], data["order"])
""",
            good="""\
import jwt
import socketio

sio = socketio.AsyncServer()


@sio.event
async def connect(sid, environ, auth):
    claims = jwt.decode(auth["token"], KEY, algorithms=["ES256"])
    await sio.save_session(sid, claims)


@sio.event
async def create_order(sid, data):
    claims = await sio.get_session(sid)
    await create(claims["sub"], data["order"])
""",
        ),
    ),
)

_RENEWS = re.compile(r"auth|login|log_in|refresh|token|renew|identify|sign_?in", re.IGNORECASE)
_HELD = re.compile(
    r"if\s*\(?\s*!?\(?\w*(?:client|socket|sock|ws|conn|connection)\b[!?]?\.(?:data|user|auth\w*|identity|session)\b",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"invite|invitation|share|reset|refresh|upload|download|room|file|ticket|link|meeting|guest",
    re.IGNORECASE,
)

_ASKS_MORE = re.compile(
    r"revoke|token_?version|blacklist|black_listed|blocklist|denylist|is_?banned|is_?active|is_?blocked|disabled|suspended",
    re.IGNORECASE,
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at gateways that verify at the connection: who verifies for messages as well?"""
    seen: set[object] = set()
    for gateway in model.gateways:
        again = [each for each in message_checks(model, gateway) if not each.is_timed]
        if not again or not connect_checks(model, gateway):
            continue
        for each in again:
            guard = (
                each.function.owner.node if each.handler is None and each.function.owner else None
            )
            key = (gateway.node, guard) if guard is not None else each.place
            if key not in seen and not _is_other(each):
                seen.add(key)
                yield RULE.fault(each.place, _message(each), fix=_fix(gateway, each))


def _is_other(check: Check) -> bool:
    """Tell whether a message brings a new token, or one for something else."""
    handler = check.handler
    if handler is not None and _RENEWS.search(f"{handler.event or ''} {handler.function.name}"):
        return True
    token, key = check.verification.token, check.verification.key
    if _HELD.search(check.function.node.text):
        return True  # it verifies only whom the connection didn't
    verifying = check.verification.call.node.function
    if verifying is not None and _ASKS_MORE.search(verifying.text):
        return True  # on purpose: whether the session still holds is known only now
    texts = [each.text for each in (token, key) if each is not None]
    return any(_OTHER.search(text) for text in texts)


def _message(check: Check) -> str:
    if check.handler is None:
        return "This guard verifies the token that was verified at the connection."
    return "The token was verified at the connection; this does it again for each message."


def _fix(gateway: Gateway, check: Check) -> Fix | None:
    """Return the gateway without the guard; a handler's own code is for a person to change."""
    node = check.place
    if check.handler is not None or node.kind != "decorator" or gateway.framework != "nest":
        return None
    names = node.find("identifier")
    return suggested(removed_line(node)) if len(names) == 2 else None  # its own, the guard's
