"""``refused-client-stays-connected``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.refusals import refusal_in, refusal_of_next, welcome_follows
from tidegate.review.facts.auth.connecting import Scene, accepts, scenes
from tidegate.review.facts.auth.failed_checks import FailedCheck, failed_checks, rest_of, subject_of
from tidegate.review.facts.auth.outcomes import Outcome, is_refusal, is_welcome, outcome_of
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call

RULE = Rule(
    name="refused-client-stays-connected",
    topic="auth",
    severity="high",
    languages=("typescript", "python"),
    summary="A client without a valid token is noticed, and stays connected.",
    why=(
        "Returning, logging or telling the client ends nothing: the connection stays open. It "
        "hears what is emitted to all, it may send, and it costs memory as long as it likes. Only "
        "`disconnect`, `close`, an error to `next`, or a refusal that the framework knows ends it."
    ),
    remedy="Disconnect the client, or refuse it, on each way out of the check.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { JwtService } from '@nestjs/jwt';
import { OnGatewayConnection, WebSocketGateway } from '@nestjs/websockets';
import type { Socket } from 'socket.io';

@WebSocketGateway({ namespace: 'orders' })
export class OrdersGateway implements OnGatewayConnection {
  constructor(private readonly jwt: JwtService) {}

  handleConnection(client: Socket) {
    const token: string | undefined = client.handshake.auth.token;
    if (!token) {
      client.emit('error', 'Unauthorized');
      return;
    }
    try {
      client.data.user = this.jwt.verify(token);
    } catch (error) {
      client.emit('error', 'Unauthorized');
    }
  }
}
""",
            good="""\
import { JwtService } from '@nestjs/jwt';
import { OnGatewayConnection, WebSocketGateway } from '@nestjs/websockets';
import type { Socket } from 'socket.io';

@WebSocketGateway({ namespace: 'orders' })
export class OrdersGateway implements OnGatewayConnection {
  constructor(private readonly jwt: JwtService) {}

  handleConnection(client: Socket) {
    const token: string | undefined = client.handshake.auth.token;
    if (!token) {
      client.emit('error', 'Unauthorized');
      client.disconnect(true);
      return;
    }
    try {
      client.data.user = this.jwt.verify(token);
    } catch (error) {
      client.emit('error', 'Unauthorized');
      client.disconnect(true);
    }
  }
}
""",
        ),
        Example(
            "typescript",
            title="A middleware that goes on",
            file="socket.ts",
            bad="""\
import { Server } from 'socket.io';
import { verifyToken } from './tokens';

export function protect(io: Server) {
  io.use((socket, next) => {
    const user = verifyToken(socket.handshake.auth.token);
    if (!user) {
      next(new Error('Unauthorized'));
    }
    socket.data.user = user;
    next();
  });
}
""",
            good="""\
import { Server } from 'socket.io';
import { verifyToken } from './tokens';

export function protect(io: Server) {
  io.use((socket, next) => {
    const user = verifyToken(socket.handshake.auth.token);
    if (!user) {
      return next(new Error('Unauthorized'));
    }
    socket.data.user = user;
    next();
  });
}
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

from tokens import verify_token

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def connect(sid, environ, auth):
    user = verify_token((auth or {}).get("token"))
    if user is None:
        await sio.emit("error", {"message": "unauthorized"}, to=sid)
        return
    await sio.save_session(sid, {"user": user})
""",
            good="""\
import socketio

from tokens import verify_token

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def connect(sid, environ, auth):
    user = verify_token((auth or {}).get("token"))
    if user is None:
        raise socketio.exceptions.ConnectionRefusedError("unauthorized")
    await sio.save_session(sid, {"user": user})
""",
        ),
        Example(
            "python",
            title="FastAPI and Starlette",
            file="live.py",
            bad="""\
from fastapi import FastAPI, WebSocket

from tokens import verify_token

app = FastAPI()


@app.websocket("/live")
async def live(websocket: WebSocket, token: str = ""):
    user = verify_token(token)
    await websocket.accept()
    if user is None:
        await websocket.send_json({"error": "unauthorized"})
        return
    await websocket.send_json({"hello": user.name})
""",
            good="""\
from fastapi import FastAPI, WebSocket

from tokens import verify_token

app = FastAPI()


@app.websocket("/live")
async def live(websocket: WebSocket, token: str = ""):
    user = verify_token(token)
    if user is None:
        await websocket.close(code=1008)
        return
    await websocket.accept()
    await websocket.send_json({"hello": user.name})
""",
        ),
    ),
)

