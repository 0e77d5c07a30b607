"""Textbook forms, variants and near misses of async-connect-race."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_text

from tidegate.review.fix import applied

RULE = "async-connect-race"
NEST = """\
import { WebSocketGateway } from '@nestjs/websockets';
import type { Socket } from 'socket.io';
@WebSocketGateway()
export class A {
  async handleConnection(client: Socket) {
    CONNECT
  }
  MARK@SubscribeMessage('say')
  say(client: Socket, data: { room: string }) {
    MESSAGE
  }
}
"""
CONNECT = "client.data.user = await this.jwt.verifyAsync(client.handshake.auth.token);"
MESSAGE = "client.to(data.room).emit('said', data);"


def in_nest(connect: str = CONNECT, message: str = MESSAGE, mark: str = "") -> list[int]:
    code = NEST.replace("CONNECT", connect).replace("MESSAGE", message).replace("MARK", mark)
    return found(code, RULE)


@pytest.mark.parametrize(
    "connect",
    [
        CONNECT,
        "try { const user = await this.auth.verify(token(client)); client.user = user; }"
        " catch { client.disconnect(); }",
        "const user = await this.users.findByToken(client.handshake.auth.token);"
        " if (!user) { client.disconnect(); return; } this.online.set(client.id, user);",
        "const user = await this.auth.userOf(client.handshake.auth.token);"
        " if (!user) return client.disconnect(true);",
        "(client as any).user = await this.jwt.verifyAsync(client.handshake.auth.token);",
    ],
)
def test_nest_finds(connect: str) -> None:
    assert in_nest(connect) == [5]


@pytest.mark.parametrize(
    "connect",
    [
        "client.data.user = this.jwt.verify(client.handshake.auth.token);",
        "client.data.user = this.jwt.verify(client.auth.token); await client.join('all');",
        "await client.join('all');",
        "await this.metrics.count();",
        "const room = await this.rooms.find(client.handshake.query.room); client.join(room.id);",
    ],
)
def test_nothing_is_waited_for(connect: str) -> None:
    assert not in_nest(connect)


@pytest.mark.parametrize(
    "message",
    [
        "if (!client.data.user) return; client.to(data.room).emit('said', data);",
        "const { user } = client.data; client.to(data.room).emit('said', user.id);",
        "const user = this.online.get(client.id); client.to(data.room).emit('said', user);",
        "if (client.rooms.has(data.room)) client.to(data.room).emit('said', data);",
        "this.assertAuthenticated(client); client.to(data.room).emit('said', data);",
        "this.chat.handle(client, data);",
        "return data;",
        "this.logger.log(data.room);",
        "client.leave(data.room);",
        "client.emit('pong');",
    ],
)
def test_the_handler_asks_or_does_nothing(message: str) -> None:
    assert not in_nest(message=message)


def test_guards() -> None:
    assert not in_nest(mark="@UseGuards(AuthGuard) ")
    assert in_nest(mark="@UseGuards(ThrottlerGuard) ") == [5]


def test_a_middleware_checked_before() -> None:
    hook = "afterInit(server) { server.use((s, next) => verifyToken(s) ? next() : next(no)); }\n  "
    assert not in_nest(mark=hook)


def test_an_adapter_that_checks_nothing() -> None:
    assert in_nest("await this.authenticate(client);") == []
    helper = (
        "private async authenticate(client: Socket) {\n"
        "    client.data.user = await this.jwt.verifyAsync(client.handshake.auth.token);\n  }\n  "
    )
    assert in_nest("await this.authenticate(client);", mark=helper) == [5]


NODE = """\
import { Server } from 'socket.io';
const io = new Server(80);
io.on('connection', async (socket) => {
  FIRST
  const user = await verifyToken(socket.handshake.auth.token);
  if (!user) { socket.disconnect(); return; }
  THEN
});
"""
LISTENER = "socket.on('say', (m) => { socket.to(m.room).emit('said', m); });"


@pytest.mark.parametrize(
    ("first", "then", "lines"),
    [
        (LISTENER, "", [3]),
        ("", LISTENER, []),
        (LISTENER.replace("{ socket", "{ if (!user) return; socket"), "", []),
        ("// " + LISTENER, "", []),
    ],
)
def test_node(first: str, then: str, lines: list[int]) -> None:
    assert found(NODE.replace("FIRST", first).replace("THEN", then), RULE) == lines


def test_the_correction_asks() -> None:
    code = NEST.replace("CONNECT", CONNECT).replace("MESSAGE", MESSAGE).replace("MARK", "")
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    good = applied(code, finding.fix.edits)
    asked = f"    if (!client.data.user) return;\n    {MESSAGE}"
    assert good == code.replace(f"    {MESSAGE}", asked)
    assert not found(good, RULE)


@pytest.mark.parametrize(
    ("does", "is_found"),
    [
        ("await client.leave(room);", False),
        ("await this.load(client); await client.leave(room);", False),
        ("await client.join(room);", True),
        ("await this.repository.save(room);", True),
    ],
)
def test_what_a_service_does_counts_not_that_it_is_called(does: str, *, is_found: bool) -> None:
    service = f"class ChatService {{ async act(client: Socket, room: string) {{ {does} }} }}\n"
    code = NEST.replace("CONNECT", CONNECT).replace("MARK", "")
    code = code.replace(
        "  async handle", "  constructor(private chat: ChatService) {}\n  async handle"
    )
    code = code.replace("MESSAGE", "return this.chat.act(client, data.room);")
    assert bool(found(service + code, RULE)) is is_found
