from __future__ import annotations

from tests.unit.review.helpers import found, review_project

GATEWAY = """\
import { WebSocketGateway } from '@nestjs/websockets';
import { Tokens } from './tokens';
@WebSocketGateway()
export class A {
  constructor(private readonly tokens: Tokens) {}
  handleConnection(client) { client.data.user = this.tokens.read(client.handshake.auth.token); }
}
"""
TOKENS = """\
import { JwtService } from '@nestjs/jwt';
export class Tokens {
  constructor(private readonly jwt: JwtService) {}
  read(token: string) { return this.jwt.decode(token); }
}
"""


def test_a_service_in_another_file_decodes() -> None:
    files = {"a.gateway.ts": GATEWAY, "tokens.ts": TOKENS}
    [finding] = review_project(files, "jwt-not-verified").findings
    assert (finding.file, finding.line) == ("tokens.ts", 4)
    files["tokens.ts"] = TOKENS.replace("decode", "verify")
    assert not review_project(files, "jwt-not-verified").findings


def test_what_no_gateway_reaches_is_not_ours() -> None:
    files = {"a.gateway.ts": GATEWAY.replace("this.tokens.read(", "check("), "tokens.ts": TOKENS}
    assert not review_project(files, "jwt-not-verified").findings


def test_a_look_at_the_header_before_verifying() -> None:
    body = "const h = this.jwt.decode(token); return this.jwt.verify(token, keyOf(h));"
    files = {
        "a.gateway.ts": GATEWAY,
        "tokens.ts": TOKENS.replace("return this.jwt.decode(token);", body),
    }
    assert not review_project(files, "jwt-not-verified").findings


def test_python_flags() -> None:
    code = """\
import jwt, socketio
sio = socketio.AsyncServer()
@sio.event
def connect(sid, environ, auth):
    jwt.decode(auth["t"], KEY, algorithms=["HS256"]FLAGS)
"""
    flags = ', options={"verify_exp": False}'
    assert found(code.replace("FLAGS", flags), "jwt-not-verified", "a.py") == [5]
    flags = ', options={"verify_aud": False}'
    assert not found(code.replace("FLAGS", flags), "jwt-not-verified", "a.py")
    assert found(code.replace("FLAGS", ", verify=False"), "jwt-not-verified", "a.py") == [5]
