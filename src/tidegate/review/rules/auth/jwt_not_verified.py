"""``jwt-not-verified``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node, SourceFile

RULE = Rule(
    name="jwt-not-verified",
    topic="auth",
    severity="critical",
    languages=("typescript", "python"),
    summary="A token is read without its signature or its expiry being verified.",
    why=(
        "Decoding a JWT tells what somebody wrote into it, not who. Without the signature "
        "anybody writes a token for any user and tenant; without the expiry a stolen one is "
        "good for ever."
    ),
    remedy="Verify it, with the key and the algorithms that you issue.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { Server } from 'socket.io';
import jwt from 'jsonwebtoken';

export function authenticate(io: Server) {
  io.use((socket, next) => {
    socket.data.user = jwt.decode(socket.handshake.auth.token);
    next();
  });
}
""",
            good="""\
import { Server } from 'socket.io';
import jwt from 'jsonwebtoken';

export function authenticate(io: Server, key: string) {
  io.use((socket, next) => {
    try {
      socket.data.user = jwt.verify(socket.handshake.auth.token, key, { algorithms: ['ES256'] });
    } catch {
      return next(new Error('Unauthorized'));
    }
    next();
  });
}
""",
        ),
        Example(
            "python",
            bad="""\
import jwt
import socketio

sio = socketio.AsyncServer()


@sio.event
async def connect(sid, environ, auth):
    claims = jwt.decode(auth["token"], options={"verify_signature": False})
    await sio.save_session(sid, {"tenant": claims["tenant"]})
""",
            good="""\
import jwt
import socketio

sio = socketio.AsyncServer()


@sio.event
async def connect(sid, environ, auth):
    try:
        claims = jwt.decode(auth["token"], KEY, algorithms=["ES256"], audience="realtime")
    except jwt.InvalidTokenError:
        raise socketio.exceptions.ConnectionRefusedError("unauthorized")
    await sio.save_session(sid, {"tenant": claims["tenant"]})
""",
        ),
    ),
)

_DECODERS = ("jsonwebtoken", "jwt-decode", "jose", "@nestjs/jwt", "jsonwebtoken-esm", "jwt-simple")
_FLAGS = ("verify_signature", "verify_exp", "verify")


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at the realtime code of servers, and at the files that its functions lead to."""
    for file in _files(model):
        for call in file.calls:
            finding = _python(call) if file.is_python else _node(model, call)
            if finding is not None:
                yield finding


def _files(model: Model) -> list[SourceFile]:
    """Return the files of servers, and those that their handlers and middlewares reach."""
    found: dict[str, SourceFile] = {}
    functions = [handler.function for gateway in model.gateways for handler in gateway.handlers]
    functions += [each.function for each in model.middlewares if each.function is not None]
    for adapter in model.adapters:
        functions += list(adapter.owner.methods.values()) if adapter.owner else []
    for gateway in model.gateways:
        found[gateway.file.name] = gateway.file
        for guard in gateway.guards:
            for arg in guard.args:
                owner = model.project.class_named(arg.file, arg.text)
                functions += list(owner.methods.values()) if owner else []
    for middleware in model.middlewares:
        found[middleware.call.file.name] = middleware.call.file
    for function in functions:
        for each in model.project.reach(function):
            found[each.file.name] = each.file
    return list(found.values())


def _node(model: Model, call: Call) -> Finding | None:
    ignores = next(
        (
            arg.pairs()["ignoreExpiration"]
            for arg in call.args
            if arg.kind == "object" and "ignoreExpiration" in arg.pairs()
        ),
        None,
    )
    if call.name in ("verify", "verifyAsync") and ignores is not None and ignores.text == "true":
        return RULE.fault(ignores, "Expired tokens are accepted.")
    if call.name not in ("decode", "jwtDecode", "jwt_decode", "decodeJwt") or not _is_jwt(
        model, call
    ):
        return None
    if call.name == "decode" and len(call.args) > 1 and _is_jwt_simple(model, call.file):
        return None
    function = call.node.function
    around = function.text if function is not None else call.file.text
    if re.search(r"\.(?:verify|verifyAsync)\(|jwtVerify\(|[vV]erify\w*\(", around):
        return None  # such as a look at the header, to choose the key
    if re.search(r"complete:\s*true", call.node.text):
        return None
    return RULE.fault(call.node, "The token is decoded, and its signature never verified.")


def _is_jwt(model: Model, call: Call) -> bool:
    imports = model.project.imports(call.file)
    root = call.path.split(".")[0]
    if root in imports:
        return imports[root].module in _DECODERS
    match = re.fullmatch(r"this\.(\w+)\.decode", call.path)
    owner = model.project.owner(call.node)
    return bool(match and owner and owner.fields.get(match[1], "").endswith("JwtService"))


def _is_jwt_simple(model: Model, file: SourceFile) -> bool:
    return model.project.imports_from(file, "jwt-simple")


def _python(call: Call) -> Finding | None:
    if call.name in ("get_unverified_claims",) and "jwt" in call.path:
        if not re.search(r"jwt\.decode\(", _around(call.node)):
            return RULE.fault(call.node, "The claims are read, and the signature never verified.")
        return None
    if call.name != "decode" or not re.search(
        r"(?:^|\.)(?:jwt|jose|pyjwt)\.decode$", call.path, re.I
    ):
        return None
    verify = call.keywords.get("verify")
    if verify is not None and verify.text == "False":
        return _unverified(call, verify, "The signature is not verified.")
    options = call.keywords.get("options")
    if options is None or options.kind != "dictionary":
        return None
    entries = options.pairs()
    for flag in _FLAGS:
        if flag in entries and entries[flag].text == "False":
            what = (
                "Expired tokens are accepted."
                if flag == "verify_exp"
                else "The signature is not verified."
            )
            return _unverified(call, entries[flag], what)
    return None


def _unverified(call: Call, node: Node, message: str) -> Finding | None:
    """Return a finding, unless the token is verified by another call beside it."""
    function = call.node.function
    others = function.calls("decode") if function is not None else []
    for other in others:
        if (
            other.node != call.node
            and other.keywords.get("algorithms")
            and "False" not in other.node.text
        ):
            return None
    return RULE.fault(node, message)


def _around(node: Node) -> str:
    function = node.function
    return function.text if function is not None else ""
