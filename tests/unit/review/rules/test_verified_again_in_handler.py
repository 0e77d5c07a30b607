from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "verified-again-in-handler"
NODE = """\
import { Server } from 'socket.io'; import jwt from 'jsonwebtoken';
io.use((socket, next) => { socket.user = jwt.verify(socket.handshake.auth.token, KEY); next(); });
io.on('connection', (socket) => {
  socket.on('EVENT', (data) => {
    BODY
  });
});
"""
GATEWAY = """\
import { WebSocketGateway } from '@nestjs/websockets';
import { JwtService } from '@nestjs/jwt';
import { AuthGuard } from './auth.guard';
@WebSocketGateway()
export class A {
  constructor(private readonly jwt: JwtService) {}
  handleConnection(client) { client.data.user = this.jwt.verify(client.handshake.auth.token); }
  @UseGuards(AuthGuard)
  @SubscribeMessage('a')
  a(client) {}
}
"""
GUARD = """\
import { JwtService } from '@nestjs/jwt';
export class AuthGuard {
  constructor(private readonly jwt: JwtService) {}
  canActivate(context) {
    const client = context.switchToWs().getClient();
    BODY
    return true;
  }
}
"""
VERIFY = "client.data.user = this.jwt.verify(client.handshake.auth.token);"


def node(body: str, event: str = "order.create") -> list[int]:
    return found(NODE.replace("BODY", body).replace("EVENT", event), RULE)


def test_a_handler_verifies_again() -> None:
    assert node("const user = jwt.verify(socket.handshake.auth.token, KEY);") == [5]
    assert node("jwt.verify(data.token, KEY, done);") == [5]


@pytest.mark.parametrize(
    ("body", "event"),
    [
        ("use(socket.user);", "order.create"),
        ("socket.user = jwt.verify(data.token, KEY);", "auth.refresh"),
        ("socket.user = jwt.verify(data, KEY);", "token"),
        ("const room = jwt.verify(data.inviteToken, KEY);", "join"),
        ("const room = jwt.verify(data.token, ROOM_KEY);", "join"),
        ("// jwt.verify(data.token, KEY)", "join"),
    ],
)
def test_the_near_misses(body: str, event: str) -> None:
    assert not node(body, event)


def test_nobody_verified_before() -> None:
    code = NODE.replace("BODY", "jwt.verify(data.token, KEY);").replace(
        "jwt.verify(socket", "f(socket"
    )
    assert not found(code, RULE)


def test_a_check_of_each_packet_is_meant_so() -> None:
    code = NODE.replace("BODY", "go();").replace(
        "  socket.on(",
        "  socket.use((p, next) => { jwt.verify(socket.token, KEY); next(); });\n  socket.on(",
    )
    assert not found(code, RULE)


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (VERIFY, [8]),
        ("if (!client.data.user) throw new WsException('no');", []),
        (f"if (client.data.user) return true; {VERIFY}", []),
    ],
)
def test_a_guard_verifies_again(body: str, lines: list[int]) -> None:
    files = {"a.gateway.ts": GATEWAY, "auth.guard.ts": GUARD.replace("BODY", body)}
    assert [each.line for each in review_project(files, RULE).findings] == lines


def test_a_guard_is_named_once_for_each_gateway() -> None:
    again = "  @UseGuards(AuthGuard)\n  @SubscribeMessage('b')\n  b(client) {}\n}\n"
    files = {
        "a.gateway.ts": GATEWAY.removesuffix("}\n") + again,
        "auth.guard.ts": GUARD.replace("BODY", VERIFY),
    }
    assert len(review_project(files, RULE).findings) == 1


def test_python() -> None:
    code = """\
import jwt, socketio
sio = socketio.AsyncServer()
@sio.event
async def connect(sid, environ, auth):
    jwt.decode(auth["token"], KEY, algorithms=["HS256"])
@sio.event
async def NAME(sid, data):
    jwt.decode(data["token"], KEY, algorithms=["HS256"])
"""
    assert found(code.replace("NAME", "order"), RULE, "a.py") == [8]
    assert not found(code.replace("NAME", "refresh_token"), RULE, "a.py")


CONNECT = """\
  handleConnection(client) {
    const claims = this.jwt.verify(client.handshake.auth.token);
    client.data.user = claims;
  }
"""
TIMER = """\
    const timeLeft = Math.min(claims.exp * 1000 - Date.now(), 2 ** 31 - 1);
    const timer = setTimeout(() => client.disconnect(true), timeLeft);
    client.once('disconnect', () => clearTimeout(timer));
"""
GUARDED = """\
import { WebSocketGateway } from '@nestjs/websockets';
import { JwtService } from '@nestjs/jwt';
import { AuthGuard } from './auth.guard';
CLASS@WebSocketGateway()
export class A {
  constructor(private readonly jwt: JwtService) {}
CONNECTFIRST  @SubscribeMessage('a')
  a(client) {}
SECOND  @SubscribeMessage('b')
  b(client) {}
}
"""


