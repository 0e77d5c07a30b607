"""``one-socket-per-user``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.tenants import is_of_client
from tidegate.review.facts.tenant.room_kinds import words_in
from tidegate.review.facts.tenant.room_names import values_of
from tidegate.review.fix import Fix, line_before, replaced, suggested
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node, SourceFile

RULE = Rule(
    name="one-socket-per-user",
    topic="tenant",
    severity="low",
    languages=("typescript", "python"),
    summary="A map keeps one socket of each user: a second tab takes the place of the first.",
    why=(
        "People have several tabs and devices. The entry of the first is overwritten, so it gets "
        "nothing any more; and when either closes, the entry is gone, and the user looks offline "
        "while a socket is open."
    ),
    remedy="Join a room of the user and address that, or keep a set of sockets for each user.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { WebSocketGateway } from '@nestjs/websockets';
import type { Socket } from 'socket.io';

@WebSocketGateway()
export class NotesGateway {
  private readonly sockets = new Map<string, string>();

  handleConnection(client: Socket) {
    this.sockets.set(client.data.userId, client.id);
  }
}
""",
            good="""\
import { WebSocketGateway } from '@nestjs/websockets';
import type { Socket } from 'socket.io';

@WebSocketGateway()
export class NotesGateway {
  handleConnection(client: Socket) {
    client.join(`user:${client.data.userId}`);
  }
}
""",
        ),
        Example(
            "python",
            bad="""\
from fastapi import WebSocket


class Connections:
    def __init__(self):
        self.active: dict[str, WebSocket] = {}

    async def connect(self, user_id: str, websocket: WebSocket):
        await websocket.accept()
        self.active[user_id] = websocket
""",
            good="""\
from fastapi import WebSocket


class Connections:
    def __init__(self):
        self.active: dict[str, set[WebSocket]] = {}

    async def connect(self, user_id: str, websocket: WebSocket):
        await websocket.accept()
        self.active.setdefault(user_id, set()).add(websocket)
""",
        ),
    ),
)

_USERS = frozenset(
    {
        *("user", "users", "username", "email", "uid", "sub", "member", "account", "profile"),
        *("player", "driver", "rider", "doctor", "patient", "customer", "employee", "admin"),
        *("agent", "phone", "student", "teacher", "owner", "seller", "buyer", "person"),
        *("participant", "subscriber", "recipient"),
    }
)
_SOCKET = r"(?:\w+\.)*(?:sock(?:et)?|client|conn(?:ection)?|ws|web_?socket)!?"
_SOCKET_ID = re.compile(
    rf"{_SOCKET}\.id|(?:\w+\.)*(?:sid|(?:socket|conn(?:ection)?|ws)_?id|channel_name)|request\.sid",
    re.IGNORECASE,
)
_IS_SOCKET = re.compile(rf"{_SOCKET}", re.IGNORECASE)
_IS_FIELD = re.compile(r"sid|(?:socket|client)_?id", re.IGNORECASE)
_UPDATES = re.compile(r"findByIdAndUpdate|findOneAndUpdate|updateOne|update")
_MOST = 40
_CLIENTS = ("socket.io-client", "@stomp/stompjs", "react")


