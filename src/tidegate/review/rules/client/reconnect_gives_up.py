"""``reconnect-gives-up``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.renewing import renewing
from tidegate.review.facts.client.listeners import listeners, mentions
from tidegate.review.facts.client.python_clients import python_clients
from tidegate.review.facts.client.sockets import (
    in_package,
    is_connected,
    is_page,
    judged,
    openings_of,
)
from tidegate.review.facts.client.stale import is_made_anew, stale_in_python, stale_tokens
from tidegate.review.facts.client.tokens import SentToken
from tidegate.review.fix import Edit, Fix, replaced, suggested, without_entry
from tidegate.review.model import ClientSocket, Model
from tidegate.review.model.socket_names import normal
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import FUNCTIONS, Call, Node

RULE = Rule(
    name="reconnect-gives-up",
    topic="client",
    severity="low",
    languages=("typescript", "python"),
    summary="A client stops reconnecting after some attempts, or never starts.",
    why=(
        "Five attempts are over in half a minute: a laptop that sleeps, or a deployment, takes "
        "longer. After that the page stays open and never hears anything again."
    ),
    remedy="Let it try for ever, with a delay that grows; or tell the user when it gives up.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { io } from 'socket.io-client';

export const connect = (url: string) =>
  io(url, { reconnectionAttempts: 5, reconnectionDelayMax: 10_000 });
""",
            good="""\
import { io } from 'socket.io-client';

export const connect = (url: string) =>
  io(url, { reconnectionAttempts: Infinity, reconnectionDelayMax: 10_000 });
""",
        ),
        Example(
            "python",
            bad="""\
import socketio

sio = socketio.AsyncClient(reconnection_attempts=5)
""",
            good="""\
import socketio

sio = socketio.AsyncClient(reconnection_attempts=0)
""",
        ),
    ),
)

_AGAIN = re.compile(
    r"re_?-?(?:connect|open|try)|retry|resume|wake|online|visib|focus", re.IGNORECASE
)