def guarded(on_class: str = "", first: str = "", second: str = "", more: str = "") -> str:
    names = {"CLASS": on_class, "FIRST": first, "SECOND": second, "CONNECT": CONNECT + more}
    code = GUARDED
    for name, text in names.items():
        code = code.replace(name, text)
    return code


def corrected(code: str, guard: str = VERIFY) -> str | None:
    files = {"a.gateway.ts": code, "auth.guard.ts": GUARD.replace("BODY", guard)}
    [finding] = review_project(files, RULE).findings
    if finding.fix is None:
        return None
    after = applied(code, finding.fix.edits)
    left = review_project({**files, "a.gateway.ts": after}, RULE, "expiry-ignored")
    assert not left.findings
    return after


@pytest.mark.parametrize(
    ("places", "kept"),
    [
        ({"on_class": "@UseGuards(AuthGuard)\n"}, {}),
        ({"first": "  @UseGuards(AuthGuard)\n"}, {}),
        ({"first": "  @UseGuards(AuthGuard)\n", "second": "  @UseGuards(AuthGuard)\n"}, {}),
        ({"first": "  @UseGuards(AuthGuard) @Log()\n"}, {"first": "  @Log()\n"}),
        ({"second": "  @UseGuards(AuthGuard, Limit)\n"}, {"second": "  @UseGuards(Limit)\n"}),
    ],
)
def test_a_timer_takes_the_place_of_the_guard(places: dict[str, str], kept: dict[str, str]) -> None:
    """The guard was all that looked at the expiry of a token after the connection."""
    timed = guarded(**kept).replace(";\n    client.data", ";\n" + TIMER + "    client.data")
    assert corrected(guarded(**places)) == timed


def test_no_second_timer_is_set() -> None:
    more = "  tidy(client) { setTimeout(() => client.disconnect(), client.data.user.exp); }\n"
    code = guarded(first="  @UseGuards(AuthGuard)\n", more=more)
    assert corrected(code) == guarded(more=more)


@pytest.mark.parametrize(
    "guard",
    [
        "client.user = this.jwt.verify(client.handshake.auth.token);",
        "client['user'] = this.jwt.verify(client.handshake.auth.token);",
        VERIFY + " if (!this.reflector.get('roles', context.getHandler())) return false;",
    ],
)
def test_a_guard_that_does_more_is_left(guard: str) -> None:
    assert corrected(guarded(first="  @UseGuards(AuthGuard)\n"), guard) is None


def test_a_guard_is_left_where_no_timer_can_be_set() -> None:
    code = guarded(first="  @UseGuards(AuthGuard)\n")
    code = code.replace("const claims = this.jwt.verify(client.handshake.auth.token);", "")
    code = code.replace("= claims", "= { ...this.jwt.verify(client.handshake.auth.token) }")
    assert corrected(code) is None


def test_a_handler_is_corrected_by_a_person() -> None:
    [finding] = review_text(NODE.replace("BODY", "jwt.verify(data.token, KEY);"), RULE)
    assert finding.fix is None


SERVICE = """\
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
@Injectable()
export class Sessions {
  constructor(private readonly jwt: JwtService) {}
  async whoIs(client) {
    const claims = await this.jwt.verifyAsync(client.handshake.auth.token);
    MORE
    return claims;
  }
  async post(client, text) {
    const me = await this.whoIs(client);
    return save(me.sub, text);
  }
}
"""
POSTS = """\
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Sessions } from './sessions';
@WebSocketGateway()
export class PostsGateway {
  constructor(private readonly sessions: Sessions) {}
  async handleConnection(client) {
    client.data.user = await this.sessions.whoIs(client);
  }
  @SubscribeMessage('post')
  post(client, body) {
    return this.sessions.post(client, body.text);
  }
}
"""


def test_the_call_in_the_service_is_reported() -> None:
    files = {"src/posts.gateway.ts": POSTS, "src/sessions.ts": SERVICE.replace("MORE", "")}
    places = [(f.file, f.line) for f in review_project(files, RULE).findings]
    assert places == [("src/sessions.ts", 12)]


def test_a_session_that_may_have_been_revoked_is_asked_again() -> None:
    more = "if (await this.revokedTokens.has(claims.jti)) throw new Error('revoked');"
    files = {"src/posts.gateway.ts": POSTS, "src/sessions.ts": SERVICE.replace("MORE", more)}
    assert not review_project(files, RULE).findings
