"""``token-logged``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.auth.carried_tokens import carries_token
from tidegate.review.facts.auth.logging import READS, is_logging, logged
from tidegate.review.facts.tokens import is_token_name, server_calls
from tidegate.review.fix import Fix, removed_line, replaced, suggested
from tidegate.review.model import Function, Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node

RULE = Rule(
    name="token-logged",
    topic="auth",
    severity="high",
    languages=("typescript", "python"),
    summary="A token is written to the log.",
    why=(
        "Logs are kept for months, shipped to other services, and read by people who may not act "
        "as your users. Whoever finds a token there is that user until it expires. The whole "
        "handshake holds it too: in `auth`, in the headers with their cookies, in the address."
    ),
    remedy="Log the user's id or the socket's id, never the token or the handshake.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { Server } from 'socket.io';
import { verify } from './tokens';

export function authenticate(io: Server) {
  io.use((socket, next) => {
    const token = socket.handshake.auth.token;
    console.log('connecting', socket.id, token);
    verify(token, next);
  });
}
""",
            good="""\
import { Server } from 'socket.io';
import { verify } from './tokens';

export function authenticate(io: Server) {
  io.use((socket, next) => {
    const token = socket.handshake.auth.token;
    console.log('connecting', socket.id, token ? 'with a token' : 'without a token');
    verify(token, next);
  });
}
""",
        ),
        Example(
            "python",
            bad="""\
import logging

import socketio

from .tokens import verify

sio = socketio.AsyncServer()
logger = logging.getLogger(__name__)


@sio.event
async def connect(sid, environ, auth):
    logger.info("connect %s %s", sid, auth)
    await sio.save_session(sid, verify(auth["token"]))
""",
            good="""\
import logging

import socketio

from .tokens import verify

sio = socketio.AsyncServer()
logger = logging.getLogger(__name__)


@sio.event
async def connect(sid, environ, auth):
    logger.info("connect %s", sid)
    await sio.save_session(sid, verify(auth["token"]))
""",
        ),
    ),
)

