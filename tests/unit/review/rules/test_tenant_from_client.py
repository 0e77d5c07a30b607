from __future__ import annotations

import pytest
from tests.unit.review.helpers import found

RULE = "tenant-from-client"
GATEWAY = """\
import { WebSocketGateway, SubscribeMessage } from '@nestjs/websockets';
@WebSocketGateway()
export class A {
  handleConnection(socket: Socket) {
    CONNECT
  }
  @SubscribeMessage('x')
  x(socket: Socket, body: any) {
    MESSAGE
  }
}
"""


def connect(body: str) -> list[int]:
    return found(GATEWAY.replace("CONNECT", body).replace("MESSAGE", ""), RULE)


def message(body: str) -> list[int]:
    return found(GATEWAY.replace("CONNECT", "").replace("MESSAGE", body), RULE)


@pytest.mark.parametrize(
    "body",
    [
        "const tenantId = socket.handshake.query.tenantId as string; socket.join(tenantId);",
        "const { tenantId } = socket.handshake.auth; socket.join(`t:${tenantId}`);",
        "socket.data.tenantId = socket.handshake.headers['x-tenant-id'];",
        "const query = socket.handshake.query; socket.join(query.orgId);",
    ],
)
def test_from_the_handshake(body: str) -> None:
    assert connect(body) == [5]


@pytest.mark.parametrize(
    "body",
    [
        "socket.join(socket.data.user.tenantId);",
        "const { orgId } = this.jwt.verify(socket.handshake.auth.token); socket.join(orgId);",
        "this.logger.log(socket.handshake.query.tenantId);",
        "const t = socket.handshake.query.org; if (t !== socket.data.org) return; socket.join(t);",
    ],
)
def test_the_near_misses_of_connecting(body: str) -> None:
    assert not connect(body)


def test_from_a_payload() -> None:
    assert message("this.server.to(body.tenantId).emit('x', 1);") == [9]
    assert message("this.orders.list(body.tenantId);") == [9]
    assert not message("const tenantId = body.tenantId; return [tenantId].join('-');")
    assert not message("if (!isMember(socket, body.tenantId)) return; socket.join(body.tenantId);")
    assert not message("socket.emit('y', { tenantId: body.tenantId });")
    assert not message("socket.join(body.roomId);")


def test_python() -> None:
    code = """\
from fastapi import WebSocket
@app.websocket("/ws/{tenant_id}")
async def ws(websocket: WebSocket, tenant_id: str):
    BODY
    await manager.connect(websocket, tenant_id)
"""
    assert found(code.replace("BODY", "pass"), RULE, "a.py") == [3]
    body = "if user.tenant_id != tenant_id: return"
    assert not found(code.replace("BODY", body), RULE, "a.py")
    channels = """\
from channels.generic.websocket import AsyncWebsocketConsumer
class C(AsyncWebsocketConsumer):
    async def connect(self):
        tenant = self.scope["url_route"]["kwargs"]["tenant"]
        await self.channel_layer.group_add(f"t_{tenant}", self.channel_name)
"""
    assert found(channels, RULE, "a.py") == [4]
    assert not found(
        channels.replace('scope["url_route"]["kwargs"]', 'scope["user"]'), RULE, "a.py"
    )
