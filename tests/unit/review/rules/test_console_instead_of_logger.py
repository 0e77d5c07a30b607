from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_text

from tidegate.review.fix import applied

RULE = "console-instead-of-logger"
NEST = """\
import { Injectable } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway()
export class ChatGateway {
  handleConnection(client) {
    console.log('connected', client.id);
    console.error('why');
  }
}
"""


def test_a_gateway_is_told_of_once() -> None:
    [finding] = review_text(NEST, RULE)
    assert finding.line == 6
    assert finding.fix is not None
    text = applied(NEST, finding.fix.edits)
    assert (
        text
        == """\
import { Injectable, Logger } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway()
export class ChatGateway {
  private readonly logger = new Logger(ChatGateway.name);

  handleConnection(client) {
    this.logger.log('connected', client.id);
    this.logger.error('why');
  }
}
"""
    )
    assert not found(text, RULE)


def test_the_logger_of_the_class_is_used() -> None:
    code = NEST.replace("ChatGateway {\n", "ChatGateway {\n  log = new Logger(ChatGateway.name);\n")
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    assert "this.log.log('connected', client.id)" in applied(code, finding.fix.edits)


@pytest.mark.parametrize(
    "code",
    [
        NEST.replace("console.", "this.logger."),
        NEST.replace("console.", "// console."),
        NEST.replace("@WebSocketGateway()\n", "@Injectable()\n"),
        "import { io } from 'socket.io-client';\nio(url).on('a', () => console.log('a'));",
        "import { Server } from 'socket.io';\nconsole.log('started');\nnew Server(http);",
    ],
)
def test_the_near_misses(code: str) -> None:
    assert not found(code, RULE)


def test_a_server_on_node() -> None:
    code = """\
import { Server } from 'socket.io';
const io = new Server(http);
io.on('connection', (socket) => {
  console.log('connected', socket.id);
  socket.on('a', () => console.log('a'));
});
"""
    assert found(code, RULE) == [4]


def test_a_consumer() -> None:
    code = """\
import { Controller } from '@nestjs/common';
import { EventPattern, RmqContext } from '@nestjs/microservices';
@Controller()
export class OrdersConsumer {
  @EventPattern('order.created')
  created(@Payload() data, @Ctx() context: RmqContext) {
    console.log(data);
  }
}
"""
    assert found(code, RULE) == [7]


@pytest.mark.parametrize(
    "code",
    [
        "import socketio\nsio = socketio.AsyncServer()\n\n@sio.event\n"
        "async def chat(sid, data):\n    print('chat', sid)\n    print(f'{data}')\n    print()\n",
        "from channels.generic.websocket import AsyncWebsocketConsumer\n"
        "class A(AsyncWebsocketConsumer):\n    async def connect(self):\n        print('in')\n",
        "from fastapi import FastAPI, WebSocket\nimport logging\napp = FastAPI()\n"
        "log = logging.getLogger(__name__)\n@app.websocket('/a')\n"
        "async def a(websocket: WebSocket):\n    print(websocket)\n",
    ],
)
def test_python(code: str) -> None:
    [finding] = review_text(code, RULE, name="a.py")
    assert finding.fix is not None
    text = applied(code, finding.fix.edits)
    compile(text, "a.py", "exec")
    assert "getLogger(__name__)" in text
    assert text.count("print(") == code.count("print()")


def test_python_near_misses() -> None:
    code = "import socketio\nsio = socketio.Server()\n\ndef main():\n    print('started')\n"
    assert not found(code, RULE, "a.py")
