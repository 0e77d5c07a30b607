from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_text

from tidegate.review.fix import applied

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


@pytest.mark.parametrize(
    "body",
    [
        "socket.join(`user:${socket.handshake.query.userId}`);",
        "const { userId } = socket.handshake.auth; this.users.set(userId, socket.id);",
        "const id = socket.handshake.query.user_id as string; this.map[id] = socket;",
        "socket.data.userId = socket.handshake.headers['x-user-id'];",
    ],
)
def test_a_user_from_the_handshake(body: str) -> None:
    assert connect(body) == [5]


def test_a_user_from_a_payload() -> None:
    assert message("socket.data.userId = body.userId;") == [9]
    assert message("this.chat.create({ sender: body.senderId, text: body.text });") == [9]
    assert message("this.server.to('r').emit('m', { senderId: body.senderId });") == [9]
    assert message("this.chat.save(body.userId, body.text);") == [9]
    assert not message("this.chat.save(socket.data.user.id, body.userId);")
    assert not message("if (body.userId !== socket.data.user.id) return; socket.join(body.userId);")
    assert not message("body.senderId = socket.data.user.id; this.chat.create(body.senderId);")
    assert not message("this.server.to(body.receiverId).emit('m', 1);")


def test_an_id_of_another_user_is_no_identity() -> None:
    code = GATEWAY.replace("CONNECT", "").replace("'x'", "'member.add'")
    assert not found(code.replace("MESSAGE", "this.rooms.put(body.roomId, body.userId);"), RULE)


def test_middlewares_and_connections_on_node() -> None:
    code = """\
const { Server } = require('socket.io');
const io = new Server(1);
const users = {};
io.use((socket, next) => {
  socket.userId = socket.handshake.query.userId;
  next();
});
io.on('connection', (socket) => {
  const id = socket.handshake.query.userId;
  if (id != 'undefined') users[id] = socket.id;
  socket.on('register', (userId) => {
    users[userId] = socket.id;
  });
});
"""
    assert found(code, RULE, "a.js") == [5, 9, 11]


def test_users_in_python() -> None:
    sio = "import socketio\nsio = socketio.AsyncServer()\n@sio.event\n"
    connects = f"{sio}async def connect(sid, environ, auth):\n    BODY\n"
    body = "await sio.save_session(sid, {'user_id': auth['user_id']})"
    assert found(connects.replace("BODY", body), RULE, "a.py") == [5]
    body = "await sio.save_session(sid, {'user_id': verify(auth['token'])['sub']})"
    assert not found(connects.replace("BODY", body), RULE, "a.py")
    fastapi = """\
from fastapi import WebSocket, Query
@app.websocket("/ws/{room}")
async def ws(websocket: WebSocket, room: str, user_id: str = Query(...)):
    await manager.connect(websocket, room, user_id)
"""
    assert found(fastapi, RULE, "a.py") == [3]
    injected = fastapi.replace("str = Query(...)", "str = Depends(current_user_id)")
    assert not found(injected, RULE, "a.py")
    channels = """\
from channels.generic.websocket import WebsocketConsumer
class C(WebsocketConsumer):
    def connect(self):
        self.user_id = self.scope["url_route"]["kwargs"]["user_id"]
        CHECK
        self.accept()
"""
    assert found(channels.replace("CHECK", "pass"), RULE, "a.py") == [4]
    check = "if str(self.scope['user'].id) != self.user_id: return self.close()"
    assert not found(channels.replace("CHECK", check), RULE, "a.py")


def test_the_correction_reads_what_was_verified() -> None:
    code = GATEWAY.replace("CONNECT", "socket.join(`t:${socket.handshake.query.tenantId}`);")
    [finding] = review_text(code, RULE)
    assert finding.fix is not None and not finding.fix.is_safe
    corrected = applied(code, finding.fix.edits)
    comment = "// tenantId is of the verified token, put there when the client connects"
    assert f"    {comment}\n    socket.join(`t:${{socket.data.tenantId}}`);" in corrected
    assert not found(corrected, RULE)


@pytest.mark.parametrize(
    "body",
    [
        "const id = body.userId ?? socket.data.user?.id; this.queue.drop(id);",
        "const id = body.user_id || socket.user.id; this.queue.drop(id);",
        "this.notes\n.create({ text: body.text, author: body.senderId })\n.then((n) => n);",
        "await sql`INSERT INTO notes (author_id, text) VALUES (${body.authorId}, ${body.text})`;",
        "await pool.query('insert into notes values ($1, $2)', [body.sender_id, body.text]);",
        "this.room.participants.push(body.userId);",
    ],
)
def test_who_acts(body: str) -> None:
    assert message(body)