@dataclass(frozen=True)
class _Entry:
    """One ``map[key] = value``; ``node`` is the call or the assignment."""

    node: Node
    map: str
    key: Node
    value: Node


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Find maps from users to their one socket."""
    for file in _files(model):
        if model.project.imports_from(file, *_CLIENTS):
            continue
        seen = set()
        for entry in _entries(file):
            if entry.map in seen or not _is_user(entry.key) or not _is_socket(entry.value):
                continue
            if _is_meant(entry):
                continue
            seen.add(entry.map)
            message = f"`{entry.map}` keeps one socket of a user; the next tab takes its place."
            yield RULE.fault(entry.node, message, fix=_fix(model, entry))
        for call, holder in _lists(file):
            if holder not in seen:
                seen.add(holder)
                message = f"`{holder}` keeps one socket of a user, and knows no second tab."
                yield RULE.fault(call.node, message)


def _lists(file: SourceFile) -> Iterator[tuple[Call, str]]:
    """Yield lists that take a user once: ``!users.some(…) && users.push({ userId, socketId })``."""
    for call in file.calls if not file.is_python and ".push(" in file.text else ():
        holder = call.receiver.text if call.receiver is not None else ""
        value = call.args[0] if call.args else None
        around = call.node.function
        if call.name != "push" or value is None or value.kind != "object" or around is None:
            continue
        users = [name for name in value.pairs() if _USERS & set(words_in(name))]
        if not users or not _is_socket(value):
            continue
        before = file.text[around.start : call.node.start]
        asked = rf"{re.escape(holder)}\.(?:some|find|findIndex|filter)\([^;]*?\.{users[0]}\b"
        if re.search(asked, before) and not re.search(r"disconnect|socketIds?\.", before):
            yield call, holder


def _files(model: Model) -> list[SourceFile]:
    """Return the files with realtime code, and those whose functions handlers call."""
    files = dict.fromkeys(model.files)
    for gateway in model.gateways:
        for handler in gateway.handlers:
            for function in model.project.reach(handler.function)[:_MOST]:
                if not function.file.is_test:
                    files.setdefault(function.file)
    return list(files)


def _entries(file: SourceFile) -> Iterator[_Entry]:
    for call in file.calls if not file.is_python else []:
        position = {"set": 0, "hset": 1, "hSet": 1}.get(call.name)
        if position is None or call.receiver is None or len(call.args) < position + 2:
            continue
        key, value = call.args[position], call.args[position + 1]
        yield _Entry(call.node, call.receiver.text, key, value)
    for call in file.calls if file.is_python else []:
        if call.name == "update" and call.receiver is not None and len(call.args) == 1:
            for pair in call.args[0].find("pair"):
                name, given = pair.field("key"), pair.field("value")
                if name is not None and given is not None:
                    yield _Entry(call.node, call.receiver.text, name, given)
    yield from _rows(file)
    for node in file.root.find("assignment_expression", "assignment"):
        left, right = node.field("left"), node.field("right")
        if left is None or right is None or left.kind not in ("subscript_expression", "subscript"):
            continue
        holder = left.field("object") or left.field("value")
        index = left.field("index") or left.field("subscript")
        if holder is None or index is None:
            continue
        if holder.kind in ("subscript_expression", "subscript") and _IS_FIELD.fullmatch(
            index.string or ""
        ):
            # users[name]["sid"] = sid
            user = holder.field("index") or holder.field("subscript")
            outer = holder.field("object") or holder.field("value")
            if user is not None and outer is not None:
                yield _Entry(node, outer.text, user, right)
                continue
        yield _Entry(node, holder.text, index, right)


def _rows(file: SourceFile) -> Iterator[_Entry]:
    """Yield rows of users with a column for one socket: ``User.update(id, { socketId })``."""
    for call in file.calls:
        if not _UPDATES.fullmatch(call.name) or call.receiver is None or len(call.args) < 2:
            continue
        for name, value in _columns(call.args[1]):
            if _IS_FIELD.fullmatch(name) and _SOCKET_ID.fullmatch(value.text):
                yield _Entry(call.node, call.receiver.text, call.args[0], value)


def _columns(literal: Node) -> Iterator[tuple[str, Node]]:
    for name, value in literal.pairs().items() if literal.kind == "object" else ():
        if name == "$set":
            yield from _columns(value)
        else:
            yield name, value


def _is_user(key: Node) -> bool:
    """Tell whether a key is about a person, and not about one connection of theirs."""
    key = _value(key)
    parts = [each.children[0] for each in key.find("template_substitution") if each.children]
    if parts:  # `socket:${userId}`
        return any(map(_is_user, parts)) and not any(map(_is_socket, parts))
    if re.fullmatch(r"(?:\w+\.)*[A-Z][A-Z0-9_]*", key.text):
        return False  # a prefix
    if key.string is not None or "socket" in key.text.lower().rpartition(".")[2]:
        return False
    inner = [
        key.text,
        *(each.text for each in key.find("member_expression", "attribute", "identifier")),
    ]
    if any(_SOCKET_ID.fullmatch(text) for text in inner):
        return False
    text = re.sub(r"[\"'`]", "", key.text)
    return bool(_USERS & set(words_in(text))) and not re.search(r"\(\)|\bindex\b", text)


def _value(node: Node) -> Node:
    """Return what a local constant was made of, if that is a text or an object; else itself."""
    if node.kind != "identifier":
        return node
    for value in values_of(node) or ():
        if value is not None and value.kind in ("template_string", "object", "dictionary"):
            return value
    return node


def _is_socket(value: Node) -> bool:
    value = _value(value)
    while value.kind in ("as_expression", "non_null_expression") and value.children:
        value = value.children[0]
    if value.kind in ("object", "dictionary"):
        return any(map(_is_socket, value.pairs().values()))
    if value.kind == "call_expression" and Call(value).path == "JSON.stringify":
        return any(_is_socket(arg) for arg in Call(value).args)
    if value.text == "self":  # a consumer of Channels is its socket
        owner = value.enclosing("class_definition")
        bases = owner.field("superclasses") if owner is not None else None
        return bases is not None and "Consumer" in bases.text
    return bool(_SOCKET_ID.fullmatch(value.text) or _IS_SOCKET.fullmatch(value.text))


def _is_meant(entry: _Entry) -> bool:
    """Tell whether the code looks first if the user has a socket already."""
    around = entry.node.function
    if around is None:
        return False
    holder, key = re.escape(entry.map), re.escape(entry.key.text)
    looks = (
        rf"{holder}\??\.?(?:has|get|pop)?[(\[]\s*{key}\s*[,)\]](?!\s*=[^=])"
        rf"|{key}\s+(?:not\s+)?in\s+{holder}\b|{holder}\.hasOwnProperty\(\s*{key}"
    )
    before = around.file.text[around.start : entry.node.start]
    return bool(re.search(looks, before))


def _fix(model: Model, entry: _Entry) -> Fix | None:
    """Return the fix that joins a room of the user instead, if a Socket.IO socket is at hand."""
    if entry.node.file.is_python or not re.search(r"socket\.io|@nestjs", entry.node.file.text):
        return None
    value = entry.value.text.removesuffix(".id")
    if not _IS_SOCKET.fullmatch(value) or entry.key.kind == "template_string":
        return None
    if is_of_client(model, entry.node, entry.key):
        return None  # whoever it names, the client would be in that user's room
    comment = f"// All tabs of the user are in this room: emit to it, not to {entry.map}.get(…)."
    join = f"{value}.join(`user:${{{entry.key.text}}}`)"
    return suggested(line_before(entry.node, comment), replaced(entry.node, join))
