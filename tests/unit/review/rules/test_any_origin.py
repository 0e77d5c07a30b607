from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

GATEWAY = """\
import { WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway(OPTIONS)
export class A {}
"""


@pytest.mark.parametrize(
    "options",
    [
        "{ cors: true }",
        "81, { cors: { origin: '*' } }",
        "{ cors: { origin: true, credentials: true } }",
        "{ cors: { origin: ['https://a.example', '*'] } }",
        "{ cors: {} }",
        "{ cors: { credentials: true } }",
        "{ cors: '*' }",
        "{ cors: 'https://a.example' }",
        "{ cors: ['https://a.example'] }",
        "{ cors: { origin: (origin, callback) => callback(null, true) } }",
        "{ cors: { origin: (o: string, cb: (e: Error | null, ok?: boolean) => void) =>"
        " cb(null, true) } }",
        "{ cors: { origin: (o, cb) => { if (!o) { cb(null, true); } else { cb(null, true); } } } }",
    ],
)
def test_any_page_may_connect(options: str) -> None:
    assert found(GATEWAY.replace("OPTIONS", options), "any-origin")


@pytest.mark.parametrize(
    "options",
    [
        "",
        "{ cors: false }",
        "{ cors: { origin: 'https://a.example' } }",
        "{ cors: { origin: process.env.ORIGIN } }",
        "{ cors: { origin: (o, done) => done(null, allowed.has(o) && true) } }",
        "{ cors: { origin: (o, cb) => {"
        " if (!o) { cb(null, true); } else { cb(null, false); } } } }",
        "{ cors: { origin: (o, cb) => { if (allowed.has(o)) { cb(null, true); } } } }",
        "{ namespace: '*' }",
    ],
)
def test_the_near_misses(options: str) -> None:
    assert not found(GATEWAY.replace("OPTIONS", options), "any-origin")


def test_options_come_from_a_constant_of_another_file() -> None:
    files = {
        "options.ts": "export const OPTIONS = { cors: { origin: '*' } };\n",
        "a.gateway.ts": "import { OPTIONS } from './options';\n" + GATEWAY,
    }
    [finding] = review_project(files, "any-origin").findings
    assert finding.file == "options.ts"


def test_options_from_a_function_can_not_be_told() -> None:
    [finding] = review_text(
        GATEWAY.replace("OPTIONS", "{ cors: corsOf() }"), "any-origin", could_not_tell=True
    )
    assert finding.verdict == "could-not-tell"


def test_a_server_on_node() -> None:
    code = """\
const { Server } = require('socket.io');
const io = new Server(http, {
  cors: { origin: '*' },
});
"""
    assert found(code, "any-origin", "a.js") == [3]
    assert not found(code.replace("socket.io", "other.io"), "any-origin", "a.js")


def test_origins_that_an_adapter_replaces_do_not_count() -> None:
    adapter = """\
import { IoAdapter } from '@nestjs/platform-socket.io';
export class ChatAdapter extends IoAdapter {
  createIOServer(port: number, options?: ServerOptions) {
    return super.createIOServer(port, { ...options, cors: { origin: ORIGIN } });
  }
}
"""
    files = {
        "a.ts": GATEWAY.replace("OPTIONS", "{ cors: true }"),
        "adapter.ts": adapter.replace("ORIGIN", "['https://a.example']"),
        "main.ts": "import { ChatAdapter } from './adapter';\n"
        "app.useWebSocketAdapter(new ChatAdapter(app));\n",
    }
    assert not review_project(files, "any-origin").findings
    files["adapter.ts"] = adapter.replace("ORIGIN", "'*'")
    [finding] = review_project(files, "any-origin").findings
    assert finding.file == "adapter.ts"


