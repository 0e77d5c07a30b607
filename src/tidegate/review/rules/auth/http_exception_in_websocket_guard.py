"""``http-exception-in-websocket-guard``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.tokens import dependencies, guard_classes
from tidegate.review.fix import Edit, Fix, inserted_after, replaced, suggested
from tidegate.review.model import Class, Function, Gateway, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node, SourceFile

RULE = Rule(
    name="http-exception-in-websocket-guard",
    topic="auth",
    severity="low",
    languages=("typescript", "python"),
    summary="A guard of a WebSocket refuses with an exception that is meant for HTTP.",
    why=(
        "There is no HTTP response to turn it into. Nest sends the client `Internal server error` "
        "and logs an unknown fault; Starlette ends the handshake without an answer, and the server "
        "says 500. The client can't tell that it was refused, and tries again for ever."
    ),
    remedy="Throw `WsException` in Nest, raise `WebSocketException` in FastAPI.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { CanActivate, ExecutionContext, Injectable, UnauthorizedException } from '@nestjs/common';
import { Socket } from 'socket.io';

@Injectable()
export class WsAuthGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<Socket>();
    if (!client.data.user) throw new UnauthorizedException('No user');
    return true;
  }
}
""",
            good="""\
import { CanActivate, ExecutionContext, Injectable } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { Socket } from 'socket.io';

@Injectable()
export class WsAuthGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<Socket>();
    if (!client.data.user) throw new WsException('No user');
    return true;
  }
}
""",
        ),
        Example(
            "python",
            bad="""\
from fastapi import Depends, FastAPI, HTTPException, WebSocket

app = FastAPI()


async def current_user(websocket: WebSocket) -> str:
    user = await user_of(websocket.headers.get("authorization"))
    if user is None:
        raise HTTPException(status_code=401, detail="unauthorized")
    return user


@app.websocket("/ws")
async def feed(websocket: WebSocket, user: str = Depends(current_user)):
    await websocket.accept()
    await serve(websocket, user)
""",
            good="""\
from fastapi import Depends, FastAPI, WebSocket, WebSocketException

app = FastAPI()


async def current_user(websocket: WebSocket) -> str:
    user = await user_of(websocket.headers.get("authorization"))
    if user is None:
        raise WebSocketException(code=1008, reason="unauthorized")
    return user


@app.websocket("/ws")
async def feed(websocket: WebSocket, user: str = Depends(current_user)):
    await websocket.accept()
    await serve(websocket, user)
""",
        ),
    ),
)

