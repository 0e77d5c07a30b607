from __future__ import annotations

import ast

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "session-held-per-socket"

DATABASE = """\
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import sessionmaker
SessionLocal = sessionmaker()
make = async_sessionmaker()
def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
async def get_async_db():
    async with make() as session:
        yield session
def get_engine():
    return object()
def get_user(db=Depends(get_db)):
    return db.get(User, 1)
async def get_user_once(token: str):
    async with make() as session:
        return await session.get(User, token)
class Service:
    def __init__(self, db=Depends(get_db)):
        self.db = db
"""
ENDPOINT = """\
from typing import Annotated
from fastapi import APIRouter, Depends, WebSocket
from sqlalchemy.orm import Session
from sqlalchemy.ext.asyncio import AsyncSession
from database import SessionLocal, Service, get_async_db, get_db, get_engine, get_user, make
from database import get_user_once
router = APIRouter()
SessionDep = Annotated[Session, Depends(get_db)]
@router.websocket("/ws")
async def listen(websocket: WebSocket, PARAMETER):
    await websocket.accept()
    while True:
        text = await websocket.receive_text()
"""


def faults(endpoint: str) -> list[int]:
    report = review_project({"database.py": DATABASE, "main.py": endpoint}, RULE)
    return [finding.line for finding in report.findings]


@pytest.mark.parametrize(
    "parameter",
    [
        "db: Session = Depends(get_db)",
        "db=Depends(get_db)",
        "db: AsyncSession = Depends(get_async_db)",
        "db: Annotated[Session, Depends(get_db)]",
        "db: SessionDep",
        "user: User = Depends(get_user)",
        "service: Service = Depends(Service)",
        "service: Service = Depends()",
        "db: Session = Depends(elsewhere)",
    ],
)
def test_a_dependency_holds_a_session(parameter: str) -> None:
    assert faults(ENDPOINT.replace("PARAMETER", parameter)) == [10]


@pytest.mark.parametrize(
    "parameter",
    [
        "token: str",
        "engine=Depends(get_engine)",
        "user=Depends(get_user_once)",
        "db: AsyncIOMotorDatabase = Depends(get_mongo)",
        "session: dict = Depends(read_cookie)",
    ],
)
def test_other_dependencies_hold_none(parameter: str) -> None:
    assert not faults(ENDPOINT.replace("PARAMETER", parameter))


def test_an_endpoint_without_a_loop_ends() -> None:
    code = ENDPOINT.replace("PARAMETER", "db: Session = Depends(get_db)")
    assert not faults(code.replace("while True", "if True"))


def test_an_endpoint_that_only_sends() -> None:
    code = ENDPOINT.replace("PARAMETER", "db: Session = Depends(get_db)")
    sends = "await websocket.send_json(db.all())\n        await asyncio.sleep(5)"
    assert faults(code.replace("text = await websocket.receive_text()", sends)) == [10]


def test_a_session_that_is_closed_before_the_loop() -> None:
    code = ENDPOINT.replace("PARAMETER", "db: Session = Depends(get_db)")
    assert not faults(code.replace("    while", "    db.close()\n    while"))


def test_an_endpoint_of_http() -> None:
    code = ENDPOINT.replace("PARAMETER", "db: Session = Depends(get_db)")
    assert not faults(code.replace("router.websocket", "router.get"))


@pytest.mark.parametrize(
    ("head", "is_held"),
    [
        ("with SessionLocal() as db:", True),
        ("async with make() as session:", True),
        ("async with AsyncSession(engine) as session:", True),
        ("async for db in get_async_db():", True),
        ("async with async_session_maker() as session:", True),
        ("async with aiohttp.ClientSession() as session:", False),
        ("async with sio.session(sid) as session:", False),
        ("with open(path) as file:", False),
        ("async with asyncio.TaskGroup() as group:", False),
    ],
)
def test_a_block_around_the_loop(head: str, is_held: bool) -> None:
    code = ENDPOINT.replace(", PARAMETER", "").replace("    while", f"    {head}\n     while")
    code = code.replace("        text", "         text")
    assert faults(code) == ([12] if is_held else [])


