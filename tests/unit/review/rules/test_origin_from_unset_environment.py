from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "origin-from-unset-environment"
NEST = """\
import { WebSocketGateway } from '@nestjs/websockets';
const ORIGIN = process.env.ORIGIN;
const { WEB } = process.env;
@WebSocketGateway({ cors: { origin: VALUE } })
export class A {}
"""


@pytest.mark.parametrize(
    "value",
    [
        "process.env.ORIGIN",
        "process.env.ORIGIN!",
        "process.env.ORIGIN as string",
        "process.env['ORIGIN']",
        "process.env.ORIGIN || '*'",
        "process.env.ORIGIN ?? true",
        "process.env.ORIGIN?.split(',')",
        "process.env.ORIGIN?.split(',') || '*'",
        "process.env.ORIGIN?.split(',').map((each) => each.trim())",
        "process.env.ORIGIN ? process.env.ORIGIN.split(',') : '*'",
        "!process.env.ORIGIN ? '*' : process.env.ORIGIN.split(',')",
        "(process.env.ORIGIN || '*').split(',')",
        "[process.env.ORIGIN || '*']",
        "ORIGIN",
        "ORIGIN ?? '*'",
        "WEB",
    ],
)
def test_nothing_is_set(value: str) -> None:
    code = NEST.replace("VALUE", value)
    [finding] = review_text(code, RULE, "any-origin")
    assert finding.line == 4
    if finding.fix is not None:
        assert not found(applied(code, finding.fix.edits), RULE)


def test_the_correction_of_a_gateway() -> None:
    code = NEST.replace("VALUE", "process.env.ORIGIN || '*'")
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    corrected = applied(code, finding.fix.edits)
    assert "origin: process.env.ORIGIN?.split(',') ?? [] }" in corrected


@pytest.mark.parametrize(
    "value",
    [
        "process.env.ORIGIN || 'http://localhost:3000'",
        "process.env.ORIGIN ?? ['https://a.example']",
        "process.env.ORIGIN?.split(',') ?? []",
        "process.env.ORIGIN.split(',')",
        "(process.env.ORIGIN || '').split(',')",
        "[process.env.ORIGIN, 'https://a.example']",
        "['https://a.example']",
        "env.ORIGIN",
        "config.origins",
        "process.env.NODE_ENV === 'production' ? ['https://a.example'] : '*'",
        "(origin, done) => done(null, allowed.includes(origin))",
        "'*'",
    ],
)
def test_the_near_misses(value: str) -> None:
    assert not found(NEST.replace("VALUE", value), RULE)


@pytest.mark.parametrize(
    "check",
    [
        "if (!process.env.ORIGIN) throw new Error('ORIGIN is missing');",
        "const schema = z.object({ ORIGIN: z.string().url() });",
        "export const schema = Joi.object({ ORIGIN: Joi.string().required() });",
        "for (const name of ['ORIGIN', 'SECRET'].filter((n) => !process.env[n])) exit(name);",
    ],
)
def test_somebody_checks_that_it_is_set(check: str) -> None:
    code = NEST.replace("VALUE", "process.env.ORIGIN")
    assert not review_project({"a.ts": code, "src/env.ts": check}, RULE).findings
    assert review_project({"a.ts": code, "src/env.ts": ""}, RULE).findings


def test_a_server_and_its_constant_in_another_file() -> None:
    files = {
        "config.js": "export const origin = process.env.CLIENT_URL;\n",
        "index.js": """\
import { Server } from 'socket.io';
import { origin } from './config.js';
const io = new Server(http, { cors: { origin, credentials: true } });
""",
    }
    [finding] = review_project(files, RULE).findings
    assert (finding.file, finding.line) == ("index.js", 3)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("this.config.get('WEB_ORIGIN')", True),
        ("this.configService.get<string>('WEB_ORIGIN')", True),
        ("this.config.get('WEB_ORIGIN') || '*'", True),
        ("this.config.get('WEB_ORIGIN', '*')", True),
        ("this.origins.length > 0 ? this.origins : true", True),
        ("this.config.getOrThrow('WEB_ORIGIN')", False),
        ("this.config.get('cors.origins')", False),
        ("this.config.get('WEB_ORIGIN', 'https://a.example')", False),
    ],
)
def test_an_adapter(origin: str, expected: bool) -> None:
    adapter = f"""\
import {{ IoAdapter }} from '@nestjs/platform-socket.io';
export class ChatAdapter extends IoAdapter {{
  createIOServer(port: number, options?: ServerOptions) {{
    const cors = {{ origin: {origin} }};
    return super.createIOServer(port, {{ ...options, cors }});
  }}
}}
"""
    main = "import { ChatAdapter } from './a';\napp.useWebSocketAdapter(new ChatAdapter(app));\n"
    files = {"a.ts": adapter, "main.ts": main}
    assert bool(review_project(files, RULE).findings) is expected