_HANDSHAKE = re.compile(
    r"(?:[\w.]*\.)?handshake(?:\.(?:auth|headers)(?:\.(?:authorization|cookie))?)?"
)
_QUERY = re.compile(
    r"(?:[\w.]*\.)?handshake\.(?:query|url)|.*\.query_params|(?:[\w.]*\.)?(?:req|request)\.url"
    r"|.*\bscope\[['\"]query_string['\"]\]|(?:[\w.]*\.)?(?:websocket|ws|socket)\.url|request\.args"
)
_HEADERS = re.compile(
    r"(?:[\w.]*\.)?(?:websocket|ws|socket|req|request)\.headers(?:\.(?:authorization|cookie)"
    r"|\[['\"](?:[aA]uthorization|[cC]ookie)['\"]\])?|(?:[\w.]*\.)?scope(?:\[['\"]headers['\"]\])?"
)
_ADDRESS = re.compile(r"[?&](?:\w+_)?(?:token|jwt)=(?:\$?\{|['\"]\s*\+)", re.IGNORECASE)
_PLAIN = re.compile(r"_?(?:token|authorization)", re.IGNORECASE)
_AUTH = re.compile(
    r"auth(?!or)|headers?\b|cookie|jwt|bearer|session|localStorage|sign_?in|\bsign\(|log_?in|access_?token"
    r"|verify|credential|handshake|query\s*:\s*\{",
    re.IGNORECASE,
)
_STREAMS = re.compile(
    r"llm|new_token|stream|generat|complet|tokeniz|prompt|erc20|price|fcm|firebase|messaging|push|expo",
    re.IGNORECASE,
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at what is logged in realtime files, and in the functions that run for clients."""
    files = set(model.files)
    in_address = any(_reads_address(file.text) for file in model.files)
    seen: set[Node] = set()
    calls = [call for file in model.files for call in file.calls]
    calls += [call for call in server_calls(model) if call.file not in files]
    connects = {
        handler.function.node: handler.function
        for gateway in model.gateways
        if gateway.framework in ("python-socketio", "flask-socketio")
        for handler in gateway.of_kind("connect")
    }
    for call in calls:
        if not is_logging(call) or call.node in seen:
            continue
        seen.add(call.node)
        around = call.node.function
        connect = connects.get(around) if around is not None else None
        yield from _judge(model, call, connect, in_address=in_address)


def _reads_address(text: str) -> bool:
    return bool(
        re.search(
            r"query\w*!?\)?\??\.?(?:\[['\"]|get\(['\"])?\w*[tT]oken|query:\s*\{\s*\w*[tT]oken\b"
            r"|\bargs\.get\(['\"]\w*token"
            r"|searchParams\.get\(['\"]\w*token|[?&]\w*token=|query_string",
            text,
        )
    )


def _judge(
    model: Model, call: Call, connect: Function | None, *, in_address: bool
) -> Iterator[Finding]:
    for node in logged(call):
        if _is_looped(node):
            continue
        text = _plain(node.text)
        made = _made(model, node)
        if _is_token(node) or (made is not None and _holds(node) and _is_credential(made)):
            yield RULE.fault(node, "The token is written to the log.", fix=_without(call, node))
            return
        texts = (text, _plain(made.text)) if made is not None else (text,)
        if any(_HANDSHAKE.fullmatch(each) for each in texts) or _is_environ(connect, text):
            message = "The handshake is written to the log, and its token with it."
            yield RULE.fault(node, message, fix=_without(call, node))
            return
        is_socket = connect is not None or _is_socket(node)
        if any(_HEADERS.fullmatch(each) for each in texts) and is_socket:
            message = "The headers are written to the log: Authorization and cookies with them."
            yield RULE.fault(node, message, fix=_without(call, node))
            return
        if carries_token(node, _is_token):
            message = "What is written to the log has a token in it, which is read from it here."
            yield RULE.fault(node, message, confidence="likely", fix=_without(call, node))
            return
        if made is not None and _ADDRESS.search(made.text) and "WebSocket" in node.file.text:
            message = "The address is written to the log, and the token in it."
            yield RULE.fault(node, message, fix=_without(call, node))
            return
        if any(_QUERY.fullmatch(each) for each in texts):
            if in_address and is_socket:
                message = "The address is written to the log, and the token in it."
                yield RULE.fault(node, message, confidence="likely", fix=_without(call, node))
                return
            yield RULE.could_not_tell(node, "Whether a token is in the address can't be seen.")


def _plain(text: str) -> str:
    text = re.sub(
        r"\s+as\s+[\w<>\[\], .]+", "", re.sub(r"(?<=[\w)\]])!", "", text.replace("?.", "."))
    )
    return re.sub(r"\s|^\(|\)$", "", text).replace(").", ".")


def _made(model: Model, node: Node) -> Node | None:
    """Return what a local name was set to."""
    if node.kind not in ("identifier", "shorthand_property_identifier"):
        return None
    function = node.function
    for each in function.find("variable_declarator", "assignment") if function else ():
        name = each.field("name") or each.field("left")
        if name is not None and name.text == node.text:
            return each.field("value") or each.field("right")
    return None


def _holds(node: Node) -> bool:
    """Tell whether a name says that it holds a credential, whatever it is called."""
    return bool(re.search(r"auth|bearer|jwt|tok|header|cred|raw", node.text, re.IGNORECASE))


def _is_credential(made: Node) -> bool:
    """Tell what a token is cut out of: ``headers.authorization?.split(' ')[1]``."""
    if _is_token(made):
        return True
    inner = re.match(
        r"\w[\w.?!\[\]'\"]*?(?:authorization|handshake\??\.auth\??\.\w*token)\b", made.text, re.I
    )
    return bool(inner) and "===" not in made.text


def _is_token(node: Node) -> bool:
    """Tell whether an expression is a token: by its name, and by what is around it."""
    name = _last(node)
    if re.fullmatch(r"auth_?header", name, re.IGNORECASE):
        return True
    if not is_token_name(name) or name.isupper():
        return False
    if not _PLAIN.fullmatch(name):
        return True
    return _is_auth(node)


def _last(node: Node) -> str:
    """Return the name that an expression reads: the last member, the key, the name itself."""
    while node.kind in ("as_expression", "non_null_expression", "parenthesized_expression"):
        node = node.children[0]
    if node.kind == "member_expression":
        name = node.field("property")
        return name.text if name is not None else ""
    if node.kind == "attribute":
        name, holder = node.field("attribute"), node.field("object")
        if name is None or holder is None:
            return ""
        return _last(holder) if name.text == "value" else name.text  # of a cookie
    if node.kind in ("subscript_expression", "subscript"):
        index = node.field("index") or node.field("subscript")
        holder = node.field("object") or node.field("value")
        if index is None or holder is None:
            return ""
        return _last(holder) if re.fullmatch(r"-?\d+", index.text) else index.string or ""
    if node.kind in ("call_expression", "call"):
        call = Call(node)
        is_read = call.name in READS and call.args
        return (call.args[0].string or "") if is_read else ""
    return node.text


def _is_auth(node: Node) -> bool:
    """Tell a credential from a token of a language model, a coin, or a parser."""
    function = node.function
    around = function.text if function is not None else node.file.text
    if _STREAMS.search(around) and not re.search(
        r"jwt|bearer|authorization|handshake", around, re.I
    ):
        return False
    if function is not None and _is_of_endpoint(function, node.text):
        return True
    name = function.field("name") if function is not None else None
    named = name.text if name is not None else ""
    if _AUTH.search(around) or re.search(r"token|valid|connect", named, re.IGNORECASE):
        return True
    return bool(re.search(r"jwt|bearer|authorization|handshake", node.file.text, re.IGNORECASE))


def _is_of_endpoint(function: Node, name: str) -> bool:
    """Tell the token that FastAPI gives to an endpoint along with the socket."""
    parameters = Function(function, "").parameters
    return any("WebSocket" in each.type for each in parameters) and any(
        each.name == name for each in parameters
    )


def _is_looped(node: Node) -> bool:
    """Tell whether a name goes over many values: tokens of a text, not of one client."""
    for around in node.ancestors():
        if around.kind in ("for_statement", "for_in_statement"):
            left = around.field("left")
            if left is not None and any(each.text == node.text for each in left.identifiers()):
                return True
    return False


def _is_environ(connect: Function | None, text: str) -> bool:
    """Tell whether this is what a Socket.IO server in Python hands to its connect handler."""
    if connect is None:
        return False
    names = [parameter.name for parameter in connect.parameters]
    is_flask = len(names) < 2
    return text in ({*names} if is_flask else {*names[1:]}) and text in (
        *("environ", "auth", "env", "environment", "auth_data", "authentication"),
    )


def _is_socket(node: Node) -> bool:
    """Tell the request of a WebSocket from that of a plain route."""
    function = node.function
    text = function.text if function is not None else ""
    return bool(
        re.search(r"handshake|[wW]eb[sS]ocket|\bws\b|scope\b|IncomingMessage|upgrade", text)
    )


def _without(call: Call, node: Node) -> Fix | None:
    """Return the call without the token; the whole line goes if it logs nothing else."""
    parent = node.parent
    socket = re.match(r"(\w+(?:\.\w+)*)\.handshake\b", _plain(node.text))
    text = f"{socket[1]}.id" if socket else ""
    if parent is None:
        return None
    if parent.kind in ("template_substitution", "interpolation"):
        if text:
            return suggested(replaced(node, text))
        return suggested(replaced(parent, "[redacted]"))
    if text and parent.kind in ("arguments", "argument_list"):
        return suggested(replaced(node, text))
    if call.args == [node] and _is_own_line(call.node):
        return suggested(removed_line(call.node))
    if node.kind == "shorthand_property_identifier":
        return suggested(replaced(node, f"{node.text}: '[redacted]'"))
    quote = '"' if node.file.is_python else "'"
    return suggested(replaced(node, f"{quote}[redacted]{quote}"))


def _is_own_line(node: Node) -> bool:
    """Tell whether a call is a statement among others, which may go without a hole."""
    statement = node.parent
    block = statement.parent if statement is not None else None
    if statement is None or block is None or statement.kind != "expression_statement":
        return False
    return block.kind in ("statement_block", "block", "program", "module") and (
        len(block.children) > 1
    )
