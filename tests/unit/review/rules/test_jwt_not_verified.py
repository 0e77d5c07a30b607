from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

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


NODE = """\
IMPORT
import { Server } from 'socket.io';
io.use((socket, next) => {
  const token = socket.handshake.auth.token;
  BODY
  next();
});
"""
PYTHON = """\
import jwt
import socketio
sio = socketio.AsyncServer()
@sio.event
async def connect(sid, environ, auth):
    token = auth["token"]
    BODY
    await serve(claims["sub"])
"""


@pytest.mark.parametrize(
    ("imported", "body"),
    [
        ("import jwt from 'jsonwebtoken';", "socket.user = jwt.decode(token);"),
        ("const { decode } = require('jsonwebtoken');", "socket.user = decode(token);"),
        ("import { jwtDecode } from 'jwt-decode';", "const { sub } = jwtDecode(token);"),
        ("import jwt_decode from 'jwt-decode';", "socket.user = jwt_decode(token);"),
        ("import * as jose from 'jose';", "socket.user = jose.decodeJwt(token);"),
        ("", "socket.user = JSON.parse(atob(token.split('.')[1]));"),
        ("", "const p = JSON.parse(Buffer.from(token.split('.')[1], 'base64').toString());"),
        ("import jwt from 'jwt-simple';", "socket.user = jwt.decode(token, key, true);"),
        ("import jwt from 'jsonwebtoken';", "const c = jwt.decode(token); validateUser(c.sub);"),
        ("import jwt from 'jsonwebtoken';", "jwt.verify(token, k, { ignoreExpiration: true });"),
        ("import jwt from 'jsonwebtoken';", "jwt.verify(token, k, { algorithms: ['none'] });"),
    ],
)
def test_node_reads_it_only(imported: str, body: str) -> None:
    code = NODE.replace("IMPORT", imported).replace("BODY", body)
    assert found(code, "jwt-not-verified") == [5]


@pytest.mark.parametrize(
    ("imported", "body"),
    [
        ("import jwt from 'jsonwebtoken';", "jwt.verify(token, key);"),
        ("import jwt from 'jsonwebtoken';", "const { exp } = f(jwt.decode(token).exp);"),
        ("import jwt from 'jsonwebtoken';", "const c = jwt.decode(token); later(c.exp * 1000);"),
        ("import jwt from 'jsonwebtoken';", "jwt.decode(token, { complete: true }).header.kid;"),
        ("import jwt from 'jsonwebtoken';", "verifyToken(token); const c = jwt.decode(token);"),
        ("import jwt from 'jsonwebtoken';", "jwt.verify(token, k, { ignoreExpiration: false });"),
        ("import jwt from 'jwt-simple';", "socket.user = jwt.decode(token, key);"),
        ("import { decode } from './base64';", "socket.user = decode(token);"),
        ("", "const name = JSON.parse(atob(socket.handshake.query.name));"),
        ("import jwt from 'jsonwebtoken';", "// jwt.decode(token)"),
    ],
)
def test_node_near_misses(imported: str, body: str) -> None:
    code = NODE.replace("IMPORT", imported).replace("BODY", body)
    assert not found(code, "jwt-not-verified")


def test_an_expired_token_is_read_after_it_was_refused() -> None:
    code = NODE.replace("IMPORT", "import jwt from 'jsonwebtoken';").replace(
        "BODY",
        "try { jwt.verify(token, key); } catch { leave(jwt.verify(token, key, "
        "{ ignoreExpiration: true })); }",
    )
    assert not found(code, "jwt-not-verified")


@pytest.mark.parametrize(
    "body",
    [
        'claims = jwt.decode(token, options={"verify_signature": False})',
        'claims = jwt.decode(token, KEY, algorithms=["none"])',
        "claims = jwt.get_unverified_claims(token)",
        "claims = jwt.decode(token, options=dict(verify_signature=False))",
        "claims = AccessToken(token, verify=False)",
        'claims = jwt.decode(token, options={"verify_signature": False}); check_user(claims)',
    ],
)
def test_python_reads_it_only(body: str) -> None:
    assert found(PYTHON.replace("BODY", body), "jwt-not-verified", "a.py") == [7]


@pytest.mark.parametrize(
    "body",
    [
        'claims = jwt.decode(token, KEY, algorithms=["HS256"])',
        'exp = jwt.decode(token, options={"verify_signature": False})["exp"]',
        'UntypedToken(token); claims = jwt.decode(token, options={"verify_signature": False})',
        "header = jwt.get_unverified_header(token)",
        "claims = AccessToken(token)",
        "claims = json.loads(base64.b64decode(data))",
    ],
)
def test_python_near_misses(body: str) -> None:
    assert not found(PYTHON.replace("BODY", body), "jwt-not-verified", "a.py")


def test_a_function_for_sockets_that_nobody_calls_here() -> None:
    code = """\
import jwt
from fastapi import WebSocket
def authenticate(websocket: WebSocket):
    return jwt.decode(websocket.headers["t"], options={"verify_signature": False})
"""
    assert found(code, "jwt-not-verified", "auth.py") == [4]


@pytest.mark.parametrize(
    ("body", "fixed"),
    [
        (
            "socket.user = jwt.decode(token);",
            "socket.user = jwt.verify(token, process.env.JWT_SECRET!, { algorithms: ['HS256'] });",
        ),
        (
            "jwt.verify(token, k, { ignoreExpiration: true });",
            "jwt.verify(token, k, { ignoreExpiration: false });",
        ),
    ],
)
def test_the_correction(body: str, fixed: str) -> None:
    code = NODE.replace("IMPORT", "import jwt from 'jsonwebtoken';").replace("BODY", body)
    [finding] = review_text(code, "jwt-not-verified")
    assert finding.fix is not None
    after = applied(code, finding.fix.edits)
    check = "if (!process.env.JWT_SECRET) {\n  throw new Error('JWT_SECRET is not set');\n}"
    assert after.replace(f"\n\n{check}", "") == code.replace(body, fixed)
    assert (check in after) == ("process.env" in fixed)
    assert not found(after, "jwt-not-verified")


def test_the_correction_in_nest() -> None:
    files = {"a.gateway.ts": GATEWAY, "tokens.ts": TOKENS}
    [finding] = review_project(files, "jwt-not-verified").findings
    assert finding.fix is not None
    verified = TOKENS.replace("decode(token", "verify(token, { algorithms: ['HS256'] }")
    assert applied(TOKENS, finding.fix.edits) == verified
    files["jwt.module.ts"] = "JwtModule.register({ verifyOptions: { algorithms: ['RS256'] } });\n"
    files["a.gateway.ts"] = GATEWAY + f"// {files['jwt.module.ts']}"
    [finding] = review_project(files, "jwt-not-verified").findings
    assert finding.fix is not None
    assert applied(TOKENS, finding.fix.edits) == TOKENS.replace("decode", "verify")


def test_the_correction_in_python() -> None:
    code = PYTHON.replace("BODY", 'claims = jwt.decode(token, options={"verify_signature": False})')
    [finding] = review_text(code, "jwt-not-verified", name="a.py")
    assert finding.fix is not None
    after = applied(code, finding.fix.edits)
    assert after == "import os\n" + PYTHON.replace(
        "BODY", 'claims = jwt.decode(token, os.environ["JWT_SECRET"], algorithms=["HS256"])'
    )
    assert not found(after, "jwt-not-verified", "a.py")
