"""``session-held-per-socket``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.sessions import reopened, reopened_inside
from tidegate.review.facts.module.sessions import held_by, listening_loop, makes_session, reads
from tidegate.review.model import Gateway, Model
from tidegate.review.model.declarations import Function
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node

RULE = Rule(
    name="session-held-per-socket",
    topic="module",
    severity="medium",
    languages=("python",),
    summary="A database session stays open as long as a socket is connected.",
    why=(
        "A socket lives for hours, a pool has five or ten connections. Each session that waits in "
        "a receive loop keeps one, with an open transaction and rows as they were at the start; "
        "soon new requests wait for a free connection and time out."
    ),
    remedy="Open a session for each message, and close it before waiting for the next.",
    examples=(
        Example(
            "python",
            title="A dependency",
            bad="""\
from fastapi import APIRouter, Depends, WebSocket
from sqlalchemy.orm import Session

from app.database import get_db
from app.models import Message

router = APIRouter()


@router.websocket("/chat")
async def chat(websocket: WebSocket, db: Session = Depends(get_db)):
    await websocket.accept()
    while True:
        text = await websocket.receive_text()
        db.add(Message(text=text))
        db.commit()
""",
            good="""\
from fastapi import APIRouter, WebSocket

from app.database import SessionLocal
from app.models import Message

router = APIRouter()


@router.websocket("/chat")
async def chat(websocket: WebSocket):
    await websocket.accept()
    while True:
        text = await websocket.receive_text()
        with SessionLocal() as db:
            db.add(Message(text=text))
            db.commit()
""",
        ),
        Example(
            "python",
            title="A block around the loop",
            bad="""\
from fastapi import APIRouter, WebSocket

from app.database import async_session_maker
from app.models import Message

router = APIRouter()


@router.websocket("/chat")
async def chat(websocket: WebSocket):
    await websocket.accept()
    async with async_session_maker() as session:
        async for text in websocket.iter_text():
            session.add(Message(text=text))
            await session.commit()
""",
            good="""\
from fastapi import APIRouter, WebSocket

from app.database import async_session_maker
from app.models import Message

router = APIRouter()


@router.websocket("/chat")
async def chat(websocket: WebSocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        async with async_session_maker() as session:
            session.add(Message(text=text))
            await session.commit()
""",
        ),
    ),
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Find sessions around receive loops."""
    seen: set[Node] = set()
    for gateway in model.gateways:
        if gateway.framework not in ("websocket", "channels") or not gateway.file.is_python:
            continue
        for handler in gateway.of_kind("connect"):
            function = handler.function
            if function.node in seen:
                continue
            seen.add(function.node)
            if gateway.owner is not None:
                yield from _kept_in_field(model, gateway, function)
            else:
                yield from _endpoint(model, function, seen)


def _endpoint(model: Model, function: Function, seen: set[Node]) -> Iterator[Finding]:
    if listening_loop(model, function, function.body) is None:
        return
    for dependency in held_by(model, function):
        name = dependency.parameter.name
        if dependency.is_own and _is_closed(model, function, name, function.body):
            continue
        if not dependency.is_sure:
            message = f"`{name}` may be a database session; what makes it was not found."
            yield RULE.could_not_tell(dependency.parameter.node, message)
            continue
        what = f"`{name}` is" if dependency.is_own else f"What `{name}` depends on is"
        message = f"{what} a database session that stays open as long as the socket."
        fix = reopened(model, function, dependency) if dependency.is_own else None
        yield RULE.fault(dependency.parameter.node, message, fix=fix)
        return  # one for each endpoint: all of them are mended together
    for each in model.project.reach(function):
        if each.node == function.node or each.node not in seen:
            seen.add(each.node)
            yield from _around_loops(model, each)


def _around_loops(model: Model, function: Function) -> Iterator[Finding]:
    for node in function.body.find("with_statement", "for_statement"):
        body = node.field("body")
        if node.function != function.node or body is None:
            continue
        head = [call for call in node.calls() if call.node.end <= body.start]
        if not any(makes_session(model, call) for call in head):
            continue
        if listening_loop(model, function, body) is not None:
            message = "This session stays open as long as the socket: the receive loop is in it."
            yield RULE.fault(node, message, fix=reopened_inside(function, node))
    for node in function.body.find("assignment"):
        left, right = node.field("left"), node.field("right")
        if left is None or right is None or node.function != function.node:
            continue
        if right.kind != "call" or not makes_session(model, Call(right)):
            continue
        if node.enclosing("while_statement", "for_statement") is not None:
            continue
        rest = _after(function, node)
        if rest and not _is_closed(model, function, left.text, function.body):
            message = f"`{left.text}` stays open as long as the socket: the receive loop follows."
            yield RULE.fault(node, message)


def _after(function: Function, node: Node) -> list[Node]:
    """Return the receive loops of a function that come after a node."""
    return [
        loop
        for loop in function.body.find("while_statement", "for_statement")
        if loop.start > node.end and reads(loop)
    ]


def _is_closed(model: Model, function: Function, name: str, within: Node) -> bool:
    """Tell whether a session is closed before the loop or in it, not only at the end."""
    loop = listening_loop(model, function, within)
    for call in within.calls("close"):
        if call.receiver is None or call.receiver.text != name:
            continue
        if loop is not None and call.node.end <= loop.end:
            return call.node.enclosing("finally_clause") is None or call.node.start > loop.start
    return False


def _kept_in_field(model: Model, gateway: Gateway, function: Function) -> Iterator[Finding]:
    """Find sessions that a class makes when a socket connects and keeps in a field."""
    for node in function.body.find("assignment"):
        left, right = node.field("left"), node.field("right")
        if left is None or right is None or not left.text.startswith("self."):
            continue
        value = right.children[0] if right.kind == "await" and right.children else right
        if value.kind != "call" or not makes_session(model, Call(value)):
            continue
        closed = [
            call.receiver.text for call in function.calls if call.name == "close" and call.receiver
        ]
        if left.text not in closed:
            message = f"`{left.text}` stays open as long as the socket is connected."
            yield RULE.fault(node, message)