_REFUSES_IN_WORDS = re.compile(
    r"unauthor|invalid|missing|denied|no (?:valid )?(?:auth )?token|reject|fail|refus|forbid"
    r"|error|expired|required|bad|wrong|not (?:valid|allowed|authent|found)|without",
    re.IGNORECASE,
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Follow each failed check in what runs while a client connects."""
    for scene in scenes(model):
        for failed in failed_checks(model, scene.function):
            finding = (
                _in_middleware(model, scene, failed)
                if scene.kind == "next"
                else _in_handler(model, scene, failed)
            )
            if finding is not None:
                yield finding
        if scene.kind == "next":
            yield from _other_refusals(model, scene)


# Middlewares


def _other_refusals(model: Model, scene: Scene) -> Iterator[Finding]:
    """Yield refusals of any kind, such as for want of a right, after which ``next()`` follows."""
    judged = {
        call.node
        for failed in failed_checks(model, scene.function)
        for call in failed.body.calls(scene.calls_next)
    }
    for call in scene.function.calls:
        is_next = call.name == scene.calls_next and call.receiver is None
        if not is_next or not is_refusal(call) or call.node in judged:
            continue
        if welcome_follows(call, scene.calls_next):
            message = "`next` gets the error, and then the code goes on and lets the client in."
            yield RULE.fault(call.node, message, fix=refusal_of_next(call, scene))


def _in_middleware(model: Model, scene: Scene, failed: FailedCheck) -> Finding | None:
    calls = [call for call in failed.body.calls(scene.calls_next) if call.receiver is None]
    refusals = [call for call in calls if is_refusal(call)]
    if refusals:
        last = refusals[-1]
        if _ends_with(failed, last) and _lets_pass(scene, failed):
            if failed.kind == "missing" and _is_verified_after(failed):
                return RULE.could_not_tell(last.node, "What follows may fail without a token.")
            message = "`next` gets the error, and then the code goes on and lets the client in."
            return RULE.fault(last.node, message, fix=refusal_of_next(last, scene))
        return None
    welcomes = [call for call in calls if not call.args]
    if not welcomes:
        return None  # without next() nobody is let in
    outcome = outcome_of(model, failed, scene.function)
    if outcome in ("refused", "throws", "unknown") or is_welcome(failed) or not _says_no(failed):
        return RULE.could_not_tell(welcomes[0].node, "Clients without a valid token may be meant.")
    message = "The token is not valid, and `next()` lets the client in."
    return RULE.fault(welcomes[0].node, message, fix=refusal_of_next(welcomes[0], scene))


def _ends_with(failed: FailedCheck, call: Call) -> bool:
    """Tell whether nothing leaves the function after an error was given to ``next``."""
    if call.node.parent is not None and call.node.parent.kind != "expression_statement":
        return False
    if failed.body.find("return_statement", "throw_statement", "break_statement"):
        return False
    has_else = failed.around.field("alternative") is not None
    return not (failed.kind == "missing" and has_else)


def _lets_pass(scene: Scene, failed: FailedCheck) -> bool:
    return any(
        not call.args and call.receiver is None
        for node in rest_of(failed.around)
        for call in node.calls(scene.calls_next)
    )


def _is_verified_after(failed: FailedCheck) -> bool:
    """Tell whether a token is verified once more, which throws if there is none."""
    missing = subject_of(failed.node)
    return any(
        re.match(r"(?:jwt_?)?(?:verify|decode)", call.name, re.IGNORECASE)
        and any(re.search(rf"\b{missing}\b", arg.text) for arg in call.args)
        for node in rest_of(failed.around)
        for call in node.calls()
    )


def _says_no(failed: FailedCheck) -> bool:
    if failed.kind == "error" and not failed.body.find("return_statement"):
        return bool(failed.body.calls()) and _REFUSES_IN_WORDS.search(failed.body.text) is not None
    texts = [node.text for node in failed.body.find("string", "template_string")]
    return any(_REFUSES_IN_WORDS.search(text) for text in texts)


# Handlers


def _in_handler(model: Model, scene: Scene, failed: FailedCheck) -> Finding | None:
    if _is_not_connected(model, scene, failed):
        return None
    outcome = outcome_of(model, failed, scene.function)
    node = failed.node
    if outcome == "refused" or (outcome == "throws" and not _is_lost(scene, failed)):
        return None
    if outcome == "unknown" or is_welcome(failed) or _may_log_in_later(scene):
        return RULE.could_not_tell(node, "Whether this client is turned away can't be seen here.")
    is_plain = failed.kind == "missing" and not failed.body.calls()
    if outcome == "goes on" and is_plain:
        return RULE.could_not_tell(node, "What follows may refuse this client.")
    return RULE.fault(
        node,
        _message(outcome),
        confidence="likely" if is_plain else "certain",
        fix=refusal_in(failed, scene, outcome),
    )


def _message(outcome: Outcome) -> str:
    if outcome == "throws":
        return "An exception here disconnects nobody: Nest catches none of this hook."
    if outcome == "goes on":
        return "The client's token is not valid, and the code goes on with it."
    return "The client has no valid token here, and stays connected."


def _is_lost(scene: Scene, failed: FailedCheck) -> bool:
    """Tell whether an exception leaves Nest's connect hook, where nobody catches it."""
    if scene.framework != "nest" or not scene.is_first:
        return False
    return (
        not any(node.kind == "try_statement" for node in failed.node.ancestors())
        or failed.kind == "error"
    )


def _is_not_connected(model: Model, scene: Scene, failed: FailedCheck) -> bool:
    """Tell whether there is no connection yet: nothing was accepted."""
    if scene.framework not in ("websocket", "channels") or not scene.function.file.is_python:
        return False
    accepted = accepts(model, scene.function)
    if _is_served_in_loop(failed):
        return True
    if not scene.is_first:
        return not accepted
    if failed.body.find("return_statement"):
        return not any(call.node.start < failed.node.start for call in accepted)
    return not accepted


def _is_served_in_loop(failed: FailedCheck) -> bool:
    """Tell a ``try`` around the whole conversation, and what is checked in the course of it."""
    if any(
        around.kind in ("while_statement", "for_statement")
        for around in failed.node.ancestors()
        if around.start >= (failed.node.function or failed.node).start
    ):
        return True
    return failed.kind == "error" and any(
        call.name.startswith(("receive", "iter_")) for call in failed.around.calls()
    )


def _may_log_in_later(scene: Scene) -> bool:
    """Tell whether the gateway has a message by which a client shows its token."""
    if scene.gateway is None:
        return False
    return any(
        re.search(r"auth|login|identify|token|handshake", handler.event or "", re.IGNORECASE)
        for handler in scene.gateway.of_kind("message")
    )
