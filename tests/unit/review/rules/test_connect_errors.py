"""What a client does when it is refused or cut off."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

HEARD = "no-connect-error-handler"
RETRIES = "retries-after-unauthorized"
GIVES_UP = "reconnect-gives-up"
HEAD = "import { io } from 'socket.io-client';\n"
SHARED = {"src/socket.ts": f"{HEAD}export const socket = io('/', {{ autoConnect: true }});\n"}


# no-connect-error-handler


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}export const s = io('/');",
        f"{HEAD}export const s = io('/');\n// s.on('connect_error', show);",
        f"{HEAD}export const s = io('/');\ns.on('error', show);",
        "import io from 'socket.io-client';\nexport class Live {\n  socket = io('/');\n}",
        "import { io as Client } from 'socket.io-client';\nnew (Client as any)('/');",
        "const io = require('socket.io-client');\nconst s = io('http://localhost');",
        "const s = require('socket.io-client')('http://localhost');",
        "const { io } = await import('socket.io-client');\nconst s = io('/');",
        # a script of a page, whose io comes by another script
        "const socket = io();\nsocket.on('a', (m) => { document.title = m; });",
    ],
)
def test_nothing_listens(text: str) -> None:
    assert len(found(text, HEARD)) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}export const s = io('/');\ns.on('connect_error', show);",
        f'{HEAD}export const s = io("/");\ns.once("connect_error", show);',
        f"{HEAD}const events = {{ connect_error: show }};\nconst s = io('/');\n"
        "for (const [name, run] of Object.entries(events)) s.on(name, run);",
        f"{HEAD}const REFUSED = 'connect_error';\nconst s = io('/');\ns.on(REFUSED, show);",
        # made, and never connected
        f"{HEAD}export const s = io('/', {{ autoConnect: false }});",
        # somebody else's io
        "import { io } from './server';\nio('/');",
        "import { Server } from 'socket.io';\nconst io = new "
        "Server(3000);\nio.on('connection', f);",
        # made for others
        f"{HEAD}export const open = (...args) => io(...args);",
        "const s = io();\n",
    ],
)
def test_something_listens(text: str) -> None:
    assert found(text, HEARD) == []


@pytest.mark.parametrize(
    "user",
    [
        "import { socket } from './socket';\nsocket.on('connect_error', show);\n",
        "import { useLive } from './live';\nuseLive().client.on('connect_error', show);\n",
        "export const listen = (s: Client) => s.on('connect_error', show);\n",
    ],
)
def test_listener_in_another_file(user: str) -> None:
    assert review_project({**SHARED, "src/user.ts": user}, HEARD).findings == []


def test_listener_of_another_socket_does_not_count() -> None:
    other = f"{HEAD}const s = io('/other');\ns.on('connect_error', show);\n"
    report = review_project({**SHARED, "src/other.ts": other}, HEARD)
    assert [each.file for each in report.findings] == ["src/socket.ts"]


def test_listener_of_another_package_does_not_count() -> None:
    files = {
        "web/package.json": "{}",
        "web/src/socket.ts": SHARED["src/socket.ts"],
        "admin/package.json": "{}",
        "admin/src/user.ts": "socket.on('connect_error', show);\n",
    }
    assert len(review_project(files, HEARD).findings) == 1


def test_listener_in_a_test_does_not_count() -> None:
    test = "import { socket } from './socket';\nsocket.on('connect_error', done);\n"
    assert len(review_project({**SHARED, "src/socket.spec.ts": test}, HEARD).findings) == 1


def test_listener_is_added() -> None:
    text = f'{HEAD}export function open() {{\n  const socket = io("/");\n  return socket;\n}}\n'
    (finding,) = review_text(text, HEARD)
    assert finding.fix is not None
    fixed = applied(text, finding.fix.edits)
    assert fixed == (
        f'{HEAD}export function open() {{\n  const socket = io("/");\n'
        "  socket.on('connect_error', (error) => {\n"
        "    // Refused by the server, if socket.active is false: sign in again, then connect().\n"
        "    console.error('Not connected:', error.message);\n  });\n  return socket;\n}\n"
    )
    assert found(fixed, HEARD) == []


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("sio.connect(URL)", [3]),
        ("sio.on('connect_error', show)\nsio.connect(URL)", []),
        ("@sio.event\ndef connect_error(data): ...\nsio.connect(URL)", []),
        ("@sio.on('connect_error')\ndef refused(data): ...\nsio.connect(URL)", []),
        ("try:\n    sio.connect(URL)\nexcept Exception:\n    pass", []),
        ("", []),
    ],
)
def test_python_client(body: str, lines: list[int]) -> None:
    text = f"import socketio\n\nsio = socketio.Client()\nURL = 'http://localhost'\n{body}\n"
    assert found(text, HEARD, "example.py") == lines


# retries-after-unauthorized


@pytest.mark.parametrize(
    "handler",
    [
        "s.on('connect_error', () => s.connect());",
        "s.on('connect_error', () => { setTimeout(() => { s.connect(); }, 1000); });",
        "s.on('disconnect', () => { s.open(); });",
        "s.on('connect_error', () => { if (!s.connected) s.connect(); });",
        "function again() { s.connect(); }\ns.on('connect_error', again);",
        "function again() { s.connect(); }\ns.on('disconnect', () => setTimeout(again, 9));",
        "const again = () => s.connect();\ns.on('connect_error', () => { again(); });",
    ],
)
def test_connects_whatever_the_reason(handler: str) -> None:
    assert len(found(f"{HEAD}const s = io('/');\n{handler}", RETRIES)) == 1


@pytest.mark.parametrize(
    "handler",
    [
        "s.on('connect_error', (e) => { if (s.active) return; signOut(); });",
        "s.on('connect_error', (e) => { if (e.message === 'busy') s.connect(); });",
        "s.on('connect_error', () => { if (attempts++ < 5) s.connect(); });",
        "s.on('connect_error', async () => { s.auth.token = await refreshToken(); s.connect(); });",
        "s.on('disconnect', (reason) => { if (reason === 'io server disconnect') s.connect(); });",
        "s.on('connect_error', () => { other.connect(); });",
        "button.on('click', () => s.connect());",
        "const again = () => { if (n++ < max) s.connect(); };\ns.on('disconnect', () => again());",
    ],
)
def test_looks_at_the_reason(handler: str) -> None:
    assert found(f"{HEAD}const s = io('/');\n{handler}", RETRIES) == []


def test_function_that_makes_the_socket_is_called_again() -> None:
    text = f"{HEAD}function open() {{\n  const s = io('/');\n  s.on('disconnect', open);\n}}\n"
    assert found(text, RETRIES) == []  # given as it is: what it does is not in the handler
    text = text.replace("open);", "() => setTimeout(open, 500));")
    assert found(text, RETRIES) == [4]


def test_plain_socket_without_a_token_may_retry() -> None:
    text = (
        "function open(url) {\n  const ws = new WebSocket(url);\n"
        "  ws.onclose = () => setTimeout(() => open(url), 1000);\n}\n"
    )
    assert found(text, RETRIES) == []
    assert found(text.replace("(url);", "(url + token);"), RETRIES) == [3]
    with_code = text.replace("() => setTimeout", "(e) => e.code !== 4401 && setTimeout")
    assert found(with_code.replace("(url);", "(url + token);"), RETRIES) == []


def test_retry_is_corrected() -> None:
    text = (
        f"{HEAD}const s = io('/');\ns.on('connect_error', () => {{\n"
        "  setTimeout(() => s.connect(), 1000);\n});\n"
    )
    (finding,) = review_text(text, RETRIES)
    assert finding.fix is not None
    fixed = applied(text, finding.fix.edits)
    assert "  if (!s.active) return;\n  setTimeout(() => s.connect(), 1000);\n" in fixed
    assert found(fixed, RETRIES) == []


# reconnect-gives-up


@pytest.mark.parametrize(
    "options",
    [
        "{ reconnectionAttempts: 5 }",
        "{ reconnection: true, reconnectionAttempts: MAX }",
        "{ reconnection: false }",
        "{ reconnectionAttempts: 1_000 }",
    ],
)
def test_gives_up(options: str) -> None:
    text = f"{HEAD}const MAX = 10;\nexport const s = io('/', {options});\n"
    (finding,) = review_text(text, GIVES_UP)
    assert finding.line == 3
    assert finding.fix is not None
    assert found(applied(text, finding.fix.edits), GIVES_UP) == []


@pytest.mark.parametrize(
    "text",
    [
        "export const s = io('/');",
        "export const s = io('/', { reconnectionAttempts: Infinity });",
        "export const s = io('/', { reconnectionAttempts: attempts });",
        "const s = io('/', { reconnectionAttempts: 5 });\n"
        "s.io.on('reconnect_failed', () => show('Reload the page.'));",
        "const s = io('/', { reconnectionAttempts: 5 });\n"
        "window.addEventListener('online', () => s.connect());",
        "const s = io('/', { reconnection: false });\nfunction reconnect() { s.connect(); }",
        "function open() {\n  const s = io('/', { reconnection: false });\n"
        "  s.on('disconnect', () => setTimeout(open, 1000));\n}",
    ],
)
def test_goes_on(text: str) -> None:
    assert found(HEAD + text, GIVES_UP) == []


def test_program_that_ends_need_not_go_on() -> None:
    text = "import { io } from 'socket.io-client';\nimport { readFileSync } from 'node:fs';\n"
    assert found(f"{text}io(readFileSync('url'), {{ reconnection: false }});", GIVES_UP) == []


@pytest.mark.parametrize(
    "text",
    [
        "const s = io('/', { autoConnect: o.auto ?? true, reconnectionAttempts: 5 });",
        "const s = io('/', { reconnectionAttempts: 5 });\n"
        "s.io.on('reconnect_failed', () => { console.error('lost'); busy.current = false; });",
    ],
)
def test_a_log_is_no_second_try(text: str) -> None:
    assert found(HEAD + text, GIVES_UP) == [2]


def test_connecting_after_the_server_ended_it_is_not_going_on() -> None:
    text = (
        f"{HEAD}const s = io('/', {{ reconnectionAttempts: 5 }});\ns.on('disconnect', "
        f"(reason) => {{\n"
        "  if (reason === 'io server disconnect') s.connect();\n});\n"
    )
    assert found(text, GIVES_UP) == [2]


@pytest.mark.parametrize(
    ("condition", "is_found"),
    [
        ("if (error.message === 'jwt expired') ", True),
        ("if (codes.includes(error.message) && !triedRefreshToken) ", True),
        ("if (error.data?.status === 401) ", True),
        ("if (tries < 9) ", False),
        ("if (!isAuthenticated) return; ", False),
        ("", False),
    ],
)
def test_a_refused_token_is_no_lost_connection(condition: str, *, is_found: bool) -> None:
    text = (
        f"{HEAD}function open(token) {{\n"
        "  const s = io('/', { auth: { token }, reconnection: false });\n"
        f"  s.on('connect_error', async (error) => {{ {condition}open(await refresh()); }});\n}}\n"
        "open(localStorage.getItem('token'));\n"
    )
    assert bool(found(text, GIVES_UP)) is is_found


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ("reconnection_attempts=5", [2]),
        ("reconnection_attempts=0", []),
        ("", []),
        ("reconnection=False", [2]),
        ("reconnection=True", []),
    ],
)
def test_python_client_gives_up(options: str, lines: list[int]) -> None:
    text = f"import socketio\nsio = socketio.AsyncClient({options})\n"
    assert found(text, GIVES_UP, "example.py") == lines
