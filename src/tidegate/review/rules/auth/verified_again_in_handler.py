"""``verified-again-in-handler``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.expiry import ending_at_expiry
from tidegate.review.facts.auth.expiry import knows_expiry
from tidegate.review.facts.auth.jwt_checks import Check, connect_checks, message_checks
from tidegate.review.fix import Edit, Fix, removed_decorator, replaced, suggested
from tidegate.review.model import Class, Gateway, Model
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

_DECIDES_MORE = re.compile(
    r"reflector|roles?\b|permission|scopes?\b|is_?(?:active|banned|blocked|admin)", re.IGNORECASE
)
_LEFT = re.compile(r"(?:\b(?!this\b)\w+|\))!?\.((?:data\.)?\w+)\s*=(?![=>])")
"""What is assigned to a member: of the socket, or of what it carries."""


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
                yield RULE.fault(each.place, _message(each), fix=_fix(model, gateway, each))


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


# The correction


def _fix(model: Model, gateway: Gateway, check: Check) -> Fix | None:
    """Return the gateway without the guard; a handler's own code is for a person to change.

    The guard was all that looked at the expiry of the token: a timer takes that over. None if
    there is no place for it, or if the guard does more than the check at the connection.
    """
    guard = check.function.owner
    if check.handler is not None or gateway.framework != "nest" or guard is None:
        return None
    edits = _without_guard(model, gateway, guard)
    checks = connect_checks(model, gateway)
    if not edits or _does_more(model, guard, checks):
        return None
    is_timed = any(each.is_timed for each in message_checks(model, gateway))
    if not is_timed and not knows_expiry(model, gateway, checks):
        timer = ending_at_expiry(gateway, checks[0])
        if timer is None:
            return None
        edits += timer.edits
    return suggested(*edits)


def _without_guard(model: Model, gateway: Gateway, guard: Class) -> list[Edit]:
    """Return the edits that take a guard from a gateway and all of its handlers."""
    decorators = list(gateway.guards)
    for handler in gateway.handlers:
        decorators += handler.function.decorated("UseGuards")
    edits = []
    for decorator in decorators:
        kept = []
        for arg in decorator.args:
            owner = model.project.class_named(arg.file, arg.text)
            if owner is None or owner.node != guard.node:
                kept.append(arg.text)
        if not kept:
            edits.append(removed_decorator(decorator.node))
        elif len(kept) < len(decorator.args):
            edits.append(replaced(decorator.node, f"@UseGuards({', '.join(kept)})"))
    return edits


def _does_more(model: Model, guard: Class, checks: list[Check]) -> bool:
    """Tell whether a guard decides, or leaves on the socket, what the connection does not."""
    text = guard.node.text
    if _DECIDES_MORE.search(text):
        return True
    known = {each.node.text for check in checks for each in model.project.reach(check.function)}
    left = {name for each in known for name in _left(each)}
    return any(name not in left for name in _left(text))


def _left(text: str) -> list[str]:
    return _LEFT.findall(re.sub(r"\[['\"](\w+)['\"]\]", r".\1", text))