_IS_SOCKET = re.compile(
    r"switchToWs\(|\bhandshake\b|\bSocket\b|getType\([^)]*\)\s*===?\s*['\"]ws['\"]"
)
_IS_BOTH = re.compile(r"switchToHttp\(|getType\(|\.getRequest\(|GqlExecutionContext")


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at guards of gateways, and at dependencies of WebSocket endpoints."""
    bound: dict[Node, tuple[Class, list[Gateway]]] = {}
    for gateway in model.gateways:
        for owner, _ in guard_classes(model, gateway):
            bound.setdefault(owner.node, (owner, []))[1].append(gateway)
    for file in model.files:
        if not file.is_python and "canActivate" in file.text:
            for owner in model.project.classes(file).values():
                method = owner.methods.get("canActivate")
                if method is not None and _IS_SOCKET.search(method.node.text):
                    bound.setdefault(owner.node, (owner, []))
    for owner, gateways in bound.values():
        yield from _guard(model, owner, gateways)
    yield from _endpoints(model)


# Nest


def _guard(model: Model, owner: Class, gateways: list[Gateway]) -> Iterator[Finding]:
    is_both = bool(_IS_BOTH.search(owner.node.text))
    for function in _own_functions(model, owner):
        for node in function.body.find("throw_statement"):
            name = _http_exception(model, node)
            if not name or _is_caught(node):
                continue
            branch = _branch(node) if is_both else "ws"
            if branch == "http":
                continue
            filtered = _filtered(model, gateways)
            if filtered or branch == "unknown":
                message = "Who else catches this, or whether it is thrown for HTTP, can't be seen."
                yield RULE.could_not_tell(node, message)
            elif filtered is not None:
                message = f"A client of a WebSocket gets no {name}, but an unknown error."
                yield RULE.fault(node, message, fix=None if is_both else _ws_exception(node))


def _own_functions(model: Model, owner: Class) -> list[Function]:
    """Return the methods of a guard that decide, with the helpers of its file."""
    starts = [
        method
        for each in model.project.lineage(owner)[0]
        for name, method in each.methods.items()
        if name in ("canActivate", "handleRequest")
    ]
    found = {each.node: each for start in starts for each in model.project.reach(start)}
    return [each for each in found.values() if each.file == owner.file]


def _http_exception(model: Model, node: Node) -> str:
    thrown = node.children[0] if node.children else None
    if thrown is None or thrown.kind != "new_expression":
        return ""
    name = Call(thrown).name
    imported = model.project.imports(node.file).get(name)
    is_http = imported is not None and imported.module == "@nestjs/common"
    return name if is_http and name.endswith("Exception") else ""


def _is_caught(node: Node) -> bool:
    """Tell whether a catch around it makes something else of it."""
    inner = node
    for around in node.ancestors():
        if around.kind == "try_statement":
            handler = around.field("handler") or next(
                (each for each in around.children if each.kind == "except_clause"), None
            )
            body = around.field("body")
            if handler is not None and inner == body and not _throws_again(handler):
                return True
        inner = around
    return False


def _throws_again(handler: Node) -> bool:
    caught = handler.field("parameter")
    if handler.file.is_python:
        return bool(re.search(r"^\s*raise\s*$", handler.text, re.MULTILINE))
    return caught is not None and bool(
        re.search(rf"throw\s+{re.escape(caught.text)}\b", handler.text)
    )


def _branch(node: Node) -> str:
    """Return for which kind of client a guard of several kinds throws this."""
    inner = node
    for around in node.ancestors():
        if around.kind == "if_statement":
            condition = around.field("condition")
            text = condition.text if condition is not None else ""
            kind = re.search(r"['\"](ws|http)['\"]", text)
            if kind:
                is_then = inner == around.field("consequence")
                is_equal = "!=" not in text
                other = {"ws": "http", "http": "ws"}[kind[1]]
                return kind[1] if is_then == is_equal else other
        inner = around
    return "unknown"


def _filtered(model: Model, gateways: list[Gateway]) -> bool | None:
    """Tell whether filters may make something else of it; None if they surely do."""
    unknown = False
    for gateway in gateways:
        filters = list(gateway.owner.decorated("UseFilters")) if gateway.owner else []
        for handler in gateway.of_kind("message"):
            filters += handler.function.decorated("UseFilters")
        for arg in (arg for each in filters for arg in each.args):
            name = Call(arg).path if arg.kind == "new_expression" else arg.text
            owner = model.project.class_named(arg.file, name)
            caught = owner.decorated("Catch") if owner is not None else []
            if not caught:
                unknown = True
            elif not caught[0].args or any("Http" in each.text for each in caught[0].args):
                return None
    return unknown


def _ws_exception(node: Node) -> Fix | None:
    call = Call(node.children[0])
    callee, arguments = call.callee, call.node.field("arguments")
    if callee is None or arguments is None:
        return None
    first = call.args[0].text if call.args else f"'{callee.text.removesuffix('Exception')}'"
    edits = [replaced(call.node, f"new WsException({first})")]
    return suggested(*edits, *_import_of(node.file, "WsException", "@nestjs/websockets"))


def _import_of(file: SourceFile, name: str, module: str) -> list[Edit]:
    """Return the edit that imports a name, if it isn't."""
    imports = [each for each in file.root.children if each.kind.startswith("import")]
    if any(re.search(rf"\b{name}\b", each.text) for each in imports):
        return []
    for each in imports:
        source = each.field("source") or each.field("module_name")
        if source is None or (source.string or source.text) != module:
            continue
        names = each.find("import_specifier") or [
            Node(file, raw) for raw in each.raw.field_children("name")
        ]
        if names:
            return [inserted_after(names[-1], f", {name}")]
    if not imports:
        return []
    line = (
        f"from {module} import {name}"
        if file.is_python
        else f"import {{ {name} }} from '{module}';"
    )
    return [inserted_after(imports[-1], f"\n{line}")]


# FastAPI


def _endpoints(model: Model) -> Iterator[Finding]:
    seen: set[Node] = set()
    for gateway in model.gateways:
        if gateway.framework != "websocket" or not gateway.file.is_python:
            continue
        for handler in gateway.of_kind("connect"):
            for function in [handler.function, *dependencies(model, handler.function)]:
                if function.node not in seen:
                    seen.add(function.node)
                    yield from _raised(function)


def _raised(function: Function) -> Iterator[Finding]:
    """Find what a function raises; one that serves routes as well is named once."""
    is_ours = any("WebSocket" in parameter.type for parameter in function.parameters)
    for node in function.body.find("raise_statement"):
        if node.function != function.node or _is_caught(node):
            continue
        if re.match(r"raise\s+(?:\w+\.)?HTTPException\b", node.text):
            message = "A client of a WebSocket gets no HTTP error: the handshake just ends."
            fix = _websocket_exception(node) if is_ours else None
            yield RULE.fault(node, message, fix=fix)
            if not is_ours:
                return


def _websocket_exception(node: Node) -> Fix | None:
    thrown = node.children[0] if node.children else None
    if thrown is None or thrown.kind != "call" or Call(thrown).receiver is not None:
        return None
    detail = Call(thrown).arg(1, "detail")
    reason = f", reason={detail.text}" if detail is not None else ""
    edit = replaced(thrown, f"WebSocketException(code=1008{reason})")
    return suggested(edit, *_import_of(node.file, "WebSocketException", "fastapi"))
