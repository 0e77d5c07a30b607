from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "secret-without-configuration"
MODULE = """\
import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
@Module({ imports: [JwtModule.register({ secret: VALUE, signOptions: { expiresIn: '1h' } })] })
export class AuthModule {}
"""
NODE = """\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';
const SECRET = process.env.JWT_SECRET;
const { OTHER } = process.env;
io.use((socket, next) => {
  socket.data.user = jwt.verify(socket.handshake.auth.token, VALUE);
});
"""


@pytest.mark.parametrize(
    "value", ["process.env.JWT_SECRET", "process.env.JWT_SECRET!", "process.env['JWT_SECRET']"]
)
def test_a_module(value: str) -> None:
    code = MODULE.replace("VALUE", value)
    [finding] = review_text(code, RULE)
    assert finding.line == 3
    assert finding.fix is not None
    text = applied(code, finding.fix.edits)
    assert "({ secret: config.getOrThrow('JWT_SECRET'), signOptions" in text
    assert "import { ConfigService } from '@nestjs/config';" in text
    assert not found(text, RULE)


@pytest.mark.parametrize(
    "value",
    ["process.env.JWT_SECRET", "SECRET", "SECRET as string", "OTHER", "process.env.JWT_SECRET!"],
)
def test_a_call_that_verifies(value: str) -> None:
    code = NODE.replace("VALUE", value)
    [finding] = review_text(code, RULE)
    assert finding.line == 6
    assert finding.fix is not None
    assert not found(applied(code, finding.fix.edits), RULE)


@pytest.mark.parametrize(
    "code",
    [
        MODULE.replace("VALUE", "config.jwtSecret"),
        MODULE.replace("VALUE", "process.env.JWT_SECRET ?? fail('JWT_SECRET')"),
        MODULE.replace("VALUE", "'secret'"),
        NODE.replace("VALUE", "env.JWT_SECRET"),
        NODE.replace("VALUE", "getSecret()"),
        NODE.replace("VALUE", "SECRET") + "if (!SECRET) throw new Error('JWT_SECRET');\n",
        NODE.replace("jwt.verify", "cache.sign").replace("VALUE", "process.env.KEY"),
    ],
)
def test_the_near_misses(code: str) -> None:
    assert not found(code, RULE)


def test_options_of_a_verification_and_of_a_strategy() -> None:
    code = """\
import { WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway()
export class A {
  handleConnection(client) {
    this.jwt.verify(client.handshake.auth.token, { secret: process.env.JWT_SECRET });
    this.jwt.verify(client.handshake.auth.token, { secret: process.env.JWT_SECRET });
  }
}
"""
    assert found(code, RULE) == [5]


def test_a_schema_checks_it() -> None:
    files = {
        "auth.module.ts": MODULE.replace("VALUE", "process.env.JWT_SECRET"),
        "config/env.validation.ts": "export const s = Joi.object({ JWT_SECRET: Joi.string() });",
    }
    assert not review_project(files, RULE).findings


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("os.getenv('JWT_SECRET')", True),
        ("os.environ.get('JWT_SECRET')", True),
        ("os.environ['JWT_SECRET']", False),
        ("os.getenv('JWT_SECRET', 'dev')", False),
        ("settings.jwt_secret", False),
    ],
)
def test_python(value: str, expected: bool) -> None:
    code = f"""\
import os
import jwt
import socketio
SECRET = {value}
sio = socketio.Server()

@sio.event
def connect(sid, environ, auth):
    jwt.decode(auth["token"], SECRET, algorithms=["HS256"])
"""
    findings = review_text(code, RULE, name="a.py")
    assert bool(findings) is expected
    for finding in findings:
        assert finding.fix is not None
        assert not found(applied(code, finding.fix.edits), RULE, "a.py")
    assert not found(code + "\nif not SECRET:\n    raise SystemExit\n", RULE, "a.py")
