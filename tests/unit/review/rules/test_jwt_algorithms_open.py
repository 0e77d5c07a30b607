from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "jwt-algorithms-open"
NODE = """\
import jwt from 'jsonwebtoken'; import 'socket.io';
io.use((socket, next) => {
  CALL
  next();
});
"""
GATEWAY = """\
import { JwtService } from '@nestjs/jwt';
import { WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway()
export class A {
  constructor(private readonly jwtService: JwtService) {}
  async handleConnection(client: Socket) {
    client.data.user = await this.jwtService.verifyAsync<User>(client.handshake.auth.token);
  }
}
"""
MODULE = """\
import { JwtModule } from '@nestjs/jwt';
@Module({ imports: [JwtModule.REGISTER], providers: [A] })
export class AppModule {}
"""
PYTHON = """\
IMPORT
import socketio
sio = socketio.AsyncServer()
@sio.event
async def connect(sid, environ, auth):
    claims = CALL
"""


def node(call: str) -> list[int]:
    return found(NODE.replace("CALL", call), RULE)


def python(call: str, imports: str = "import jwt") -> list[int]:
    return found(PYTHON.replace("CALL", call).replace("IMPORT", imports), RULE, "a.py")


@pytest.mark.parametrize(
    "call",
    [
        "socket.user = jwt.verify(token, process.env.JWT_SECRET);",
        "socket.user = jwt.verify(token, key) as Claims;",
        "jwt.verify(token, key, (err, user) => next(err));",
        "jwt.verify(token, key, callback);",
        "jwt.verify(token, key, { complete: true });",
        "jwt.verify(token, key, { algorithms: ['HS256', 'RS256'] });",
        "jwt.verify(token, key, { algorithms: [header.alg] });",
        "promisify(jwt.verify)(token, key);",
    ],
)
def test_the_call_pins_nothing(call: str) -> None:
    assert node(call) == [3]


@pytest.mark.parametrize(
    "call",
    [
        "jwt.verify(token, key, { algorithms: ['HS256'] });",
        "jwt.verify(token, key, { algorithms: ['RS256', 'RS512'] }, done);",
        "jwt.verify(token, key, { issuer: 'us' });",
        "jwt.verify(token, key, { audience });",
        "jwt.verify(token, key, OPTIONS);",
        "jwt.verify(token, key, { ...OPTIONS });",
        "jwt.sign(claims, key);",
        "crypto.verify(token, key);",
        "// jwt.verify(token, key)",
        "log('jwt.verify(token, key)');",
    ],
)
def test_the_call_pins_or_is_another(call: str) -> None:
    assert not node(call)


def test_other_ways_to_import() -> None:
    body = "import 'socket.io'; io.use((socket, next) => { check(token, key); next(); });"
    assert found("const { verify: check } = require('jsonwebtoken');\n" + body, RULE) == [2]
    assert found("import { verify as check } from 'jsonwebtoken';\n" + body, RULE) == [2]
    assert not found("import { verify as check } from './tokens';\n" + body, RULE)
    jose = "import { jwtVerify } from 'jose';\n" + body.replace("check", "await jwtVerify")
    assert found(jose, RULE) == [2]
    assert not found(jose.replace("key)", "key, { issuer })"), RULE)


def test_options_in_a_constant_of_another_file() -> None:
    files = {
        "io.ts": "import { options } from './options';\n"
        + NODE.replace("CALL", "jwt.verify(token, key, options);"),
        "options.ts": "export const options = { algorithms: ['HS256'] };\n",
    }
    assert not review_project(files, RULE).findings
    files["options.ts"] = "export const options = { clockTolerance: 5 };\n"
    assert [each.line for each in review_project(files, RULE).findings] == [4]


@pytest.mark.parametrize(
    ("register", "lines"),
    [
        ("register({ secret: S })", [7]),
        ("register({ secret: S, signOptions: { algorithm: 'HS256', issuer: 'us' } })", [7]),
        ("register({ secret: S, verifyOptions: { algorithms: ['HS256'] } })", []),
        ("registerAsync({ useFactory: (c) => ({ secret: c.get('S') }) })", [7]),
        ("registerAsync({ useFactory: () => ({ secret: S, verifyOptions: { issuer } }) })", []),
        ("registerAsync({ useFactory: (c) => c.get('jwt') })", []),
        ("registerAsync(jwtConfig.asProvider())", []),
    ],
)
def test_the_module_decides(register: str, lines: list[int]) -> None:
    files = {"a.gateway.ts": GATEWAY, "app.module.ts": MODULE.replace("REGISTER", register)}
    assert [each.line for each in review_project(files, RULE).findings] == lines


def test_the_module_is_not_to_be_seen() -> None:
    module = "import { AuthModule } from '@us/auth';\n" + MODULE.replace(
        "JwtModule.REGISTER", "AuthModule"
    )
    files = {"a.gateway.ts": GATEWAY, "app.module.ts": module}
    [finding] = review_project(files, RULE, could_not_tell=True).findings
    assert finding.verdict == "could-not-tell"
    assert found(GATEWAY, RULE) == [7]