_REFUSED = re.compile(r"token|jwt|expired|auth(?!enticated)|\b40[13]\b|forbidden", re.IGNORECASE)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at the options that limit reconnecting."""
    for client in judged(model):
        finding = _judge(model, client)
        if finding is not None:
            yield finding
    for each in python_clients(model):
        attempts = model.project.value(each.call.keywords.get("reconnection_attempts"))
        if attempts is not None and re.fullmatch(r"[1-9]\d*", attempts.text):
            node = each.call.keywords["reconnection_attempts"]
            message = f"This client gives up after {attempts.text} attempts."
            yield RULE.fault(node, message, fix=suggested(replaced(node, "0")))
        flag = each.call.keywords.get("reconnection")
        if flag is not None and flag.text == "False" and not _loops(each.connects):
            message = "This client doesn't reconnect."
            tokens = _renewed(stale_in_python(each))
            yield RULE.fault(flag, message, fix=suggested(replaced(flag, "True"), *tokens))


def _judge(model: Model, client: ClientSocket) -> Finding | None:
    options = client.options or {}
    flag, attempts = options.get("reconnection"), options.get("reconnectionAttempts")
    known = model.project.value(attempts)
    is_off = flag is not None and flag.text == "false"
    number = known.text.replace("_", "") if known is not None else ""
    is_limited = bool(re.fullmatch(r"\d+", number))
    if not is_off and not is_limited:
        return None
    if not is_connected(model, client) or _tries_itself(model, client):
        return None
    if not is_page(model, client.file) and (is_off or "process.exit" in client.file.text):
        return None  # a program that ends is started again by others
    if is_off:
        message = "This client doesn't reconnect."
        fix = _fix(client, "reconnection")
        tokens = [t for t in stale_tokens(model, client) if not is_made_anew(model, client, t)]
        if fix is not None:
            fix = suggested(*fix.edits, *_renewed(tokens))
        return RULE.fault(flag or client.call.node, message, fix=fix)
    message = f"This client gives up after {number} attempts."
    return RULE.fault(
        attempts or client.call.node, message, fix=_fix(client, "reconnectionAttempts")
    )


def _fix(client: ClientSocket, key: str) -> Fix | None:
    if client.holder is None or key not in client.holder.pairs():
        return None
    if key == "reconnection":
        return suggested(without_entry(client.holder, key))
    return suggested(replaced(client.holder.pairs()[key], "Infinity"))


def _renewed(tokens: Iterable[SentToken]) -> list[Edit]:
    """Return the edits that let a client that reconnects from now on send the token of then."""
    fixes = [renewing(token) for token in tokens]
    return [edit for fix in fixes if fix is not None for edit in fix.edits]


def _tries_itself(model: Model, client: ClientSocket) -> bool:
    """Tell whether code goes on after the client gave up, or tells the user that it did."""
    if any(not _only_logs(each) for each in mentions(model, client, "reconnect_failed")):
        return True
    name = client.name
    maker = client.function
    for file in in_package(model, client.file):
        if "connect" not in file.text and ".open(" not in file.text:
            continue
        for call in file.calls:
            receiver = call.receiver
            if call.name in ("connect", "open") and receiver is not None:
                looks = normal(receiver.text) == name or re.search(
                    r"sock|(?:^|\.)(?:ws|io|client|current)$", normal(receiver.text), re.IGNORECASE
                )
                if looks and _is_again(call.node):
                    return True
    return maker is not None and _calls_itself(model, client, maker)


def _only_logs(event: Node) -> bool:
    """Tell a listener that writes to the console, and at most sets a flag that nobody sees."""
    holder = event.parent.parent if event.parent is not None else None
    if holder is None or holder.kind != "call_expression" or len(Call(holder).args) < 2:
        return False
    given = Call(holder).args[1]
    if given.kind not in FUNCTIONS:
        return False
    sets = [each.field("left") for each in given.find("assignment_expression")]
    is_quiet = all(each is not None and each.text.endswith(".current") for each in sets)
    return is_quiet and all(call.path.startswith("console.") for call in given.calls())


def _is_again(node: Node) -> bool:
    """Tell whether this runs after a failure, or when somebody asks for it."""
    if _is_for_token(node):
        return False
    for around in node.ancestors():
        if around.kind == "if_statement" and re.search(
            r"io server disconnect|server namespace", (around.field("condition") or around).text
        ):
            return False
        if around.kind in FUNCTIONS and around.parent is not None:
            holder = around.parent.parent
            call = Call(holder) if holder is not None and holder.kind == "call_expression" else None
            event = call.args[0].string if call is not None and call.args else None
            if event in ("disconnect", "connect_error", "reconnect_failed", "online", "focus"):
                return True
            if event == "visibilitychange" or (call is not None and call.name == "setTimeout"):
                return True
            name = around.field("name") or around.parent.field("name") or around.parent.field("key")
            if name is not None and _AGAIN.search(name.text):
                return True
            if around.parent.kind == "jsx_expression":
                return True
    return False


def _calls_itself(model: Model, client: ClientSocket, maker: Node) -> bool:
    """Tell whether what makes the socket is called again when it is lost."""
    names = {each.call.name for each in openings_of(model, client)} - {client.call.name}
    own = maker.field("name") or (maker.parent.field("name") if maker.parent is not None else None)
    if own is not None:
        names.add(own.text)
    for _, given in listeners(maker):
        if given.text in names:
            return True
        if any(call.name in names and not _is_for_token(call.node) for call in given.calls()):
            return True
    return any(
        any(name in call.node.text for name in names) and not _is_for_token(call.node)
        for call in maker.calls("setTimeout")
    )


def _is_for_token(node: Node) -> bool:
    """Tell a second try that only a refused token leads to; a lost connection takes none."""
    for around in node.ancestors():
        condition = around.field("condition") if around.kind == "if_statement" else None
        then = around.field("consequence")
        if condition is None or then is None or not then.start <= node.start < then.end:
            continue
        if _REFUSED.search(condition.text):
            return True
    return False


def _loops(connects: list[Call]) -> bool:
    """Tell whether ``connect`` is called in a loop (Python)."""
    return any(call.node.enclosing("while_statement", "for_statement") for call in connects)
