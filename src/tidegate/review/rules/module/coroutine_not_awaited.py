"""``coroutine-not-awaited``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.diagnostic import Confidence, Finding
from tidegate.review.edits.imports import import_edit
from tidegate.review.facts.module.coroutines import Coroutine, coroutines
from tidegate.review.facts.module.dropped import dropped
from tidegate.review.facts.module.versions import newest_version
from tidegate.review.fix import Fix, inserted_before, replaced, safe, suggested
from tidegate.review.model import Model
from tidegate.review.model.declarations import Function
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="coroutine-not-awaited",
    topic="module",
    severity="high",
    languages=("python",),
    summary="A coroutine of an async server is made and never awaited, so nothing is sent or done.",
    why=(
        "Calling a coroutine function runs nothing. Without `await` the event is never sent, the "
        "socket never joins its room or is never disconnected, and only a warning in the log of "
        "the garbage collector tells of it: `coroutine ... was never awaited`."
    ),
    remedy="Put `await` before the call, or give the coroutine to a task that is kept.",
    examples=(
        Example(
            "python",
            title="python-socketio",
            bad="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def join_board(sid, data):
    session = await sio.get_session(sid)
    board = await find_board(session["tenant_id"], data["board"])
    sio.enter_room(sid, f"board:{board.id}")
    await sio.emit("joined", {"board": board.id}, to=sid)
""",
            good="""\
import socketio

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def join_board(sid, data):
    session = await sio.get_session(sid)
    board = await find_board(session["tenant_id"], data["board"])
    await sio.enter_room(sid, f"board:{board.id}")
    await sio.emit("joined", {"board": board.id}, to=sid)
""",
        ),
        Example(
            "python",
            title="FastAPI",
            bad="""\
from fastapi import WebSocket


class Connections:
    def __init__(self):
        self.by_tenant: dict[str, set[WebSocket]] = {}

    async def tell(self, tenant: str, message: dict):
        for websocket in self.by_tenant.get(tenant, ()):
            websocket.send_json(message)
""",
            good="""\
from fastapi import WebSocket


class Connections:
    def __init__(self):
        self.by_tenant: dict[str, set[WebSocket]] = {}

    async def tell(self, tenant: str, message: dict):
        for websocket in self.by_tenant.get(tenant, ()):
            await websocket.send_json(message)
""",
        ),
        Example(
            "python",
            title="Channels, from synchronous code",
            bad="""\
from channels.layers import get_channel_layer


def order_saved(sender, instance, **kwargs):
    layer = get_channel_layer()
    layer.group_send(f"tenant_{instance.tenant_id}", {"type": "order.saved", "id": instance.id})
""",
            good="""\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer


def order_saved(sender, instance, **kwargs):
    layer = get_channel_layer()
    async_to_sync(layer.group_send)(
        f"tenant_{instance.tenant_id}", {"type": "order.saved", "id": instance.id}
    )
""",
        ),
    ),
)

_ROOMS_ARE_COROUTINES = (5, 10)
"""Since this version of python-socketio; before it, ``enter_room`` was an ordinary function."""

_EFFECTS = {
    "emit": "nothing is sent",
    "send": "nothing is sent",
    "call": "nothing is sent",
    "send_text": "nothing is sent",
    "send_json": "nothing is sent",
    "send_bytes": "nothing is sent",
    "group_send": "nothing is sent",
    "enter_room": "the socket doesn't enter the room",
    "group_add": "the socket doesn't enter the group",
    "leave_room": "the socket stays in the room",
    "group_discard": "the socket stays in the group",
    "close_room": "the room stays",
    "disconnect": "the socket stays connected",
    "close": "the socket stays connected",
    "accept": "the socket is never accepted",
    "save_session": "the session is not saved",
}


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Find coroutines that are dropped."""
    for coroutine in coroutines(model):
        call = coroutine.call
        if not dropped(call):
            continue
        confidence, is_sure = coroutine.confidence, True
        if call.name in ("enter_room", "leave_room") and coroutine.what == "socketio":
            version = newest_version(model, call.file, "python-socketio")
            if version is not None and version < _ROOMS_ARE_COROUTINES:
                continue
            is_sure = version is not None
            confidence = confidence if is_sure else "likely"
        yield RULE.fault(
            call.node,
            f"`{call.path}` makes a coroutine that nobody awaits: "
            f"{_EFFECTS.get(call.name, 'it never runs')}.",
            confidence=confidence,
            fix=_fix(coroutine, confidence if is_sure else "likely"),
        )


def _fix(coroutine: Coroutine, confidence: Confidence) -> Fix | None:
    call = coroutine.call
    around = call.node.function
    if around is None or around.kind == "lambda":
        return None
    if Function(around, "").is_async:
        text = f"await {call.node.text}"
        parent = call.node.parent
        if parent is not None and parent.kind in ("attribute", "subscript"):
            return suggested(replaced(call.node, f"({text})"))
        edit = inserted_before(call.node, "await ")
        return safe(edit) if confidence == "certain" else suggested(edit)
    callee = call.callee
    is_wrapped = bool(_decorators(around) & {"database_sync_to_async", "sync_to_async"})
    if (coroutine.what == "layer" or is_wrapped) and callee is not None:
        edits = [replaced(callee, f"async_to_sync({callee.text})")]
        edits += import_edit(call.file, "from asgiref.sync import async_to_sync")
        return suggested(*edits)
    if _is_handler(around):
        return suggested(inserted_before(around, "async "), inserted_before(call.node, "await "))
    return None


def _is_handler(function: Node) -> bool:
    """Tell whether the server calls a function, which may be async then."""
    return len(_decorators(function)) == 1 and bool(_decorators(function) & {"on", "event"})


def _decorators(function: Node) -> set[str]:
    """Return the last names of a function's decorators."""
    around = function.parent
    if around is None or around.kind != "decorated_definition":
        return set()
    texts = [each.text for each in around.children if each.kind == "decorator"]
    return {text.partition("(")[0].rpartition(".")[2].lstrip("@").strip() for text in texts}