def test_a_jwt_service_of_the_project() -> None:
    files = {
        "a.gateway.ts": GATEWAY.replace("@nestjs/jwt", "./jwt.service"),
        "jwt.service.ts": "import { verify } from 'jsonwebtoken';\nexport class JwtService {\n"
        "  verifyAsync(token) { return verify(token, this.key, { algorithms: ['HS256'] }); }\n}\n",
    }
    assert not review_project(files, RULE).findings
    files["jwt.service.ts"] = files["jwt.service.ts"].replace(", { algorithms: ['HS256'] }", "")
    [finding] = review_project(files, RULE).findings
    assert (finding.file, finding.line) == ("jwt.service.ts", 3)


def test_a_service_that_only_http_reaches() -> None:
    files = {
        "a.gateway.ts": GATEWAY.replace("await this.jwtService.verifyAsync<User>", "check"),
        "auth.service.ts": GATEWAY.replace("@WebSocketGateway()", "").replace("handshake.", ""),
    }
    assert not review_project(files, RULE).findings


@pytest.mark.parametrize(
    ("call", "is_found"),
    [
        ("jwt.decode(auth['t'], KEY, algorithms=None)", True),
        ("jwt.decode(auth['t'], KEY)", True),
        ("jwt.decode(t, KEY, algorithms=[jwt.get_unverified_header(t)['alg']])", True),
        ("jwt.decode(auth['t'], KEY, algorithms=['HS256', 'RS256'])", True),
        ("jwt.decode(auth['t'], KEY, ['HS256'])", False),
        ("jwt.decode(auth['t'], KEY, algorithms=[settings.ALGORITHM])", False),
        ("jwt.decode(auth['t'], KEY, algorithms=['HS256', 'HS512'])", False),
        ("jwt.decode(auth['t'], KEY, **options)", False),
        ("jwt.decode(auth['t'], options={'verify_signature': False})", False),
        ("base64.b64decode(KEY)", False),
        ("KEY.decode('utf-8')", False),
    ],
)
def test_python(call: str, is_found: bool) -> None:
    assert bool(python(call)) == is_found
    assert bool(python(call, "from jose import jwt")) == is_found


def test_python_takes_the_algorithm_from_the_header() -> None:
    code = PYTHON.replace("IMPORT", "import jwt").replace(
        "CALL",
        "jwt.get_unverified_header(t)\n    alg = header['alg']\n"
        "    jwt.decode(t, KEY, algorithms=[alg])",
    )
    assert found(code.replace("claims", "header"), RULE, "a.py") == [8]


def test_the_correction() -> None:
    code = NODE.replace("CALL", "const user = jwt.verify(token, process.env.JWT_SECRET); // who")
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    fixed = applied(code, finding.fix.edits)
    assert fixed == code.replace("SECRET)", "SECRET, { algorithms: ['HS256'] })")
    assert not found(fixed, RULE)


@pytest.mark.parametrize(
    ("call", "fixed"),
    [
        (
            "jwt.verify(token, publicKey, done);",
            "jwt.verify(token, publicKey, { algorithms: ['RS256'] }, done);",
        ),
        (
            "jwt.verify(token, key, { complete: true });",
            "jwt.verify(token, key, { complete: true, algorithms: ['HS256'] });",
        ),
    ],
)
def test_corrections_of_other_calls(call: str, fixed: str) -> None:
    code = NODE.replace("CALL", call)
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    assert applied(code, finding.fix.edits) == NODE.replace("CALL", fixed)


def test_the_correction_in_python() -> None:
    code = PYTHON.replace("IMPORT", "import jwt").replace("CALL", "jwt.decode(auth['t'], KEY)")
    [finding] = review_text(code, RULE, name="a.py")
    assert finding.fix is not None
    fixed = applied(code, finding.fix.edits)
    assert fixed == code.replace("KEY)", 'KEY, algorithms=["HS256"])')
    assert not found(fixed, RULE, "a.py")


@pytest.mark.parametrize(
    ("pins", "faults"), [("", 1), ("verifyOptions: { algorithms: ['HS256'] },", 0)]
)
def test_the_factory_of_the_module_calls_a_function(pins: str, faults: int) -> None:
    files = {
        "live.gateway.ts": """\
import { WebSocketGateway } from '@nestjs/websockets';
import { JwtService } from '@nestjs/jwt';
@WebSocketGateway()
export class Live {
  constructor(private readonly jwt: JwtService) {}
  handleConnection(client) { client.data.user = this.jwt.verify(client.handshake.auth.token); }
}
""",
        "app.module.ts": f"""\
import {{ Module }} from '@nestjs/common';
import {{ JwtModule }} from '@nestjs/jwt';
import {{ Live }} from './live.gateway';
function tokens(config) {{ return {{ secret: config.get('SECRET'), {pins} }}; }}
const options = {{ useFactory: (config) => {{ return tokens(config); }} }};
@Module({{ imports: [JwtModule.registerAsync(options)], providers: [Live] }})
export class AppModule {{}}
""",
    }
    assert len(review_project(files, "jwt-algorithms-open").findings) == faults