def test_a_block_in_the_loop_is_right() -> None:
    code = ENDPOINT.replace(", PARAMETER", "")
    code += "        with SessionLocal() as db:\n            db.add(text)\n"
    assert not faults(code)
    code = code.replace("    while", "    with SessionLocal() as db:\n        db.get(1)\n    while")
    assert not faults(code)


def test_the_loop_is_in_another_function() -> None:
    code = ENDPOINT.replace("PARAMETER", "db: Session = Depends(get_db)")
    code = code.replace(
        "    while True:",
        "    await serve(websocket)\nasync def serve(websocket):\n    while True:",
    )
    assert faults(code) == [10]


@pytest.mark.parametrize("made", ["SessionLocal()", "next(get_db())"])
def test_a_session_made_before_the_loop(made: str) -> None:
    code = ENDPOINT.replace(", PARAMETER", "").replace("    while", f"    db = {made}\n    while")
    assert faults(code) == [12]
    assert not faults(code.replace("    while", "    db.close()\n    while"))
    assert faults(code + "    db.close()\n") == [12]


def test_a_session_kept_in_a_field() -> None:
    code = """\
from channels.generic.websocket import AsyncWebsocketConsumer
from database import SessionLocal
class Orders(AsyncWebsocketConsumer):
    async def connect(self):
        self.db = SessionLocal()
        await self.accept()
"""
    assert faults(code) == [5]
    assert not faults(code.replace("await self.accept()", "self.db.close()"))


def test_a_name_alone_does_not_tell() -> None:
    code = """\
import sqlalchemy
from fastapi import APIRouter, Depends, WebSocket
from somewhere import get_db
router = APIRouter()
@router.websocket("/ws")
async def listen(websocket: WebSocket, db=Depends(get_db)):
    async for text in websocket.iter_text():
        db.add(text)
"""
    [finding] = review_text(code, RULE, name="a.py", could_not_tell=True)
    assert finding.verdict == "could-not-tell"
    assert found(code.replace("db=Dep", "db: Session = Dep"), RULE, "a.py") == [6]


def fixed(endpoint: str) -> str:
    [finding] = review_project({"database.py": DATABASE, "main.py": endpoint}, RULE).findings
    assert finding.fix
    assert not finding.fix.is_safe
    result = applied(endpoint, finding.fix.edits)
    ast.parse(result)
    assert not faults(result)
    return result


def test_the_fix_of_a_dependency() -> None:
    code = """\
from fastapi import APIRouter, Depends, WebSocket
from database import get_async_db
router = APIRouter()
@router.websocket("/ws")
async def listen(
    websocket: WebSocket,
    db=Depends(get_async_db),
):
    user = await db.get(1)
    name = user.name
    await websocket.accept()
    try:
        while True:
            text = await websocket.receive_text()
            if text:
                db.add(text)

                await db.commit()
            await websocket.send_text(text)
    except WebSocketDisconnect:
        print(name)
"""
    assert (
        fixed(code)
        == """\
from contextlib import asynccontextmanager
from fastapi import APIRouter, Depends, WebSocket
from database import get_async_db
router = APIRouter()
@router.websocket("/ws")
async def listen(
    websocket: WebSocket,
):
    async with asynccontextmanager(get_async_db)() as db:
        user = await db.get(1)
        name = user.name
    await websocket.accept()
    try:
        while True:
            text = await websocket.receive_text()
            async with asynccontextmanager(get_async_db)() as db:
                if text:
                    db.add(text)

                    await db.commit()
            await websocket.send_text(text)
    except WebSocketDisconnect:
        print(name)
"""
    )


def test_the_fix_of_a_block() -> None:
    code = """\
from fastapi import APIRouter, WebSocket
from database import SessionLocal
router = APIRouter()
@router.websocket("/ws")
async def listen(websocket: WebSocket):
    await websocket.accept()
    with SessionLocal() as db:
        last = None
        while True:
            text = await websocket.receive_text()
            db.add(text)
            db.commit()
            last = text
"""
    assert (
        fixed(code)
        == """\
from fastapi import APIRouter, WebSocket
from database import SessionLocal
router = APIRouter()
@router.websocket("/ws")
async def listen(websocket: WebSocket):
    await websocket.accept()
    last = None
    while True:
        text = await websocket.receive_text()
        with SessionLocal() as db:
            db.add(text)
            db.commit()
        last = text
"""
    )
