"""``jwt-not-verified``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.environment import checked
from tidegate.review.edits.imports import import_edit
from tidegate.review.facts.auth.jwt_reads import (
    callers_verify,
    is_for_expired,
    is_verified,
    reads_only_times,
)
from tidegate.review.facts.tokens import is_nest_jwt, library_of, server_calls
from tidegate.review.fix import Fix, replaced, suggested
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node

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

_DECODERS = {
    "jsonwebtoken": ("decode",),
    "jwt-decode": ("default", "jwtDecode", "*"),
    "jose": ("decodeJwt",),
    "jwt-simple": ("decode",),
}
_FLAGS = ("verify_signature", "verify_exp", "verify")
_SEGMENT = re.compile(r"\.split\(['\"]\.['\"]\)\s*\[1\]")


_PINNED = "{ algorithms: ['HS256'] }"


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at the code that runs for clients, in all files that they lead to."""
    for call in server_calls(model):
        finding = _python(model, call) if call.file.is_python else _node(model, call)
        if finding is not None:
            yield finding


# Node


def _node(model: Model, call: Call) -> Finding | None:
    if call.name in ("verify", "verifyAsync", "jwtVerify"):
        return _weakened(model, call)
    if not _decodes(model, call):
        return None
    if _reads_head(call) or reads_only_times(call):
        return None
    return _decoded(model, call)


def _weakened(model: Model, call: Call) -> Finding | None:
    """Find options of a verification that take away what it is for."""
    for arg in call.args[1:]:
        value = model.project.value(arg)
        entries = value.pairs() if value is not None and value.kind == "object" else {}
        ignored, listed = entries.get("ignoreExpiration"), entries.get("algorithms")
        if ignored is not None and ignored.text == "true":
            if is_for_expired(model, call):
                return RULE.could_not_tell(ignored, "This may be for tokens known as expired.")
            fix = suggested(replaced(ignored, "false"))
            return RULE.fault(ignored, "Expired tokens are accepted.", fix=fix)
        if listed is not None and any(each.string == "none" for each in listed.find("string")):
            return RULE.fault(listed, "Tokens without a signature are accepted.")
    return None


def _decodes(model: Model, call: Call) -> bool:
    """Tell whether a call reads a token without verifying it."""
    imports = model.project.imports(call.file)
    root = call.path.split(".")[0]
    if root in imports:
        imported = imports[root]
        wanted = _DECODERS.get(imported.module, ())
        name = imported.name if call.receiver is None else call.name
        if name not in wanted:
            return False
        is_simple = imported.module == "jwt-simple"
        return not is_simple or (len(call.args) > 2 and call.args[2].text == "true")
    if call.name == "decode":
        return is_nest_jwt(model, call)
    # JSON.parse(atob(token.split('.')[1])), and the like with Buffer.from
    return call.path == "JSON.parse" and bool(
        _SEGMENT.search(call.node.text)
        and re.search(r"atob\(|Buffer\.from\(|decode", call.node.text)
    )


def _decoded(model: Model, call: Call) -> Finding | None:
    if is_verified(call):
        return None  # such as a look at the header, to choose the key
    if callers_verify(model, call):
        return RULE.could_not_tell(call.node, "Whoever calls this seems to verify the token.")
    message = "The token is decoded, and its signature never verified."
    return RULE.fault(call.node, message, fix=_verifying(model, call))


def _verifying(model: Model, call: Call) -> Fix | None:
    """Return the call that verifies; the name of the key is for a person to choose."""
    if not call.args or call.receiver is None or call.name != "decode":
        return None
    token = call.args[0].text
    if is_nest_jwt(model, call):
        is_pinned = any("algorithms" in file.text for file in model.files)
        given = token if is_pinned else f"{token}, {_PINNED}"
        return suggested(replaced(call.node, f"{call.receiver.text}.verify({given})"))
    if library_of(model, call) != "jsonwebtoken":
        return None
    key = "process.env.JWT_SECRET" + ("" if call.file.language == "javascript" else "!")
    text = f"{call.receiver.text}.verify({token}, {key}, {_PINNED})"
    return suggested(replaced(call.node, text), *checked(call.file, "JWT_SECRET"))


