from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "coroutine-not-awaited"

SIO = """\
import socketio
sio = socketio.AsyncServer(async_mode="asgi")
@sio.event
async def message(sid, data):
    BODY
"""
CONSUMER = """\
from channels.generic.websocket import AsyncJsonWebsocketConsumer
class Orders(AsyncJsonWebsocketConsumer):
    async def connect(self):
        BODY
"""
FASTAPI = """\
import asyncio
from fastapi import FastAPI, WebSocket
app = FastAPI()
@app.websocket("/ws")
async def listen(websocket: WebSocket):
    BODY
"""


def sio(body: str) -> list[int]:
    return found(SIO.replace("BODY", body), RULE, "a.py")


@pytest.mark.parametrize(
    "body",
    [
        "sio.emit('x', data, to=sid)",
        "sio.send(data)",
        "sio.enter_room(sid, 'a')",
        "sio.leave_room(sid, 'a')",
        "sio.close_room('a')",
        "sio.disconnect(sid)",
        "sio.save_session(sid, {})",
        "data and sio.emit('x', data)",
        "sio.emit('x') if data else None",
        "[sio.emit('x', to=each) for each in data]",
        "session = sio.get_session(sid); print(session['user'])",
    ],
)
def test_a_call_of_an_async_server_is_dropped(body: str) -> None:
    assert sio(body) == [5]


@pytest.mark.parametrize(
    "body",
    [
        "await sio.emit('x', data)",
        "return sio.emit('x', data)",
        "task = asyncio.create_task(sio.emit('x'))",
        "asyncio.create_task(sio.emit('x'))",
        "await asyncio.gather(*[sio.emit('x', to=each) for each in data])",
        "await asyncio.gather(sio.emit('x'), sio.emit('y'))",
        "pending.append(sio.emit('x'))",
        "sio.start_background_task(sio.emit, 'x', data)",
        "later = sio.emit('x'); await later",
        "asyncio.run_coroutine_threadsafe(sio.emit('x'), loop)",
        "async with sio.session(sid) as session: session['a'] = 1",
        "call = lambda: sio.emit('x')",
        "# sio.emit('x')",
        "print('sio.emit(1)')",
        "sio.rooms(sid)",
        "session = sio.get_session(sid); session = await session",
    ],
)
def test_a_call_of_an_async_server_is_kept(body: str) -> None:
    assert not sio(body)


def test_other_servers_and_clients_have_ordinary_functions() -> None:
    for made in ("socketio.Server()", "socketio.Client()", "flask_socketio.SocketIO(app)"):
        code = SIO.replace('socketio.AsyncServer(async_mode="asgi")', made).replace("async ", "")
        assert not found(code.replace("BODY", "sio.emit('x')"), RULE, "a.py")


def test_rooms_are_coroutines_since_a_version() -> None:
    code = SIO.replace("BODY", "sio.enter_room(sid, 'a')")
    for text, is_found in (
        ("python-socketio==5.9.0\n", False),
        ("python-socketio[asyncio]==4.6.1\n", False),
        ("python-socketio>=5.0,<5.10\n", False),
        ("python-socketio~=5.8.0\n", False),
        ("python-socketio==5.11.2\n", True),
        ("python-socketio>=5.8\n", True),
        ("python-socketio\n", True),
        ("fastapi\n", True),
    ):
        files = {"app/a.py": code, "requirements.txt": text}
        assert bool(review_project(files, RULE).findings) is is_found, text
    lock = '[[package]]\nname = "python-socketio"\nversion = "5.8.0"\n'
    files = {"a.py": code, "pyproject.toml": 'python-socketio = "^5.8"\n', "poetry.lock": lock}
    assert not review_project(files, RULE).findings


def test_an_old_version_has_other_coroutines_all_the_same() -> None:
    files = {
        "a.py": SIO.replace("BODY", "sio.emit('x')"),
        "requirements.txt": "python-socketio==5.0.0\n",
    }
    assert len(review_project(files, RULE).findings) == 1


