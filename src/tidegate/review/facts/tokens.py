"""Where a server checks tokens: the code that runs for its clients, and the calls that verify."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from weakref import WeakKeyDictionary

from tidegate.review.model import Class, Function, Gateway, Model
from tidegate.review.model.node_sockets import function_of
from tidegate.review.source import Call, Node, SourceFile

__all__ = [
    "Verification",
    "dependencies",
    "guard_classes",
    "is_nest_jwt",
    "is_token_name",
    "library_of",
    "server_calls",
    "server_functions",
    "verification",
]

_TOKEN = re.compile(
    r"(?:x-)?(?:\w*_)?(?:email_?|password_?)?(?:access|auth|id|jwt|bearer|session|user|raw|ws|socket|client|my|refresh|api|encoded"
    r"|verification|reset|activation|confirmation|invit(?:e|ation))?_?-?"
    r"(?:token|jwt)|authorization|api_?key",
    re.IGNORECASE,
)
_NO_TOKEN = re.compile(
    r"csrf|xsrf|push|device|fcm|page|next|cursor|tokens?_?(?:count|type|name)"
    r"|apns|expo|sync|continuation|inject|design|lock|cancel|mint|erc|max",
    re.IGNORECASE,
)

_HANDSHAKE = re.compile(
    r"\bhandshake\b|switchToWs\(|:\s*WebSocket\b|\bscope\[['\"](?:query_string|headers)['\"]\]"
)

Library = Literal["nest", "jsonwebtoken", "jose", "pyjwt", "python-jose"]

_LIBRARIES: dict[str, Library] = {"jsonwebtoken": "jsonwebtoken", "jose": "jose"}
_functions: WeakKeyDictionary[Model, dict[Node, Function]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Verification:
    """A call that verifies a JWT.

    Attributes:
        key: None if a Nest module holds it.
        options: The object with ``algorithms`` and the like (Node); None if there is none.
    """

    call: Call
    library: Library
    token: Node | None
    key: Node | None
    options: Node | None


def is_token_name(name: str) -> bool:
    """Tell whether a name is one of a secret that authenticates."""
    return bool(_TOKEN.fullmatch(name)) and not _NO_TOKEN.search(name)


# What runs for clients


def server_functions(model: Model) -> list[Function]:
    """Return the functions that run for clients, in all files: handlers, checks, what they call."""
    if model not in _functions:
        found: dict[Node, Function] = {}
        for start in _starts(model):
            if start.node not in found:
                for each in model.project.reach(start):
                    found.setdefault(each.node, each)
        _functions[model] = found
    return list(_functions[model].values())


def server_calls(model: Model) -> Iterator[Call]:
    """Yield the calls of files for sockets, and of the functions in other files they lead to."""
    whole = {gateway.file.name: gateway.file for gateway in model.gateways}
    whole |= {each.call.file.name: each.call.file for each in model.middlewares}
    whole |= {file.name: file for file in model.files if _HANDSHAKE.search(file.text)}
    for file in whole.values():
        yield from file.calls
    seen: set[Node] = set()
    for function in server_functions(model):
        if function.file.name not in whole:
            for call in function.calls:
                if call.node not in seen:
                    seen.add(call.node)
                    yield call


def guard_classes(model: Model, gateway: Gateway) -> Iterator[tuple[Class, Node]]:
    """Yield the guards of a gateway and of its handlers, each with the place that names it."""
    decorators = list(gateway.guards)
    for handler in gateway.handlers:
        decorators += handler.function.decorated("UseGuards")
    for decorator in decorators:
        for arg in decorator.args:
            name = Call(arg).path if arg.kind in ("new_expression", "call_expression") else arg.text
            owner = model.project.class_named(arg.file, name)
            if owner is not None:
                yield owner, decorator.node


def _starts(model: Model) -> Iterator[Function]:
    for gateway in model.gateways:
        for handler in gateway.handlers:
            yield handler.function
            yield from dependencies(model, handler.function)
        for guard, _ in guard_classes(model, gateway):
            for each in model.project.lineage(guard)[0]:
                yield from each.methods.values()
        if "allowRequest" in gateway.options:
            yield from _given(model, gateway.options["allowRequest"])
    for middleware in model.middlewares:
        if middleware.function is not None:
            yield middleware.function
    for adapter in model.adapters:
        for each in model.project.lineage(adapter.owner)[0] if adapter.owner else ():
            yield from each.methods.values()
    for server in model.servers:
        if server.options and "allowRequest" in server.options:
            yield from _given(model, server.options["allowRequest"])
    for file in model.files:
        if file.is_python and "scope" in file.text:
            yield from _asgi(model, file)
        elif "verifyClient" in file.text or "'upgrade'" in file.text or '"upgrade"' in file.text:
            yield from _upgrades(model, file)


def _given(model: Model, node: Node) -> Iterator[Function]:
    function = (
        Function(node, "allowRequest")
        if node.kind == "method_definition"
        else function_of(model.project, node)
    )
    if function is not None:
        yield function


def _asgi(model: Model, file: SourceFile) -> Iterator[Function]:
    """Yield the methods of middlewares of Channels and Starlette."""
    for owner in model.project.classes(file).values():
        call = owner.methods.get("__call__")
        if call is not None and any(each.name == "scope" for each in call.parameters):
            yield from owner.methods.values()


def _upgrades(model: Model, file: SourceFile) -> Iterator[Function]:
    """Yield what looks at the request before it becomes a WebSocket (``ws``)."""
    for call in file.calls:
        if call.name == "on" and len(call.args) > 1 and call.args[0].string == "upgrade":
            yield from _given(model, call.args[1])
        for arg in call.args if call.is_new else ():
            checked = arg.pairs().get("verifyClient") if arg.kind == "object" else None
            if checked is not None:
                yield from _given(model, checked)


def dependencies(model: Model, function: Function, depth: int = 0) -> Iterator[Function]:
    """Yield what FastAPI runs for a function's parameters."""
    if not function.file.is_python or depth > 3:
        return
    for parameter in function.parameters:
        for match in re.finditer(r"(?:Depends|Security)\(\s*([\w.]+)", parameter.node.text):
            target = model.project.resolve(function.file, match[1])
            if isinstance(target, Function):
                yield target
                yield from dependencies(model, target, depth + 1)