@pytest.mark.parametrize(
    ("options", "corrected"),
    [
        ("{ cors: true }", "{ cors: { origin: LIST } }"),
        ("{ cors: {} }", "{ cors: { origin: LIST } }"),
        ("{ cors: '*' }", "{ cors: { origin: LIST } }"),
        ("{ cors: 'https://a.example' }", "{ cors: { origin: 'https://a.example' } }"),
        ("{ cors: { origin: '*' } }", "{ cors: { origin: LIST } }"),
        ("{ cors: { credentials: true } }", "{ cors: { credentials: true, origin: LIST } }"),
    ],
)
def test_the_correction(options: str, corrected: str) -> None:
    code = GATEWAY.replace("OPTIONS", options)
    [finding] = review_text(code, "any-origin")
    assert finding.fix is not None
    text = applied(code, finding.fix.edits)
    listed = "['https://app.example.com'] /* the origins of your own pages */"
    assert text == GATEWAY.replace("OPTIONS", corrected.replace("LIST", listed))
    assert not found(text, "any-origin")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "from flask_socketio import SocketIO\nsio = SocketIO(app, cors_allowed_origins='*')",
            True,
        ),
        (
            "from flask_socketio import SocketIO\nsio = SocketIO()\n"
            "sio.init_app(app, cors_allowed_origins='*')",
            True,
        ),
        ("import socketio\nsio = socketio.Server(cors_allowed_origins=['*'])", True),
        ("import socketio\nsio = socketio.Server(cors_allowed_origins=['https://a'])", False),
        ("import socketio\nsio = socketio.Server(cors_allowed_origins=[])", False),
        ("import socketio\nsio = socketio.Server()", False),
        (
            "from fastapi.middleware.cors import CORSMiddleware\n"
            "app.add_middleware(CORSMiddleware, allow_origins=['*'])  # websocket",
            False,
        ),
    ],
)
def test_python(code: str, expected: bool) -> None:
    findings = review_text(code, "any-origin", name="a.py")
    assert bool(findings) is expected
    for finding in findings:
        assert finding.fix is not None
        assert not found(applied(code, finding.fix.edits), "any-origin", "a.py")


WRAPPED = """\
import socketio
class Hub:
    def __init__(self, app, origins="*"):
        self.sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins=origins)
CALL
"""
MADE = """\
import { Server } from 'socket.io';
export function serve(http, origin = '*') {
  return new Server(http, { cors: { origin } });
}
CALL
"""


def test_a_default_that_no_call_replaces() -> None:
    assert found(WRAPPED.replace("CALL", "hub = Hub(None)"), "any-origin", "a.py") == [3]
    assert found(MADE.replace("CALL", "serve(http);"), "any-origin") == [2]
    [finding] = review_text(WRAPPED.replace("CALL", ""), "any-origin", name="a.py")
    assert finding.fix is not None
    fixed = applied(WRAPPED, finding.fix.edits)
    assert 'def __init__(self, app, origins=["https://app.example.com"]):' in fixed
    assert not found(fixed, "any-origin", "a.py")


@pytest.mark.parametrize("call", ["Hub(None, ORIGINS)", "Hub(None, origins=[])", "Hub(**given)"])
def test_a_default_that_a_call_replaces(call: str) -> None:
    assert not found(WRAPPED.replace("CALL", call), "any-origin", "a.py")
    assert not found(MADE.replace("CALL", "serve(http, ORIGINS);"), "any-origin")


@pytest.mark.parametrize(
    ("origin", "lines"),
    [
        ("/.*/", [2]),
        ("[/^https?:\\/\\/.*$/]", [2]),
        ("/^https:\\/\\/\\w+\\.example\\.com$/", []),
    ],
)
def test_patterns_that_fit_everything(origin: str, lines: list[int]) -> None:
    code = "import { Server } from 'socket.io';\nnew Server(http, { cors: { origin: ORIGIN } });"
    code = code.replace("ORIGIN", origin)
    assert found(code, "any-origin") == lines


def test_options_that_are_attached() -> None:
    code = (
        "import { Server } from 'socket.io';\nconst io = new Server();\nio.attach(http, OPTIONS);"
    )
    assert found(code.replace("OPTIONS", "{ cors: { origin: '*' } }"), "any-origin") == [3]
    assert not found(code.replace("OPTIONS", "{ cors: { origin: 'https://a' } }"), "any-origin")


COOKIES = """\
import { Server } from 'socket.io';
const io = new Server(server, {
  cors: CORS,
});
io.use((socket, next) => {
  socket.data.user = userOf(socket.handshake.headers.READ);
  next();
});
"""


