"""``console-instead-of-logger``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.insertions import after_imports, in_class, named_import
from tidegate.review.fix import Edit, Fix, replaced, suggested
from tidegate.review.model import Class, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node

RULE = Rule(
    name="console-instead-of-logger",
    topic="module",
    severity="low",
    languages=("typescript", "python"),
    summary="A gateway or consumer writes to the console.",
    why=(
        "What is printed has no level, no time and no name of who wrote it, and can't be turned "
        "off. A gateway writes a line per message of each client; when something is wrong, it is "
        "not found among them."
    ),
    remedy="Use the application's logger.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway()
export class OrdersGateway {
  @SubscribeMessage('order')
  order(client, data) {
    console.log('order', data.id);
  }
}
""",
            good="""\
import { Logger } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway()
export class OrdersGateway {
  private readonly logger = new Logger(OrdersGateway.name);

  @SubscribeMessage('order')
  order(client, data) {
    this.logger.debug(`order ${data.id}`);
  }
}
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.AsyncServer()


@sio.event
async def order(sid, data):
    print("order", data["id"])
""",
            good="""\
import logging

import socketio

logger = logging.getLogger(__name__)
sio = socketio.AsyncServer()


@sio.event
async def order(sid, data):
    logger.debug("order %s", data["id"])
""",
        ),
    ),
)

_METHODS = {
    **dict.fromkeys(("log", "info", "dir", "table", "group"), "log"),
    "debug": "debug",
    "trace": "debug",
    "warn": "warn",
    "error": "error",
}


@dataclass
class _Place:
    """The calls of one gateway or consumer; Nest's have a class."""

    calls: list[Call] = field(default_factory=list)
    owner: Class | None = None


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Report each file of a gateway or consumer once for each class, or once."""
    for place in _places(model).values():
        calls = sorted(place.calls, key=lambda call: call.node.start)
        if not calls:
            continue
        first = calls[0]
        more = f", and {len(calls) - 1} more here" if len(calls) > 1 else ""
        message = f"`{first.path}` instead of a logger{more}."
        yield RULE.fault(first.node, message, fix=_fix(place, calls))


def _places(model: Model) -> dict[Node, _Place]:
    """Return the calls that print, by the class or file that they are in."""
    found: dict[Node, _Place] = {}
    seen: set[Node] = set()

    def take(holder: Node, owner: Class | None, body: Node) -> None:
        if not re.search(r"console\.|\bprint\(", body.text):
            return
        place = found.setdefault(holder, _Place(owner=owner))
        for call in body.calls():
            if _prints(call) and call.node not in seen:
                seen.add(call.node)
                place.calls.append(call)

    for gateway in model.gateways:
        if gateway.owner is not None:
            take(gateway.owner.node, gateway.owner, gateway.owner.node)
            continue
        for handler in gateway.handlers:
            take(handler.function.file.root, None, handler.function.node)
    for consumer in model.consumers:
        owner = consumer.function.owner
        holder = owner.node if owner is not None else consumer.file.root
        take(holder, owner, consumer.function.node)
    return found


def _prints(call: Call) -> bool:
    if call.file.is_python:
        return call.path == "print"
    return call.receiver is not None and call.receiver.text == "console" and call.name in _METHODS


def _fix(place: _Place, calls: list[Call]) -> Fix | None:
    if calls[0].file.is_python:
        return _python_fix(calls)
    owner = place.owner
    if owner is None or owner.file.is_python:
        return None  # which logger the application has is for its owner to say
    name, edits = _logger(owner)
    for call in calls:
        around = call.node.function
        if call.callee is None or (around is not None and around.kind == "function_expression"):
            continue
        edits.append(replaced(call.callee, f"this.{name}.{_METHODS[call.name]}"))
    return suggested(*edits)


def _logger(owner: Class) -> tuple[str, list[Edit]]:
    """Return the name of a class's logger, and what makes one if there is none."""
    for name, type_ in owner.fields.items():
        if type_.endswith("Logger"):
            return name, []
    member = in_class(owner, f"private readonly logger = new Logger({owner.name}.name);")
    return "logger", [
        *([member] if member else []),
        *named_import(owner.file, "Logger", "@nestjs/common"),
    ]


def _python_fix(calls: list[Call]) -> Fix | None:
    file = calls[0].file
    match = re.search(r"^(\w+)\s*=\s*(?:logging\.)?getLogger\(", file.text, re.MULTILINE)
    name = match[1] if match else "logger"
    edits: list[Edit] = []
    if match is None:
        text = f"{name} = logging.getLogger(__name__)"
        if not re.search(r"^import logging$", file.text, re.MULTILINE):
            text = f"import logging\n\n{text}"
        edits.append(after_imports(file, text))
    for call in calls:
        if call.keywords or not call.args or any("*" in arg.text[:1] for arg in call.args):
            continue
        given = ", ".join(arg.text for arg in call.args)
        if len(call.args) > 1 or call.args[0].kind != "string":
            given = '"' + " ".join("%s" for _ in call.args) + f'", {given}'
        edits.append(replaced(call.node, f"{name}.info({given})"))
    return suggested(*edits)