# Python


def _python(model: Model, call: Call) -> Finding | None:
    if call.name == "get_unverified_claims" and "jwt" in call.path:
        message = "The claims are read, and the signature never verified."
        return _unverified(call, call.node, message, _decoding(call))
    if call.name in ("AccessToken", "UntypedToken", "RefreshToken", "SlidingToken"):
        verify = call.keywords.get("verify")
        if verify is not None and verify.text == "False":
            return _unverified(call, verify, "The signature is not verified.", _switched_on(verify))
        return None
    if call.name not in ("decode", "decode_complete") or not _is_pyjwt(model, call):
        return None
    verify = call.keywords.get("verify")
    if verify is not None and verify.text == "False":
        return _unverified(call, verify, "The signature is not verified.", _decoding(call))
    listed = call.arg(2, "algorithms")
    if listed is not None and any(each.string == "none" for each in listed.find("string")):
        return RULE.fault(listed, "Tokens without a signature are accepted.")
    options = model.project.value(call.keywords.get("options"))
    entries: dict[str, Node] = {}
    if options is not None and options.kind == "dictionary":
        entries = options.pairs()
    elif options is not None and options.kind == "call" and Call(options).name == "dict":
        entries = Call(options).keywords
    for flag in _FLAGS:
        if flag in entries and entries[flag].text == "False":
            if flag == "verify_exp":
                if is_for_expired(model, call):
                    what = "This may be for tokens known as expired."
                    return RULE.could_not_tell(entries[flag], what)
                fix = _switched_on(entries[flag])
                return _unverified(call, entries[flag], "Expired tokens are accepted.", fix)
            message = "The signature is not verified."
            return _unverified(call, entries[flag], message, _decoding(call))
    return None


def _is_pyjwt(model: Model, call: Call) -> bool:
    return library_of(model, call) is not None or bool(
        re.search(r"(?:^|\.)(?:jwt|jose|pyjwt)\.decode$", call.path, re.IGNORECASE)
    )


def _unverified(call: Call, node: Node, message: str, fix: Fix | None) -> Finding | None:
    """Return a finding, unless the token is verified by another call beside it."""
    function = call.node.function
    for other in function.calls("decode") if function is not None else []:
        is_other = other.node != call.node and len(other.args) + len(other.keywords) > 1
        if is_other and "False" not in other.node.text and re.search(r"jwt|jose", other.path, re.I):
            return None
    if is_verified(call) or reads_only_times(call):
        return None
    return RULE.fault(node, message, fix=fix)


def _switched_on(flag: Node) -> Fix:
    return suggested(replaced(flag, "True"))


def _decoding(call: Call) -> Fix | None:
    """Return the call that verifies, with the key that is there already if there is one."""
    token = call.arg(0, "token") or call.arg(0, "jwt")
    if token is None or call.receiver is None:
        return None
    key = call.arg(1, "key")
    listed = call.arg(2, "algorithms")
    has_key = key is not None and key.text not in ("None", '""', "''")
    given = key.text if key is not None and has_key else 'os.environ["JWT_SECRET"]'
    algorithms = listed.text if listed is not None and "none" not in listed.text else '["HS256"]'
    text = f"{call.receiver.text}.decode({token.text}, {given}, algorithms={algorithms})"
    imports = import_edit(call.file, "import os") if not has_key else []
    return suggested(replaced(call.node, text), *imports)


def _reads_head(call: Call) -> bool:
    """Tell whether a token is decoded for its header, to find the key that verifies it."""
    if not re.search(r"complete:\s*true", call.node.text):
        return False
    function = call.node.function
    text = function.text if function is not None else call.file.text
    return re.search(r"\.payload\b", text) is None or "header" in text
