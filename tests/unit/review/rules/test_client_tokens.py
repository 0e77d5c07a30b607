"""The token that a client sends: missing, or old."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

STALE = "stale-token"
MISSING = "connects-without-token"
HEAD = "import { useEffect, useState } from 'react';\nimport { io } from 'socket.io-client';\n"
STORED = "localStorage.getItem('token')"


def verdicts(text: str, rule: str, name: str = "example.tsx") -> list[str]:
    return [each.verdict for each in review_text(text, rule, name=name, could_not_tell=True)]


def in_effect(options: str, deps: str, before: str = "", inside: str = "") -> str:
    return (
        f"{HEAD}export function useLive(url, token) {{\n{before}\n  useEffect(() => {{\n{inside}\n"
        f"    const s = io(url, {options});\n    return () => {{ s.close(); }};\n  "
        f"}}, {deps});\n}}\n"
    )


# stale-token


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}export const s = io('/', {{ auth: {{ token: {STORED} }} }});",
        f"{HEAD}const token = {STORED};\nexport const s = io('/', {{ auth: {{ token }} }});",
        f"{HEAD}export const open = (token) => io('/', {{ auth: {{ token }} }});",
        f"{HEAD}let s;\nexport function get() "
        f"{{ s ??= io('/', {{ auth: {{ token: {STORED} }} }}); }}",
        f"{HEAD}export const open = (t) => io('/', {{ auth: {{ token: `Bearer ${{t}}` }} }});",
        f"{HEAD}const options = {{ auth: {{ token: {STORED} }} }};\nexport const s = "
        "io('/', options);",
        "import { io } from 'socket.io-client';\nclass Live {\n"
        "  open(token) { this.socket = io('/', { auth: { token } }); }\n}",
        in_effect("{ auth: { token } }", "[url]"),
        in_effect("{ auth: { token } }", "[]"),
        in_effect(f"{{ auth: {{ token: {STORED} }} }}", "[url]"),
    ],
)
def test_token_is_read_once(text: str) -> None:
    assert verdicts(text, STALE) == ["fault"]


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}export const s = io('/', {{ auth: (send) => send({{ token: {STORED} }}) }});",
        f"{HEAD}export const s = io('/', {{ auth(send) {{ send({{ token: {STORED} }}); }} }});",
        f"{HEAD}export const s = io('/', {{ auth: {{ user: name }} }});",
        f"{HEAD}export const s = io('/', {{ auth: {{ token: 'abc' }} }});",
        f"{HEAD}export const s = io('/', {{ auth: {{ token: process.env.API_TOKEN }} }});",
        f"{HEAD}export const s = io('/', {{ auth: {{ token: {STORED} }}, reconnection: false }});",
        f"{HEAD}export const s = io('/', {{ auth: {{ token: {STORED} }} }});\n"
        "s.io.on('reconnect_attempt', () => { s.auth = { token: read() }; });",
        f"{HEAD}export const s = io('/', {{ auth: {{ token: {STORED} }} }});\n"
        "export const renew = (token) => { s.auth.token = token; };",
    ],
)
def test_token_is_fresh(text: str) -> None:
    assert verdicts(text, STALE) == []


@pytest.mark.parametrize(
    "text",
    [
        in_effect("{ auth: { token } }", "[url, token]"),
        in_effect(f"{{ auth: {{ token: {STORED} }} }}", "[user]"),
        in_effect("{ auth: { token: session.token } }", "[session]", "const session = useAuth();"),
        f"{HEAD}let s;\nexport function open(token) {{\n  if (s) s.disconnect();\n"
        "  s = io('/', { auth: { token } });\n}",
        f"{HEAD}const open = (token) => io('/', {{ auth: {{ token }} }});\n"
        "export function useLive(token) {\n"
        "  useEffect(() => { const s = open(token); return () => s.close(); }, [token]);\n}",
    ],
)
def test_new_token_makes_a_new_socket(text: str) -> None:
    assert verdicts(text, STALE) == ["could-not-tell"]


@pytest.mark.parametrize(
    ("value", "fixed"),
    [
        (f"token: {STORED}", f"send({{ token: {STORED} }})"),
        (f"token: `Bearer ${{{STORED}}}`", f"send({{ token: `Bearer ${{{STORED}}}` }})"),
        ("token: store.getState().token, id", "send({ token: store.getState().token, id })"),
    ],
)
def test_token_is_read_anew(value: str, fixed: str) -> None:
    text = f"{HEAD}export const open = (id) => io('/', {{ auth: {{ {value} }} }});\n"
    (finding,) = review_text(text, STALE)
    assert finding.fix is not None
    assert applied(text, finding.fix.edits) == (
        f"{HEAD}export const open = (id) => io('/', {{ auth: (send) => {fixed} }});\n"
    )


def test_token_of_a_parameter_asks_for_a_function() -> None:
    text = f"{HEAD}export const open = (token) => io('/', {{ auth: {{ token }} }});\n"
    (finding,) = review_text(text, STALE)
    assert finding.fix is not None
    fixed = applied(text, finding.fix.edits)
    assert "send({ token: getToken() /* to be written" in fixed
    assert found(fixed, STALE) == []


@pytest.mark.parametrize(
    ("call", "lines"),
    [
        ("sio.connect(URL, auth={'token': get_token()})", [4]),
        ("sio.connect(URL, {}, {'token': session.token})", [4]),
        ("sio.connect(URL, auth=lambda: {'token': get_token()})", []),
        ("sio.connect(URL, auth={'token': 'abc'})", []),
        ("sio.connect(URL, auth={'token': os.environ['TOKEN']})", []),
        ("sio.connect(URL, auth={'token': os.getenv('TOKEN')})", []),
        ("sio.connect(URL, auth={'user': get_name()})", []),
    ],
)
def test_python_client(call: str, lines: list[int]) -> None:
    text = f"import os\nimport socketio\nsio = socketio.Client()\n{call}\n"
    assert found(text, STALE, "example.py") == lines


# connects-without-token


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}export const s = io('/', {{ auth: {{ token: {STORED} }} }});",
        f"{HEAD}export const s = io('/', {{ auth: (cb) => cb({{ token: {STORED} }}) }});",
        f"{HEAD}const token = {STORED};\nexport const s = io('/', {{ auth: {{ token }} }});",
        in_effect("{ auth: { token } }", "[token]", f"const token = {STORED};"),
        in_effect("{ auth: { token } }", "[]", inside=f"const token = {STORED};"),
        in_effect("{ auth: { token: data?.token } }", "[data]", "const { data } = useData();"),
        in_effect("{ auth: { token: jwt } }", "[jwt]", "const [jwt, setJwt] = useState(null);"),
        in_effect("{ auth: { token: jwt ?? '' } }", "[jwt]", "const { jwt } = useData();"),
        f"{HEAD}export function useLive(token?: string) {{\n"
        "  useEffect(() => { const s = io('/', { auth: { token } }); }, [token]);\n}",
        f"{HEAD}export function Live({{ token }}: {{ token: string | null }}) {{\n"
        "  useEffect(() => { const s = io('/', { auth: { token } }); }, [token]);\n  "
        "return null;\n}",
    ],
)
def test_nobody_asks_for_the_token(text: str) -> None:
    assert verdicts(text, MISSING) == ["fault"]


@pytest.mark.parametrize(
    "text",
    [
        in_effect("{ auth: { token } }", "[token]"),
        in_effect("{ auth: { token } }", "[token]", inside="if (!token) return;"),
        in_effect(
            "{ auth: { token } }", "[]", inside=f"const token = {STORED};\nif (!token) return;"
        ),
        in_effect("{ auth: { token: data?.token } }", "[data]", inside="if (!data?.token) return;"),
        in_effect(
            f"{{ auth: {{ token: {STORED} }} }}", "[]", inside="if (!isAuthenticated) return;"
        ),
        f"{HEAD}export const s = io('/', {{ autoConnect: false, auth: {{ token: {STORED} }} }});",
        f"{HEAD}export const s = io('/', {{ auth: {{ token: process.env.TOKEN }} }});",
        f"{HEAD}const token = {STORED};\nexport const s = token ? io('/', "
        f"{{ auth: {{ token }} }}) : null;",
        f"{HEAD}export function useLive(token: string) {{\n"
        "  useEffect(() => { const s = io('/', { auth: { token } }); }, [token]);\n}",
        f"{HEAD}export const s = io('/');",
    ],
)
def test_somebody_asks_for_the_token(text: str) -> None:
    assert verdicts(text, MISSING) == []


def test_who_calls_may_have_asked() -> None:
    text = f"{HEAD}export const open = () => io('/', {{ auth: {{ token: {STORED} }} }});"
    assert verdicts(text, MISSING) == ["could-not-tell"]


def test_early_return_is_added() -> None:
    text = (
        f"{HEAD}export function useLive(token?: string) {{\n  useEffect(() => {{\n"
        "    const s = io('/', { auth: (cb) => cb({ token }) });\n"
        "    return () => { s.close(); };\n  }, [token]);\n}\n"
    )
    (finding,) = review_text(text, MISSING, name="a.ts")
    assert finding.fix is not None
    fixed = applied(text, finding.fix.edits)
    assert "  useEffect(() => {\n    if (!token) return;\n    const s = io(" in fixed
    assert found(fixed, MISSING, "a.ts") == []


SERVER = """\
import { Server } from 'socket.io';
const io = new Server(3000);
io.use((socket, next) => {
  const token = socket.handshake.auth.token;
  if (!verify(token)) return next(new Error('unauthorized'));
  next();
});
"""


@pytest.mark.parametrize(
    ("client", "count"),
    [
        ("export const open = () => io('https://example.com');", 1),
        ("export const open = () => io(import.meta.env.VITE_URL, { path: '/ws' });", 1),
        ("export const open = () => io('https://example.com/other');", 0),
        ("export const open = (token) => io('/', { auth: { token } });", 0),
        ("export const open = () => io('/', { withCredentials: true });", 0),
        ("export const s = io('/');\nexport const start = (token) => { s.auth = { token }; };", 0),
    ],
)
def test_server_of_the_project_wants_a_token(client: str, count: int) -> None:
    files = {
        "server/src/index.ts": SERVER,
        "web/src/socket.ts": f"import {{ io }} from 'socket.io-client';\n{client}\n",
    }
    assert len(review_project(files, MISSING).findings) == count


def test_server_that_admits_strangers_wants_no_token() -> None:
    files = {
        "server/src/index.ts": SERVER.replace(
            "if (!verify", "if (!token) return next();\n  if (!verify"
        ),
        "web/src/socket.ts": "import { io } from 'socket.io-client';\nexport const s = "
        "() => io('/');\n",
    }
    assert review_project(files, MISSING).findings == []


def test_server_that_takes_cookies_wants_no_token() -> None:
    server = SERVER.replace("auth.token", "auth.token ?? parse(socket.handshake.headers.cookie).t")
    files = {
        "server/src/index.ts": server,
        "web/src/socket.ts": "import { io } from 'socket.io-client';\nexport const s = "
        "() => io('/');\n",
    }
    assert review_project(files, MISSING).findings == []


@pytest.mark.parametrize(
    ("line", "count"),
    [
        (f"const ws = new WebSocket(`${{url}}?token=${{{STORED}}}`);", 1),
        ("const ws = new WebSocket(`${url}?token=${data?.token}`);", 1),
        ("if (!data?.token) return; const ws = new WebSocket(`${url}?token=${data?.token}`);", 0),
        ("const ws = new WebSocket(`${url}?page=${data?.page}`);", 0),
        (f"const s = io(url, {{ query: {{ token: {STORED} }} }});", 1),
        (f"const s = io(url, {{ extraHeaders: {{ authorization: {STORED} }} }});", 1),
    ],
)
def test_token_in_address_or_header_may_be_missing(line: str, count: int) -> None:
    text = (
        f"{HEAD}export function useLive(url, data) {{\n  useEffect(() => {{\n    {line}\n"
        "  }, [url, data]);\n}\n"
    )
    assert len(found(text, MISSING, "use-live.ts")) == count


# A login flag, an id and a set-once token


@pytest.mark.parametrize(
    ("deps", "verdict"),
    [
        ("[isLoggedIn]", "fault"),
        ("[isAuthenticated, url]", "fault"),
        ("[user?.id]", "fault"),
        ("[status]", "fault"),
        ("[session]", "could-not-tell"),
        ("[accessToken]", "could-not-tell"),
        ("[user]", "could-not-tell"),
    ],
)
def test_being_signed_in_is_no_new_token(deps: str, verdict: str) -> None:
    assert verdicts(in_effect(f"{{ auth: {{ token: {STORED} }} }}", deps), STALE) == [verdict]


SET_ONCE = f"""\
{HEAD}import {{ useEffect }} from 'react';
const s = io('https://a.example', {{ autoConnect: false }});
export function useLive(token) {{
  useEffect(() => {{
    MORE
    s.auth = {{ token: VALUE }};
    s.connect();
    return () => s.close();
  }}, DEPS);
}}
"""


@pytest.mark.parametrize(
    ("value", "deps", "more", "is_found"),
    [
        (STORED, "[]", "", True),
        (STORED, "[room]", "", True),
        ("token", "[token]", "", False),
        (STORED, "[session]", "", False),
        ("'public'", "[]", "", False),
        (STORED, "[]", "s.on('connect_error', () => { s.auth = { token: read() }; });", False),
        (STORED, "[]", "s.on('m', (m) => { s.auth.token = m.token; });", False),
        (STORED, "[]", "s.on('m', (m) => { s.auth.offset = m.offset; });", True),
    ],
)
def test_a_token_that_an_effect_sets_once(
    value: str, deps: str, more: str, *, is_found: bool
) -> None:
    text = SET_ONCE.replace("VALUE", value).replace("DEPS", deps).replace("MORE", more)
    assert bool(found(text, STALE)) is is_found


def test_a_token_of_the_function_that_connects() -> None:
    text = f"""\
{HEAD}const s = io('/', {{ autoConnect: false }});
MORE
export function NAME() {{
  s.auth = {{ token: {STORED} }};
  s.connect();
}}
"""
    plain = text.replace("MORE", "")
    assert found(plain.replace("NAME", "start"), STALE)
    assert not found(plain.replace("NAME", "reconnect"), STALE)
    again = text.replace("MORE", "s.on('connect_error', () => start());")
    assert not found(again.replace("NAME", "start"), STALE)
    later = plain.replace("  s.connect();\n", "")
    assert not found(later.replace("NAME", "start"), STALE)


def test_another_file_sets_the_token_of_the_only_socket() -> None:
    socket = f"{HEAD}export const socket = io('/', {{ autoConnect: false }});\n"
    start = (
        f"import {{ socket }} from './socket';\n"
        f"export function start() {{ socket.auth = {{ token: {STORED} }}; socket.connect(); }}\n"
    )
    files = {"web/socket.ts": socket, "web/start.ts": start}
    assert [each.file for each in review_project(files, STALE).findings] == ["web/start.ts"]
    two = files | {"web/other.ts": socket.replace("'/'", "'/other'")}
    assert not review_project(two, STALE).findings


def test_a_token_of_an_effect_that_waits() -> None:
    text = f"""\
{HEAD}import {{ useEffect, useRef }} from 'react';
export function useLive(room) {{
  const ref = useRef(null);
  useEffect(() => {{
    const open = async () => {{
      const session = await getSession();
      if (!session) {{ ref.current?.disconnect(); return; }}
      ref.current = io('https://a.example', {{ auth: {{ token: session.accessToken }} }});
    }};
    const timer = setTimeout(open, 0);
    return () => {{ clearTimeout(timer); ref.current?.disconnect(); }};
  }}, [room]);
}}
"""
    assert verdicts(text, STALE) == ["fault"]


def test_a_python_token_in_a_variable() -> None:
    text = """\
