"""``secret-without-configuration``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.environment import checked
from tidegate.review.edits.insertions import named_import
from tidegate.review.facts.environment import Setting, is_checked, setting_of
from tidegate.review.fix import Fix, replaced, suggested
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node, SourceFile

RULE = Rule(
    name="secret-without-configuration",
    topic="module",
    severity="low",
    languages=("typescript", "python"),
    summary="A secret is read from the environment, and nobody asks whether it is there.",
    why=(
        "If the variable is missing the application starts all the same, with `undefined` or "
        "`None` as its secret. It fails at the first token, at each of them, and the message "
        "speaks of tokens. In a decorator it may be missing even where a `.env` file sets it."
    ),
    remedy="Refuse to start without it: `config.getOrThrow('X')`, or `os.environ['X']`.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';

@Module({ imports: [JwtModule.register({ secret: process.env.JWT_SECRET })] })
export class RealtimeModule {}
""",
            good="""\
import { Module } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { JwtModule } from '@nestjs/jwt';

@Module({
  imports: [
    JwtModule.registerAsync({
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({ secret: config.getOrThrow('JWT_SECRET') }),
    }),
  ],
})
export class RealtimeModule {}
""",
        ),
        Example(
            "typescript",
            title="Socket.IO on Node",
            bad="""\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

const io = new Server(httpServer);
io.use((socket, next) => {
  socket.data.user = jwt.verify(socket.handshake.auth.token, process.env.JWT_SECRET);
  next();
});
""",
            good="""\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

const secret = process.env.JWT_SECRET;
if (!secret) throw new Error('JWT_SECRET is not set');

const io = new Server(httpServer);
io.use((socket, next) => {
  socket.data.user = jwt.verify(socket.handshake.auth.token, secret);
  next();
});
""",
        ),
        Example(
            "python",
            bad="""\
import os
import jwt
import socketio

sio = socketio.AsyncServer()
SECRET = os.getenv("JWT_SECRET")


@sio.event
async def connect(sid, environ, auth):
    claims = jwt.decode(auth["token"], SECRET, algorithms=["HS256"])
""",
            good="""\
import os
import jwt
import socketio

sio = socketio.AsyncServer()
SECRET = os.environ["JWT_SECRET"]


@sio.event
async def connect(sid, environ, auth):
    claims = jwt.decode(auth["token"], SECRET, algorithms=["HS256"])
""",
        ),
    ),
)

_KEYS = ("secret", "secretOrKey", "privateKey", "publicKey", "secretKey")
_USES = ("verify", "verifyAsync", "sign", "signAsync", "decode", "encode")
_MAKES = re.compile(
    r"^(?:register|registerAsync|JwtService|super|session|expressSession|expressjwt)$"
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at what signs and verifies; each variable is reported once in a file."""
    for file in model.files:
        if not re.search(r"process\.env|environ|getenv|SECRET|secret", file.text):
            continue
        seen: set[str] = set()
        for call in file.calls:
            for node in _keys(call):
                setting = setting_of(model, node)
                if setting is None or setting.is_service or setting.name in seen:
                    continue
                seen.add(setting.name)
                if not is_checked(model, setting):
                    message = f"Unless `{setting.name}` is set, there is no secret."
                    yield RULE.fault(node, message, fix=_fix(file, call, node, setting))


def _keys(call: Call) -> Iterator[Node]:
    """Yield what a call signs or verifies with."""
    if call.name not in _USES and not _MAKES.match(call.name or call.path):
        return
    receiver = call.receiver.text if call.receiver is not None else "jwt"
    is_jwt = call.name in _USES and re.search(r"jwt|jsonwebtoken", receiver, re.IGNORECASE)
    if is_jwt and len(call.args) > 1 and call.args[1].kind != "object":
        yield call.args[1]
    if call.file.is_python and call.name in _USES and "key" in call.keywords:
        yield call.keywords["key"]
    for arg in call.args[:3]:
        if arg.kind == "object":
            for node in arg.find("object"):
                for key, value in node.pairs().items():
                    if key in _KEYS:
                        yield value


def _fix(file: SourceFile, call: Call, node: Node, setting: Setting) -> Fix | None:
    if file.is_python:
        if setting.node.file is not file or not re.match(r"os\.", setting.node.text):
            return None
        return suggested(replaced(setting.node, f'os.environ["{setting.name}"]'))
    in_module = call.name == "register" and call.receiver is not None
    if in_module and len(call.args) == 1 and call.args[0].kind == "object" and call.callee:
        given = call.args[0]
        start, end = node.start - given.start, node.end - given.start
        entry = f"config.getOrThrow('{setting.name}')"
        key = "" if node.kind != "shorthand_property_identifier" else f"{node.text}: "
        options = f"{given.text[:start]}{key}{entry}{given.text[end:]}"
        code = (
            f"{call.receiver.text if call.receiver else ''}.registerAsync({{\n"
            f"  inject: [ConfigService],\n"
            f"  useFactory: (config: ConfigService) => ({options}),\n}})"
        )
        return suggested(
            replaced(call.node, code), *named_import(file, "ConfigService", "@nestjs/config")
        )
    return suggested(*checked(file, setting.name))