def test_a_server_is_known_in_other_files() -> None:
    files = {
        "server.py": "import socketio\nsio = socketio.AsyncServer()\n",
        "events.py": "from server import sio  # socketio\ndef tell(x):\n    sio.emit('x', x)\n",
        "manager.py": (
            "import socketio\nclass Manager:\n"
            "    def __init__(self, server: socketio.AsyncServer):\n"
            "        self.server = server\n    async def f(self):\n        self.server.emit('x')\n"
        ),
        "handlers.py": (
            "# socketio\ndef register(io):\n    @io.on('x')\n    async def x(sid):\n"
            "        await io.emit('a')\n        io.enter_room(sid, 'a')\n"
        ),
    }
    places = [(each.file, each.line) for each in review_project(files, RULE).findings]
    assert places == [("events.py", 3), ("handlers.py", 6), ("manager.py", 6)]


def test_a_namespace_is_async_or_not() -> None:
    code = """\
import socketio
class Chat(socketio.AsyncNamespace):
    async def on_join(self, sid, room):
        self.enter_room(sid, room)
        await self.emit("joined", to=room)
"""
    assert found(code, RULE, "a.py") == [4]
    assert not found(code.replace("AsyncNamespace", "Namespace"), RULE, "a.py")


def test_methods_of_a_consumer() -> None:
    for body in (
        "self.accept()",
        "self.send_json({})",
        "self.close(code=4401)",
        "self.channel_layer.group_add('a', self.channel_name)",
    ):
        assert found(CONSUMER.replace("BODY", body), RULE, "a.py") == [4], body
        assert not found(CONSUMER.replace("BODY", f"await {body}"), RULE, "a.py")
    sync = CONSUMER.replace("AsyncJson", "Json").replace("async ", "")
    assert not found(sync.replace("BODY", "self.accept()"), RULE, "a.py")
    wrapped = "async_to_sync(self.channel_layer.group_add)('a', self.channel_name)"
    assert not found(sync.replace("BODY", wrapped), RULE, "a.py")
    bare = "self.channel_layer.group_add('a', self.channel_name)"
    assert found(sync.replace("BODY", bare), RULE, "a.py") == [4]


def test_a_wrapped_function_of_the_database() -> None:
    code = CONSUMER.replace("BODY", "self.store()") + (
        "    @database_sync_to_async\n    def store(self):\n        Message.objects.create()\n"
    )
    assert found(code, RULE, "a.py") == [4]
    assert not found(code.replace("self.store()", "await self.store()"), RULE, "a.py")


def test_methods_of_a_websocket() -> None:
    for body in ("websocket.accept()", "websocket.send_text('x')", "websocket.close(4401)"):
        assert found(FASTAPI.replace("BODY", body), RULE, "a.py") == [6], body
    body = "data = websocket.receive_json()\n    print(data['x'])"
    assert found(FASTAPI.replace("BODY", body), RULE, "a.py") == [6]
    for body in ("await websocket.accept()", "asyncio.create_task(websocket.send_text('x'))"):
        assert not found(FASTAPI.replace("BODY", body), RULE, "a.py"), body


def test_methods_of_an_endpoint_class() -> None:
    code = """\
from starlette.endpoints import WebSocketEndpoint
class Echo(WebSocketEndpoint):
    async def on_connect(self, websocket):
        websocket.accept()
    async def on_receive(self, websocket, data):
        await websocket.send_text(data)
"""
    assert found(code, RULE, "a.py") == [4]


def test_the_server_of_fastapi_socketio() -> None:
    code = """\
from fastapi_socketio import SocketManager
manager = SocketManager(app=app)
@app.sio.on("join")
async def join(sid, data):
    app.sio.emit("x", data)
"""
    assert found(code, RULE, "a.py") == [5]


def test_a_test_client_is_synchronous() -> None:
    code = """\
from fastapi.testclient import TestClient
def check(client: TestClient):
    with client.websocket_connect("/ws") as websocket:
        websocket.send_json({})
"""
    assert not found(code, RULE, "check.py")