@pytest.mark.parametrize(
    "cors", ["{ origin: '*' }", "true", "{}", "{ origin: (o, f) => f(null, o) }"]
)
def test_where_cookies_tell_who_connects_the_upgrade_is_corrected_too(cors: str) -> None:
    code = COOKIES.replace("CORS", cors).replace("READ", "cookie")
    [finding] = review_text(code, "any-origin")
    assert finding.fix is not None
    after = applied(code, finding.fix.edits)
    assert "\n  allowRequest: (request, decide) => {\n" in after
    assert not review_text(after, "any-origin", "origin-not-checked-on-upgrade")


def test_without_cookies_the_upgrade_is_left() -> None:
    code = COOKIES.replace("CORS", "{ origin: '*' }").replace("READ", "authorization")
    [finding] = review_text(code, "any-origin")
    assert finding.fix is not None
    assert "allowRequest" not in applied(code, finding.fix.edits)


def test_a_missing_variable_is_corrected_for_upgrades_too() -> None:
    code = COOKIES.replace("CORS", "{ origin: process.env.WEB || '*' }").replace("READ", "cookie")
    [finding] = review_text(code, "origin-from-unset-environment")
    assert finding.fix is not None
    after = applied(code, finding.fix.edits)
    assert "decide(null, (process.env.WEB?.split(',') ?? []).includes(" in after
    assert not review_text(after, "any-origin", "origin-not-checked-on-upgrade")


NODE = (
    "import { Server } from 'socket.io';\nSETUP\nnew Server(http, { cors: { origin: ORIGIN } });\n"
)


def node(origin: str, setup: str = "") -> list[int]:
    return found(NODE.replace("ORIGIN", origin).replace("SETUP", setup), "any-origin")


@pytest.mark.parametrize(
    "origin",
    [
        "/.*/",
        "[/./]",
        "/^https?:\\/\\//i",
        "new RegExp('.*')",
        "(_o, answer) => answer(null, true)",
        "(o, cb) => { cb(null, o || '*'); }",
        "function (o, cb) { if (!o) return cb(null, true); return cb(null, o); }",
        "(o, cb) => { if (list.includes(o)) cb(null, o); else { warn(o); cb(null, o); } }",
    ],
)
def test_patterns_and_functions_that_admit_every_page(origin: str) -> None:
    assert node(origin) == [3]


@pytest.mark.parametrize(
    "origin",
    [
        "/\\.example\\.com$/",
        "/^https:\\/\\/(a|b)\\.example\\.com$/",
        "/^(\\w+)+$/",
        "new RegExp(process.env.ORIGIN)",
        "(o, cb) => cb(null, list[0])",
        "(o, cb) => { if (!o) return cb(null, true); return ok(o) ? cb(null, true) : cb(no); }",
        "(o, cb) => { if (list.includes(o)) cb(null, o); else cb(null, list[0]); }",
        "(o, cb) => { if (!list.includes(o)) throw new Error('no'); cb(null, true); }",
        "(o, cb) => { list.includes(o) && cb(null, true); }",
    ],
)
def test_patterns_and_functions_that_choose(origin: str) -> None:
    assert not node(origin)


def test_an_entry_of_a_constant() -> None:
    assert node("config.origin", "const config = { origin: '*' };") == [3]
    assert not node("config.origin", "const config = { origin: 'https://a.example.com' };")


CHANNELS = """\
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator

sockets = AuthMiddlewareStack(URLRouter(patterns))
application = ProtocolTypeRouter({"websocket": OriginValidator(sockets, LIST)})
"""


@pytest.mark.parametrize(("listed", "lines"), [('["*"]', [6]), ('["https://a.example.com"]', [])])
def test_the_validator_of_channels(listed: str, lines: list[int]) -> None:
    assert found(CHANNELS.replace("LIST", listed), "any-origin", "asgi.py") == lines


def test_options_made_by_dict() -> None:
    code = """\
import socketio
OPTIONS = dict(async_mode="asgi", cors_allowed_origins="*")
sio = socketio.AsyncServer(**OPTIONS)
"""
    assert found(code, "any-origin", "sio.py") == [2]


def test_a_method_becomes_a_list() -> None:
    code = NODE.replace("SETUP", "").replace("origin: ORIGIN", "origin(o, cb) { cb(null, o); }")
    [finding] = review_text(code, "any-origin")
    assert finding.fix is not None
    assert "cors: { origin: ['https://app.example.com']" in applied(code, finding.fix.edits)