def test_an_empty_list_admits_all() -> None:
    code = NEST.replace(
        "VALUE",
        """(origin, done) => {
    if (allowed.length === 0 || allowed.includes(origin)) return done(null, true);
    done(new Error('refused'));
  }""",
    )
    assert found(code, RULE)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("os.environ.get('ORIGINS', '*')", True),
        ("os.getenv('ORIGINS', '*').split(',')", True),
        ("os.getenv('ORIGINS') or '*'", True),
        ("os.getenv('ORIGINS').split(',') if os.getenv('ORIGINS') else '*'", True),
        ("os.environ.get('ORIGINS', '')", False),
        ("os.environ['ORIGINS']", False),
        ("os.getenv('ORIGINS')", False),
        ("os.getenv('ORIGINS', 'https://a.example')", False),
        ("settings.origins", True),
        ("settings.known", False),
    ],
)
def test_python(value: str, expected: bool) -> None:
    code = f"""\
import os
import socketio
from pydantic_settings import BaseSettings

class Settings(BaseSettings):
    origins: list[str] = ["*"]
    known: str = "https://a.example"

settings = Settings()
sio = socketio.AsyncServer(cors_allowed_origins={value})
"""
    findings = review_text(code, RULE, name="a.py")
    assert bool(findings) is expected
    for finding in findings:
        if finding.fix is not None:
            assert not found(applied(code, finding.fix.edits), RULE, "a.py")


def test_the_origins_of_http_are_not_meant() -> None:
    code = """\
import { Server } from 'socket.io';
app.use(cors({ origin: process.env.ORIGIN || '*' }));
const io = new Server(http, { cors: { origin: ['https://a.example'] } });
"""
    assert not found(code, RULE)


@pytest.mark.parametrize(
    ("setup", "origin", "is_fault"),
    [
        ("const c = { origin: process.env.WEB || '*' };", "c.origin", True),
        (
            "const l = (process.env.WEB || '*').split(',');",
            "(o, cb) => { if (l.includes('*') || l.includes(o)) return cb(null, true); cb(no); }",
            True,
        ),
        (
            "const l = process.env.WEB.split(',');",
            "(o, cb) => { if (l.includes('*') || l.includes(o)) return cb(null, true); cb(no); }",
            False,
        ),
        (
            "const w = process.env.WEB || '*';",
            "mode === 'development' || w === '*' ? true : w",
            True,
        ),
        ("const w = process.env.WEB || '*';", "mode === 'development' ? w : ['https://a']", False),
    ],
)
def test_fallbacks_further_away(setup: str, origin: str, is_fault: bool) -> None:
    code = f"""\
import {{ Server }} from 'socket.io';
{setup}
const io = new Server(http, {{ cors: {{ origin: {origin} }} }});
"""
    assert bool(found(code, "origin-from-unset-environment")) == is_fault


@pytest.mark.parametrize(
    ("default", "body", "is_fault"),
    [
        ('"*"', 'return self.web.split(",")', True),
        ('"*"', "return [each.strip() for each in self.web.split(',')]", True),
        ('"https://a.example.com"', 'return self.web.split(",")', False),
        ('"*"', 'if self.web == "*":\n            return []\n        return [self.web]', False),
    ],
)
def test_a_property_of_settings(default: str, body: str, is_fault: bool) -> None:
    code = f"""\
import socketio
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    web: str = {default}
    @property
    def origins(self) -> list[str]:
        {body}
settings = Settings()
sio = socketio.AsyncServer(cors_allowed_origins=settings.origins)
"""
    assert bool(found(code, "origin-from-unset-environment", "sio.py")) == is_fault


def test_a_list_of_what_a_variable_holds() -> None:
    code = """\
import os
import socketio
origins = [each.strip() for each in os.getenv("WEB", "*").split(",") if each]
sio = socketio.AsyncServer(cors_allowed_origins=origins)
"""
    assert found(code, "origin-from-unset-environment", "sio.py") == [4]