@pytest.mark.parametrize(
    "body",
    [
        "const id = socket.data.user?.id ?? body.userId; this.queue.drop(id);",
        "if (body.userId !== socket.data.user.id) return;"
        " const id = body.userId || socket.data.user.id; this.queue.drop(id);",
        "await sql`SELECT * FROM notes WHERE author_id = ${body.authorId}`;",
        "await sql`INSERT INTO notes VALUES (${socket.data.user.id}, ${body.text})`;",
        "this.room.participants.push(socket.data.user.id);",
    ],
)
def test_near_misses_of_who_acts(body: str) -> None:
    assert not message(body)


def test_what_becomes_of_the_request_of_a_websocket() -> None:
    code = """\
import { WebSocketServer } from 'ws';
const wss = new WebSocketServer({ port: 80 });
wss.on('connection', (ws, req) => {
  users.set(new URL(req.url, 'http://x').searchParams.get('userId'), ws);
});
"""
    assert found(code, RULE) == [4]
    assert not found(code.replace("'userId'", "'page'"), RULE)


def test_a_record_that_names_its_sender() -> None:
    code = """\
from flask_socketio import SocketIO
socketio = SocketIO(app)
@socketio.on("post")
def post(data):
    db.session.add(Post(author_id=AUTHOR, text=data["text"]))
"""
    assert found(code.replace("AUTHOR", 'data["author_id"]'), RULE, "a.py") == [5]
    assert not found(code.replace("AUTHOR", "current_user.id"), RULE, "a.py")


def test_a_socket_of_any_name() -> None:
    body = "handleConnection(c) { c.data.tenantId = c.handshake.query.tenantId; }"
    code = GATEWAY.replace("handleConnection(socket: Socket) {\n    CONNECT\n  }", body)
    assert found(code, RULE) == [4]


@pytest.mark.parametrize(
    ("body", "is_fault"),
    [
        ("s.on('register', (userId) => { users[userId] = s.id; });", True),
        ("s.on('setup', (user) => { s.join(user._id); s.emit('connected'); });", True),
        ("s.on('addUser', (userId) => { users.push({ userId, socketId: s.id }); });", True),
        ("s.on('login', (data) => { s.data.user = { id: data.userId }; });", True),
        ("const userId = s.handshake.query.userId; if (userId) map[userId] = s.id;", True),
        ("users[s.data.user.id] = s.id;", False),
        ("s.on('profile', async ({ userId }, cb) => { cb(await User.findById(userId)); });", False),
        ("s.on('invite', ({ userId }) => { invites.create(s.data.user.id, userId); });", False),
    ],
)
def test_ways_to_say_who_one_is(body: str, is_fault: bool) -> None:
    code = f"const io = require('socket.io')(http);\nio.on('connection', (s) => {{\n{body}\n}});"
    assert bool(found(code, RULE, "a.js")) == is_fault


@pytest.mark.parametrize(
    ("name", "is_fault"),
    [("workspaceId", True), ("companyId", True), ("spaceId", False), ("work", False)],
)
def test_what_tenants_are_called(name: str, is_fault: bool) -> None:
    assert bool(connect(f"socket.join(`w:${{socket.handshake.query.{name}}}`);")) == is_fault


def test_one_value_that_may_come_from_two_places_is_told_once() -> None:
    first, second = "socket.handshake.query.tenantId", "socket.handshake.headers['x-tenant-id']"
    assert connect(f"const t = ({first} as string) ||\n{second}; socket.join(t);") == [5]


CHECKED_IN_TRY = """\
import { Server } from 'socket.io';
io.use(async (socket, next) => {
  try {
    const user = await verify(socket.handshake.auth.token);
    const tenantId = socket.handshake.auth.tenantId;
    CHECK
    socket.data = { tenantId, userId: user.id };
    next();
  } catch (error) {
    next(new Error('Unauthorized'));
  }
});
"""


@pytest.mark.parametrize(
    ("check", "is_fault"),
    [
        ("if (!tenantId) return next(new Error('no tenant'));", True),
        ("if (!(await isMember(user.id, tenantId))) return next(new Error('no member'));", False),
        (
            "const { data: row, error } = await db.from('members').select('id')"
            ".eq('user_id', user.id).eq('tenant_id', tenantId);\n"
            "    if (error || !row) return next(new Error('no member'));",
            False,
        ),
    ],
)
def test_a_right_that_is_checked_in_a_try(check: str, is_fault: bool) -> None:
    assert bool(found(CHECKED_IN_TRY.replace("CHECK", check), RULE)) == is_fault


BEFORE = """\
import { SubscribeMessage, UseGuards, UseInterceptors, WebSocketGateway } from './nest';
@Injectable()
export class Tenants {
  METHOD(context: ExecutionContext) {
    const client: Socket = context.switchToWs().getClient();
    BODY
    return true;
  }
}
@USE(Tenants)
@WebSocketGateway()
export class Orders {
  @SubscribeMessage('orders')
  orders(client: Socket) {}
}
"""


