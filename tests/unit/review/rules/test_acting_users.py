"""``tenant-from-client``: whom something is done for, and whom a socket is kept under."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project

RULE = "tenant-from-client"
NODE = """\
const io = require('socket.io')(http);
const users = {}; const online = new Map();
io.on('connection', (s) => {
  BODY
});
"""
NEST = """\
import { WebSocketGateway, SubscribeMessage, MessageBody } from '@nestjs/websockets';
class NoteDto { authorId: string; text: string; }
interface PlainDto { roomId: string; text: string }
@WebSocketGateway()
export class NotesGateway {
  constructor(private readonly notes: NotesService) {}
  BODY
}
"""
SIO = "import socketio\nsio = socketio.AsyncServer()\n@sio.event\nasync def EVENT(sid, data):\n    "
CHANNELS = """\
import json
from channels.generic.websocket import AsyncWebsocketConsumer
class C(AsyncWebsocketConsumer):
    async def receive(self, text_data):
        data = json.loads(text_data)
        BODY

    @database_sync_to_async
    def save_note(self, username, text):
        author = User.objects.get(username=username)
        Note.objects.create(author=author, text=text)
"""


@pytest.mark.parametrize(
    "body",
    [
        "s.on('m', async (m) => { log(m.sender); await Note.create(m); });",
        "s.on('m', async (m) => { await new Note(m).save(); io.to(m.to).emit(m.from); });",
        "s.on('mark-read', ({ chatId, userId }) => Note.updateMany({ chatId }, { by: userId }));",
        "s.on('add-reaction', ({ id, userId }) => Note.findByIdAndUpdate(id, { by: userId }));",
        "s.on('update-location', ({ driverId, at }) => Car.findByIdAndUpdate(driverId, { at }));",
        "s.on('hello', (userId) => { online.get(userId).add(s.id); });",
        "s.on('hello', (username) => { users[username] = s.id; });",
        "const me = s.handshake.query.userId; s.on('del', (id) => Note.deleteOne({ id, by: me }));",
        "s.on('done', ({ studentId }) => { const i = exam.students.findIndex("
        "(x) => x.id === studentId); exam.students.splice(i, 1); });",
        "s.on('m', async ({ userId, text }) => { const n = { userId, text }; Note.create(n); });",
        "s.on('react', ({ id, userId }) => { const n = find(id); n.reactions.push({ userId }); });",
        "s.on('edit', async (m) => { const { id, senderId } = m;"
        " const n = await Note.findOne({ id, sender: senderId }); n.save(); });",
        "s.on('markAsRead', ({ senderId, receiverId }) =>"
        " Note.updateMany({ senderId, receiverId }, { read: true }));",
        "s.on('messages', ({ senderId, receiverId }) => Note.find({ senderId, receiverId }));",
        "s.on('sendMessage', async ({ userId, text }) => {"
        " const u = await User.findById(userId); io.emit('m', u.name, text); });",
        "s.on('m', (m) => { if (m.to !== m.sender) io.to(m.to).emit('m', m); });",
        "s.on('typing', ({ room, username }) => s.to(room).emit('typing', { username }));",
        "s.on('hello', (id) => { userSockets.set(id, s); });",
        "s.on('m', (m) => { if (m.senderEmail) io.to(m.to).emit('m', m); });",
        "s.on('message read', ({ receiverEmail }) => Note.updateMany({ to: receiverEmail }));",
        "s.on('m', (m) => prisma.message.create({ data: { ownerId: m.ownerId } }));",
    ],
)
def test_on_node(body: str) -> None:
    assert found(NODE.replace("BODY", body), RULE, "a.js")


@pytest.mark.parametrize(
    "body",
    [
        "s.on('m', async (m) => { await Note.create({ ...m, sender: s.userId }); m.sender; });",
        "s.on('m', async (m) => { m.sender = s.user.id; await Note.create(m); });",
        "s.on('m', async (m) => { log(m.text); await Note.create(m); });",
        "s.on('join', ({ username, room }) => { list.push({ id: s.id, username, room }); });",
        "s.on('join', (username) => { users[s.id] = username; });",
        "s.on('read', ({ senderId }) => Note.updateMany({ by: senderId }, { read: true }));",
        "s.on('notes', ({ authorId }) => Note.find({ authorId }));",
        "const me = s.request.user; s.on('mark-read', ({ userId }) =>"
        " Note.updateMany({ from: userId, to: me.id }, { read: true }));",
        "s.on('delivered', async ({ senderId }) => { const u = await User.findById(senderId); });",
        "s.on('sendMessage', async ({ userId }) => { const me = s.user;"
        " await User.findById(userId); });",
        "s.on('assign', ({ id, driverId }) => Ride.findByIdAndUpdate(id, { driverId }));",
        "s.on('call', ({ to, from }) => { io.to(to).emit('call', { from }); });",
        "s.on('done', ({ studentId }) => { const i = exam.students.findIndex("
        "(x) => x.id === studentId); log(i); });",
        "s.on('m', (m) => { io.to(m.to).emit('m', m); });",
        "s.on('m', (m) => { if (m.replyEmail) io.to(m.to).emit('m', m); });",
        "s.on('call', (m) => { if (m.from) io.to(m.to).emit('offer', m); });",
        "s.on('m', (m) => { m.sender; io.to(m.to).emit('m', { ...m, sender: s.user.id }); });",
        "s.on('typing', ({ room, username }) => log(room, username));",
        "s.on('typing', ({ room }) => s.to(room).emit('typing', { username: s.user.name }));",
        "s.on('hello', (id) => { boardSockets.set(id, s); });",
        "s.on('look', (m) => prisma.board.findFirst({ where: { ownerId: m.ownerId } }));",
    ],
)
def test_near_misses_on_node(body: str) -> None:
    assert not found(NODE.replace("BODY", body), RULE, "a.js")


@pytest.mark.parametrize(
    ("event", "body", "is_fault"),
    [
        ("note", "x(@MessageBody() dto: NoteDto) { return this.notes.create(dto); }", True),
        ("note", "x(@MessageBody() dto: NoteDto) { return this.notes.save({ ...dto }); }", True),
        ("note", "x(@MessageBody() dto: PlainDto) { return this.notes.create(dto); }", False),
        (
            "note",
            "x(client: Socket, dto: NoteDto)"
            " { return this.notes.create({ ...dto, authorId: client.data.user.id }); }",
            False,
        ),
        ("bid", "x(@MessageBody() d: any) { return this.notes.bid(d.lot, d.bidderId); }", True),
        (
            "getNotifications",
            "x(@MessageBody() d: any) { return this.notes.unread(d.userId); }",
            True,
        ),
        ("deleteMessage", "x(@MessageBody() d: any) { this.notesService.remove(d.userId); }", True),
        ("leaveRoom", "x(@MessageBody() d: any) { this.roomService.leave(d.userId); }", True),
        (
            "markAsRead",
            "x(c: Socket, d: any) { const me = who(c); this.notes.m(d.userId); }",
            False,
        ),
        ("getProfile", "x(@MessageBody() d: any) { return this.notes.look(d.userId); }", False),
        ("addMember", "x(@MessageBody() d: any) { return this.notes.put(d.userId); }", False),
    ],
)
def test_in_nest(event: str, body: str, is_fault: bool) -> None:
    code = NEST.replace("BODY", f"@SubscribeMessage('{event}') {body}")
    assert bool(found(code, RULE)) == is_fault


@pytest.mark.parametrize(
    ("event", "body", "is_fault"),
    [
        ("post", "doc = {'by': data['from_user']}\n    await db.notes.insert_one(doc)", True),
        ("mark_read", "await db.notes.update_many({'to': data['user_id']}, READ)", True),
        ("hello", "users[data['user_id']].add(sid)", True),
        ("leave", "typing_users[data['chat']].discard(data['user_id'])", True),
        ("post", "n = {'created_by': data['player_id']}\n    await db.n.insert_one(n)", True),
        ("post", "n = {'moved_to': data['player_id']}\n    await db.n.insert_one(n)", False),
        ("post", "crud.save(db, schemas.NoteIn(**data))", False),
        (
            "post",
            "me = users[sid]\n    doc = {'by': me, 'to': data['user_id']}\n"
            "    await db.notes.insert_one(doc)",
            False,
        ),
    ],
)
def test_in_python(event: str, body: str, is_fault: bool) -> None:
    code = SIO.replace("EVENT", event) + body
    assert bool(found(code, RULE, "a.py")) == is_fault


def test_a_model_of_a_payload_is_stored_elsewhere() -> None:
    files = {
        "app/live.py": "import socketio\nfrom app import crud, schemas\n"
        "sio = socketio.AsyncServer()\n@sio.event\nasync def send(sid, data):\n"
        "    await crud.create_note(db, schemas.NoteIn(**data))\n",
        "app/crud.py": "from app import models, schemas\n"
        "async def create_note(db, note: schemas.NoteIn):\n"
        "    db.add(models.Note(**note.model_dump()))\n",
        "app/schemas.py": "class NoteIn(BaseModel):\n    FIELD: int\n    text: str\n",
        "app/models.py": "class Note(Base):\n    pass\n",
    }
    for name, places in (("sender_id", [("app/crud.py", 3)]), ("board_id", [])):
        told = files | {"app/schemas.py": files["app/schemas.py"].replace("FIELD", name)}
        findings = review_project(told, RULE).findings
        assert [(each.file, each.line) for each in findings] == places


def test_an_account_found_by_the_name_in_a_payload() -> None:
    bad = CHANNELS.replace("BODY", "await self.save_note(data['username'], data['text'])")
    good = CHANNELS.replace("BODY", "await self.save_note(self.scope['user'].username, 'x')")
    assert found(bad, RULE, "a.py") == [6]
    assert not found(good, RULE, "a.py")


def test_a_name_in_the_address_of_a_web_socket() -> None:
    code = """\
from fastapi import WebSocket
@app.websocket("/ws/{WHO}")
async def ws(websocket: WebSocket, WHO: str):
    await manager.connect(websocket, WHO)
"""
    assert found(code.replace("WHO", "username"), RULE, "a.py") == [3]
    assert not found(code.replace("WHO", "client_id"), RULE, "a.py")