# Calls that verify


def library_of(model: Model, call: Call) -> Library | None:
    """Return the JWT library that a call belongs to, by the imports of its file."""
    imports = model.project.imports(call.file)
    root = call.path.split(".")[0].split("(")[0]
    imported = imports.get(root)
    if call.file.is_python:
        if imported is None:
            return None
        module = f"{imported.module}.{imported.name}"
        if module.startswith("jwt."):
            return "pyjwt"
        return "python-jose" if module.startswith(("jose.jwt", "jose.*")) else None
    if imported is not None:
        return _LIBRARIES.get(imported.module)
    inline = re.match(r"require\(\s*['\"](jsonwebtoken|jose)['\"]\s*\)", call.path)
    if inline:
        return _LIBRARIES[inline[1]]
    return "nest" if call.receiver is not None and is_nest_jwt(model, call) else None


def verification(model: Model, call: Call) -> Verification | None:
    """Return what a call verifies, if it is one of a JWT library."""
    if call.file.is_python:
        if call.name != "decode" and _imported_name(model, call) != "decode":
            return None
        library = library_of(model, call)
        if library is None:
            return None
        return Verification(
            call, library, call.arg(0, "jwt") or call.arg(0, "token"), call.arg(1, "key"), None
        )
    promised = _promised(model, call)
    if promised is not None:
        return _verification("jsonwebtoken", call, None)
    name = _imported_name(model, call) or call.name
    if name not in ("verify", "verifyAsync", "jwtVerify"):
        return None
    library = library_of(model, call)
    if library == "nest":
        options = call.args[1] if len(call.args) > 1 else None
        return _verification("nest", call, options)
    if library is None or (name == "verifyAsync") or (library == "jose") != (name == "jwtVerify"):
        return None
    return _verification(library, call, None)


def _verification(library: Library, call: Call, options: Node | None) -> Verification:
    args = call.args
    token = args[0] if args else None
    if library == "nest":
        return Verification(call, library, token, None, options)
    key = args[1] if len(args) > 1 else None
    return Verification(call, library, token, key, args[2] if len(args) > 2 else None)


def _imported_name(model: Model, call: Call) -> str:
    """Return the name in its module of a function that is called by its own name."""
    if call.receiver is not None:
        return ""
    imported = model.project.imports(call.file).get(call.name)
    return imported.name if imported is not None else ""


def _promised(model: Model, call: Call) -> Node | None:
    """Return ``promisify(jwt.verify)`` if that is what is called."""
    callee = call.callee
    if callee is None or "promisify" not in call.file.text:
        return None
    made = model.project.value(callee) if callee.kind == "identifier" else callee
    if made is None or made.kind != "call_expression" or Call(made).name != "promisify":
        return None
    args = Call(made).args
    if not args or not re.fullmatch(r"(?:\w+\.)?verify", args[0].text):
        return None
    imported = model.project.imports(made.file).get(args[0].text.split(".")[0])
    return made if imported is not None and imported.module == "jsonwebtoken" else None


def is_nest_jwt(model: Model, call: Call) -> bool:
    """Tell whether a method is called on Nest's ``JwtService``, not on one of the project."""
    receiver = call.receiver
    if receiver is None:
        return False
    text = re.sub(r"[!()]", "", receiver.text).replace("?.", ".")
    match = re.fullmatch(r"(this\.)?(#?\w+)", text)
    if match is None:
        return bool(re.search(r"\.(?:get|resolve)(?:<\w+>)?\(?\s*JwtService\b", receiver.text))
    type_ = _field_type(model, call, match[2]) if match[1] else _local_type(model, call, match[2])
    if type_:
        return _is_nest_class(model, call.file, type_)
    return bool(re.fullmatch(r"_?jwt_?service", match[2], re.IGNORECASE)) and (
        model.project.imports_from(call.file, "@nestjs/jwt")
    )


def _is_nest_class(model: Model, file: SourceFile, type_: str) -> bool:
    name = re.split(r"[<\[|& ]", type_, maxsplit=1)[0]
    imported = model.project.imports(file).get(name)
    if imported is not None:
        return imported.module == "@nestjs/jwt"
    return name.endswith("JwtService") and model.project.class_named(file, name) is None


def _field_type(model: Model, call: Call, name: str) -> str:
    owner = model.project.owner(call.node)
    for each in model.project.lineage(owner)[0] if owner else ():
        if each.fields.get(name):
            return each.fields[name]
    return ""


def _local_type(model: Model, call: Call, name: str) -> str:
    """Return the type of a parameter around a call, or of a constant that is made or got."""
    for around in call.node.ancestors():
        for parameter in Function(around, "").parameters if around.field("parameters") else ():
            if parameter.name == name and parameter.type:
                return parameter.type
    made = model.project.value(call.receiver)
    if made is None:
        return ""
    match = re.search(r"(?:\bnew\s+|\.(?:get|resolve)(?:<\w+>)?\(\s*)(\w*JwtService)\b", made.text)
    return match[1] if match else ""