@pytest.mark.parametrize(
    ("use", "method"), [("UseGuards", "canActivate"), ("UseInterceptors", "intercept")]
)
@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("client.data.tenantId = client.handshake.headers['x-tenant-id'];", [6]),
        ("const t = client.handshake.query.tenantId; this.stores.open(t);", [6]),
        ("client.data.tenantId = client.data.claims.tenantId;", []),
        ("log(client.handshake.query.tenantId);", []),
    ],
)
def test_what_runs_before_the_handlers_of_nest(
    use: str, method: str, body: str, lines: list[int]
) -> None:
    code = BEFORE.replace("USE", use).replace("METHOD", method).replace("BODY", body)
    assert found(code, RULE) == lines


ENDPOINT = """\
from fastapi import FastAPI, WebSocket
app = FastAPI()
BEFORE
@app.websocket("/orders")
async def orders(websocket: WebSocket):
BODY
    await websocket.accept()
"""


def endpoint(body: str, before: str = "") -> bool:
    code = ENDPOINT.replace("BEFORE", before)
    return bool(found(code.replace("BODY", body), RULE, name="orders.py"))


ASKED = '    tenant_id = websocket.query_params.get("tenant_id")\n'


@pytest.mark.parametrize(
    "body",
    [
        ASKED + "    rows = db.query(Order).filter(Order.id == 1, Order.tenant_id == tenant_id)",
        ASKED + "    rows = select(Order).where(Order.tenant_id == tenant_id)",
        ASKED + "    rows = Order.objects.filter(tenant_id=tenant_id)",
        ASKED + "    principal = TenantPrincipal(tenant_id=UUID(tenant_id))",
    ],
)
def test_what_is_read_or_made_for_a_tenant_of_the_address(body: str) -> None:
    assert endpoint(body)


@pytest.mark.parametrize(
    "body",
    [
        ASKED + "    rows = db.query(Order).filter(Order.tenant_id == user.tenant_id)",
        ASKED + "    rows = select(Order).where(Order.title == tenant_title)",
        ASKED + "    log(tenant_id)\n    rows = select(Order).where(Order.id == 1)",
        ASKED + "    if not is_member(user, tenant_id):\n        return\n"
        "    rows = select(Order).where(Order.tenant_id == tenant_id)",
    ],
)
def test_near_misses_of_what_is_read_for_a_tenant(body: str) -> None:
    assert not endpoint(body)


@pytest.mark.parametrize(
    ("check", "is_fault"),
    [
        ("tenant is None or tenant.secret != secret", False),
        ("tenant is None or not hmac.compare_digest(tenant.secret, secret)", False),
        ("tenant is None or not check_password(secret, tenant.secret_hash)", False),
        ("tenant is None or SECRETS != secret", True),
        ("room is None or room.secret != secret", True),
        ("tenant is None or not secret", True),
    ],
)
def test_who_knows_the_secret_of_a_tenant(check: str, is_fault: bool) -> None:
    body = (
        f'{ASKED}    secret = websocket.query_params.get("secret")\n'
        "    tenant = await db.get(Tenant, tenant_id)\n"
        '    room = await db.get(Room, websocket.query_params.get("room_id"))\n'
        f"    if {check}:\n        return\n"
        "    await manager.connect(tenant_id, websocket)"
    )
    assert endpoint(body) == is_fault


@pytest.mark.parametrize(
    ("condition", "is_fault"),
    [
        ('claims["role"] == "owner"', False),
        ("claims.is_admin", False),
        ('websocket.query_params.get("role") == "owner"', True),
        ("claims", True),
    ],
)
def test_a_verified_role_may_choose_the_tenant(condition: str, is_fault: bool) -> None:
    before = f"""\
def tenant_of(websocket):
    claims = decode_token(websocket.headers.get("authorization"))
    if {condition}:
        return websocket.query_params.get("tenant_id")
    return claims["tenant_id"]
"""
    body = "    await manager.connect(tenant_of(websocket), websocket)"
    assert endpoint(body, before) == is_fault


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("(socket.handshake.query.tenantId as string) || socket.handshake.auth.tenantId", ""),
        ("socket.handshake.query.tenantId || 'public'", " || 'public'"),
    ],
)
def test_all_of_what_a_client_may_say_is_replaced(given: str, left: str) -> None:
    code = GATEWAY.replace("MESSAGE", "").replace("CONNECT", f"socket.join({given});")
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    assert f"socket.join(socket.data.tenantId{left});" in applied(code, finding.fix.edits)
