"""Database sessions of Python code: what makes one, and what of FastAPI's dependencies hold one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.review.model import Model
from tidegate.review.model.declarations import Class, Function, Parameter
from tidegate.review.source import Call, Node, SourceFile

__all__ = ["Dependency", "held_by", "listening_loop", "makes_session", "reads"]

_TYPE = re.compile(r"(?<![\w])(?:Async)?(?:SA|SQLA|Db|DB|Sql|SQL)?Session\b")
_FACTORY = re.compile(
    r"(?:\w+\.)*(?:_?async_?)?(?:_?db_?)?(?:session_?local|session_?maker|session_?factory"
    r"|session_?scope|session_?context|async_?session|get_?session|session_?manager)(?:\(\))?"
    r"|(?:\w+\.)*(?:get|open|make|create)_?(?:async_?|db_?|new_?)*(?:db|session|database)"
    r"(?:_?(?:context|ctx|cm|session|local|manager))?",
    re.IGNORECASE,
)
_EVIDENCE = re.compile(
    r"\bsessionmaker\b|\basync_sessionmaker\b|\bscoped_session\b|\bSessionLocal\b|\bAsyncSessionLocal\b"
    r"|\b(?:Async)?Session\(\s*(?:bind\s*=\s*)?\w*engine|\b\w*session_?(?:maker|factory|local)\w*\("
    r"|\basync_session\w*\(|\bAsyncSession\b",
    re.IGNORECASE,
)
_OTHERS = re.compile(r"\b(?:aiohttp|requests|httpx|boto3|botocore|aioboto3|sio|socketio|redis)\b")
_READS = re.compile(r"receive(?:_text|_json|_bytes)?|iter_(?:text|json|bytes)")
_WAITS = re.compile(r"listen|get_message|sleep|get|wait_for|blpop")
_SENDS = re.compile(r"send(?:_text|_json|_bytes)?")


@dataclass(frozen=True, eq=False)
class Dependency:
    """A parameter of an endpoint that keeps a session open while the endpoint runs.

    Attributes:
        function: What FastAPI calls for it; None if it is not in the project.
        is_own: The parameter itself is the session; otherwise something that it needs has one.
        is_sure: The code shows that it is a session; otherwise only the name says so.
    """

    parameter: Parameter
    function: Function | None
    is_own: bool
    is_sure: bool


def held_by(model: Model, endpoint: Function) -> Iterator[Dependency]:
    """Yield the parameters of an endpoint that hold a session, those that are one first."""
    found = []
    for parameter in endpoint.parameters:
        dependency = _dependency(model, parameter, 0)
        if dependency is not None:
            found.append(dependency)
    yield from sorted(found, key=lambda each: not each.is_own)


def _dependency(model: Model, parameter: Parameter, depth: int) -> Dependency | None:
    given = _given(model, parameter)
    if given is None or depth > 3:
        return None
    target = model.project.resolve(given.file, given.text)
    type_ = parameter.type.split("=")[0]
    function = target if isinstance(target, Function) else None
    if function is not None and not function.file.is_python:
        return None
    if function is not None and _is_session(model, function, type_):
        return Dependency(parameter, function, True, True)
    if _TYPE.search(_aliased(model, parameter)) and function is None:
        return Dependency(parameter, None, True, True)
    if target is None:
        is_named = _FACTORY.fullmatch(given.text) and re.search(
            r"\bsql(?:alchemy|model)\b", given.file.text
        )
        return Dependency(parameter, None, True, False) if is_named else None
    if isinstance(target, Class):
        function = model.project.method(target, "__init__")
    for each in function.parameters if function is not None else []:
        inner = _dependency(model, each, depth + 1)
        if inner is not None:
            return Dependency(parameter, function, False, inner.is_sure)
    return None


def _is_session(model: Model, function: Function, type_: str, depth: int = 0) -> bool:
    """Tell whether a dependency gives a session that stays open until the endpoint ends."""
    body = function.body
    if not body.find("yield"):
        made = [each.children[0] for each in body.find("return_statement") if each.children]
        return any(each.kind == "call" and makes_session(model, Call(each), depth) for each in made)
    if _TYPE.search(type_) or _EVIDENCE.search(body.text):
        return True
    returned = function.node.field("return_type")
    if returned is not None and _TYPE.search(returned.text):
        return True
    return depth < 4 and any(makes_session(model, call, depth) for call in function.calls)


def _aliased(model: Model, parameter: Parameter) -> str:
    """Return the type of a parameter, an alias resolved: ``SessionDep = Annotated[Session, …]``."""
    node = parameter.node.field("type")
    name = node.children[0] if node is not None and node.children else None
    value = model.project.value(name) if name is not None and name.kind == "identifier" else None
    if value is not None and value != name:
        return value.text
    return parameter.type


def _given(model: Model, parameter: Parameter) -> Node | None:
    """Return what ``Depends`` is given for a parameter, in its default or its type."""
    places = [parameter.default, parameter.node.field("type")]
    node = parameter.node.field("type")
    name = node.children[0] if node is not None and node.children else None
    if name is not None and name.kind == "identifier":
        places.append(model.project.value(name))
    for place in places:
        for call in place.calls("Depends") if place is not None else []:
            given = call.arg(0, "dependency")
            if given is not None:
                return given
            return name  # Depends() of the type itself
    return None


def makes_session(model: Model, call: Call, depth: int = 0) -> bool:
    """Tell whether a call makes a database session: ``SessionLocal()``, ``Session(engine)``."""
    path = call.path
    if path == "next" and call.args and call.args[0].kind == "call":
        return makes_session(model, Call(call.args[0]), depth)
    if path in ("contextmanager", "asynccontextmanager") or _OTHERS.search(path):
        return False
    if call.name in ("Session", "AsyncSession"):
        return bool(call.node.calls()) and re.search(r"engine|bind", call.node.text) is not None
    callee = call.callee
    value = model.project.value(callee) if callee is not None else None
    if value is not None and value.kind == "call":
        return bool(re.search(r"session_?maker|scoped_session", value.text, re.IGNORECASE))
    target = model.project.target(call)
    if target is not None:
        return bool(target.body.find("yield")) and _is_session(model, target, "", depth + 1)
    is_class = isinstance(model.project.resolve(call.file, path), Class)
    return not is_class and bool(_FACTORY.fullmatch(path)) and _has_sql(call.file)


def _has_sql(file: SourceFile) -> bool:
    words = r"sqlalchemy|sqlmodel|session_?(?:local|maker|factory)|async_session|database|\bdb\b"
    return re.search(words, file.text, re.IGNORECASE) is not None


def listening_loop(model: Model, function: Function, within: Node) -> Node | None:
    """Return the loop in a piece of a function that runs as long as the socket is open.

    If a function that is called there has the loop, the call is returned.
    """
    for loop in within.find("while_statement", "for_statement"):
        is_async_for = loop.kind == "for_statement" and loop.text.startswith("async")
        if loop.kind == "for_statement" and not is_async_for:
            continue
        if _lasts(loop):
            return loop
    for call in within.calls():
        target = model.project.target(call, function)
        if target is None or target.node == function.node:
            continue
        if any(listening_loop_in(each) for each in model.project.reach(target)):
            return call.node
    return None


def listening_loop_in(function: Function) -> bool:
    """Tell whether a function has a loop that reads a WebSocket."""
    loops = function.body.find("while_statement", "for_statement")
    return any(reads(loop) for loop in loops)


def reads(node: Node) -> bool:
    """Tell whether code reads a WebSocket."""
    return any(_READS.fullmatch(call.name) for call in node.calls())


def _lasts(loop: Node) -> bool:
    """Tell whether a loop reads a socket, or waits and sends: it ends when the socket does."""
    names = [call.name for call in loop.calls()]
    if any(_READS.fullmatch(name) for name in names):
        return True
    return any(_WAITS.fullmatch(name) for name in names) and any(map(_SENDS.fullmatch, names))
