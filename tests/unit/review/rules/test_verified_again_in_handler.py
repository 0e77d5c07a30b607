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


def test_the_correction() -> None:
    files = {"a.gateway.ts": GATEWAY, "auth.guard.ts": GUARD.replace("BODY", VERIFY)}
    [finding] = review_project(files, RULE).findings
    assert finding.fix is not None
    assert applied(GATEWAY, finding.fix.edits) == GATEWAY.replace("  @UseGuards(AuthGuard)\n", "")


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