import socketio
sio = socketio.AsyncClient()
async def main():
    token = VALUE
    await sio.connect("https://a.example", auth={"token": token})
"""
    assert found(text.replace("VALUE", "await session.token()"), STALE, "a.py") == [5]
    assert not found(text.replace("VALUE", "os.environ['TOKEN']"), STALE, "a.py")


# Users are signed in, and the socket says nothing of it

API = """\
import axios from 'axios';
export const api = axios.create({});
api.interceptors.request.use((config) => {
  config.headers.Authorization = `Bearer ${localStorage.getItem('token')}`;
  return config;
});
"""
HEADER = """\
export const list = async ({ id, token }) =>
  axios.get(`/rooms/${id}`, { headers: { 'x-access-token': token } });
"""
LIVE = f"""\
{HEAD}import {{ useEffect }} from 'react';
export function useLive() {{
  const {{ user }} = useAuth();
  useEffect(() => {{
    const s = io('https://a.example', OPTIONS);
    MORE
    return () => s.close();
  }}, [user]);
}}
"""


@pytest.mark.parametrize(
    ("api", "options", "more", "is_found"),
    [
        (API, "{}", "s.on('order', show);", True),
        (API, "{ withCredentials: true }", "s.on('order', show);", False),
        (API, "{ auth: (send) => send({ token: read() }) }", "s.on('order', show);", False),
        (API, "{}", "s.emit('authenticate', { token: read() });", False),
        (API, "{}", "s.auth = { token: read() };", False),
        ("export const api = axios.create({});", "{}", "s.on('order', show);", False),
        (API, "{ query: { userId: user.id } }", "s.on('order', show);", True),
        (API, "{ query: queryOf(user) }", "s.on('order', show);", True),
        (API, "{ query: { ticket: user.ticket } }", "s.on('order', show);", False),
        (API, "{ query: { userId: user.id, key: user.key } }", "s.on('order', show);", False),
        ("", "{ query: { userId: user.id } }", "s.on('order', show);", True),
        ("", "{ query: { board } }", "s.on('order', show);", False),
        ("", "{ auth: { userId: user.id } }", "s.on('order', show);", True),
        ("", "{ auth: { ticket: user.ticket } }", "s.on('order', show);", False),
        (HEADER, "{}", "s.on('order', show);", True),
        (HEADER.replace("x-access-token", "x-trace"), "{}", "s.on('order', show);", False),
        ("", "{}", "s.emit('addUser', user.id);", True),
        ("", "{}", "s.emit('setup', { userId: user?._id });", True),
        ("", "{}", "s.emit('typing', user.name);", False),
        ("", "{}", "s.emit('join', { room });", False),
    ],
)
def test_a_socket_without_the_token_that_requests_carry(
    api: str, options: str, more: str, *, is_found: bool
) -> None:
    live = LIVE.replace("OPTIONS", options).replace("MORE", more)
    files = {"src/api.ts": api, "src/use-live.ts": live}
    assert bool(review_project(files, MISSING).findings) is is_found


@pytest.mark.parametrize(
    ("api", "made", "is_found"),
    [
        (API, "new WebSocket(`wss://a.example/ws/${userId}/`)", True),
        (API, "new WebSocket(`${base}/live/${user.id}`)", True),
        (API, "new WebSocket(`${base}/live/${userId}?ticket=${ticket}`)", False),
        (API, "new WebSocket(`${base}/live/${userId}`, [credentials])", False),
        (API, "new WebSocket(`${base}/prices/${symbol}`)", False),
        (API, "new WebSocket(BASE)", True),
        (API, "new WebSocket(BASE, [credentials])", False),
        ("", "new WebSocket(BASE)", False),
        ("", "new WebSocket(`wss://a.example/ws/${userId}/`)", False),
    ],
)
def test_a_plain_socket_that_only_names_the_user(api: str, made: str, *, is_found: bool) -> None:
    live = f"export function open(base, user, userId) {{\n  const ws = {made};\n  return ws;\n}}\n"
    files = {
        "src/api.ts": api,
        "src/live.ts": live,
        "package.json": '{"dependencies": {"react": "18"}}',
    }
    assert bool(review_project(files, MISSING).findings) is is_found


def test_a_server_of_the_project_tells_whether_strangers_are_meant() -> None:
    server = "import { Server } from 'socket.io';\nexport const io = new Server(80);\n"
    live = LIVE.replace("OPTIONS", "{}").replace("MORE", "s.emit('addUser', user.id);")
    assert review_project({"web/use-live.ts": live}, MISSING).findings
    files = {"web/use-live.ts": live, "api/server.ts": server}
    assert not review_project(files, MISSING).findings
    served = "io.on('connection', (s) => s.on('m', (m) => s.emit('m', m)));\n"
    blind = files | {"api/server.ts": server + served, "web/api.ts": API}
    assert review_project(blind, MISSING).findings
    asking = blind | {"api/server.ts": server + "io.use((s, next) => check(s, next));\n" + served}
    assert not review_project(asking, MISSING).findings
    own = {"web/use-live.ts": live.replace("'https://a.example'", "'/'")}
    assert not review_project(own, MISSING).findings  # the cookie of the page goes with it


def test_the_token_is_sent() -> None:
    live = LIVE.replace("OPTIONS", "{}").replace("MORE", "s.emit('addUser', user.id);")
    (finding,) = review_text(live, MISSING)
    assert finding.fix is not None
    good = applied(live, finding.fix.edits)
    assert "io('https://a.example', { auth: (send) => send({ token: getToken() " in good
    assert not found(good, MISSING)