def test_an_async_function_of_the_project_that_sends() -> None:
    manager = """\
from fastapi import WebSocket
class Manager:
    def __init__(self):
        self.sockets: list[WebSocket] = []
    async def tell(self, text: str):
        for socket in self.sockets:
            await socket.send_text(text)
    def tell_later(self, text: str):
        asyncio.create_task(self.tell(text))
manager = Manager()
"""
    route = FASTAPI.replace("import asyncio", "from manager import manager")
    files = {"manager.py": manager, "main.py": route.replace("BODY", "manager.tell('x')")}
    [finding] = review_project(files, RULE).findings
    assert (finding.file, finding.line) == ("main.py", 6)
    files["main.py"] = route.replace("BODY", "await manager.tell('x')")
    assert not review_project(files, RULE).findings
    files["main.py"] = route.replace("BODY", "manager.tell_later('x')")
    assert not review_project(files, RULE).findings


def test_an_app_of_tidegate() -> None:
    code = """\
from tidegate import Client, Namespace
chat = Namespace("/chat")
@chat.on("message")
async def message(client: Client, data: dict):
    client.tenant.room("a").emit("message", data)
"""
    assert found(code, RULE, "a.py") == [5]
    assert not found(code.replace("client.tenant.", "await client.tenant."), RULE, "a.py")


def fixed(text: str) -> tuple[str, bool]:
    findings = review_text(text, RULE, name="a.py")
    fixes = [each.fix for each in findings]
    assert fixes
    assert all(fixes)
    edits = [edit for fix in fixes if fix for edit in fix.edits]
    result = applied(text, edits)
    assert not found(result, RULE, "a.py")
    return result, all(fix.is_safe for fix in fixes if fix)


def test_the_fix_awaits() -> None:
    text = SIO.replace("BODY", "data and sio.emit('x')  # all")
    assert fixed(text) == (SIO.replace("BODY", "data and await sio.emit('x')  # all"), True)
    result, is_safe = fixed(SIO.replace("BODY", "sio.enter_room(sid, 'a')"))
    assert result == SIO.replace("BODY", "await sio.enter_room(sid, 'a')")
    assert not is_safe  # the version is not known


def test_the_fix_of_an_ordinary_handler_makes_it_async() -> None:
    result, is_safe = fixed(SIO.replace("async def", "def").replace("BODY", "sio.emit('x')"))
    assert result == SIO.replace("BODY", "await sio.emit('x')")
    assert not is_safe


def test_the_fix_in_synchronous_code() -> None:
    text = """\
from channels.layers import get_channel_layer


def saved(sender, instance, **kwargs):
    get_channel_layer().group_send("a", {"type": "saved"})
"""
    assert fixed(text) == (
        """\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer


def saved(sender, instance, **kwargs):
    async_to_sync(get_channel_layer().group_send)("a", {"type": "saved"})
""",
        False,
    )


def test_the_fix_in_a_thread_of_the_database() -> None:
    text = CONSUMER.replace("BODY", "await self.store()") + (
        "    @database_sync_to_async\n    def store(self):\n        self.send_json({})\n"
    )
    result, _ = fixed(text)
    assert "        async_to_sync(self.send_json)({})\n" in result


@pytest.mark.parametrize(
    ("call", "lines"),
    [
        ("tell_all(body)", [6]),
        ("asyncio.run(tell_all(body))", []),
        ("loop.create_task(tell_all(body))", []),
    ],
)
def test_a_coroutine_of_another_file_that_sends_by_others(call: str, lines: list[int]) -> None:
    live = """\
import asyncio
from fastapi import FastAPI, WebSocket
app = FastAPI()
sockets: list[WebSocket] = []
async def to_sockets(message):
    for websocket in sockets:
        await websocket.send_json(message)
async def tell_all(message):
    await asyncio.gather(to_sockets(message), asyncio.sleep(0))
"""
    worker = f"""\
import asyncio
import pika
from live import tell_all
loop = asyncio.new_event_loop()
def heard(channel, method, properties, body):
    {call}
    channel.basic_ack(method.delivery_tag)
def main(channel):
    channel.basic_consume(queue="orders", on_message_callback=heard)
"""
    report = review_project({"live.py": live, "worker.py": worker}, RULE)
    assert [finding.line for finding in report.findings] == lines
