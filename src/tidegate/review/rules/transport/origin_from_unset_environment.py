"""``origin-from-unset-environment``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.origins import with_upgrades
from tidegate.review.facts.environment import Setting, is_checked, setting_of
from tidegate.review.facts.transport.origins import Origin, admits, admits_if_unset, origins
from tidegate.review.fix import Fix, replaced, suggested
from tidegate.review.model import Class, Model
from tidegate.review.model.options import bare
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node

RULE = Rule(
    name="origin-from-unset-environment",
    topic="transport",
    severity="medium",
    languages=("typescript", "python"),
    summary="Without a variable of the environment, a server has no list of origins.",
    why=(
        "A variable that is missing or misspelt is not noticed: the fallback admits every page, "
        "or the list is just not there. A decorator reads its options when the file is "
        "imported, which is mostly before a `.env` file is loaded; so the variable is missing "
        "even where it is set."
    ),
    remedy="Fall back to no origin at all, or refuse to start without the variable.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway({ cors: { origin: process.env.WEB_ORIGIN || '*' } })
export class OrdersGateway {}
""",
            good="""\
import { WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway({ cors: { origin: process.env.WEB_ORIGIN?.split(',') ?? [] } })
export class OrdersGateway {}
""",
        ),
        Example(
            "typescript",
            title="No fallback",
            bad="""\
import { Server } from 'socket.io';

const io = new Server(httpServer, { cors: { origin: process.env.WEB_ORIGIN } });
""",
            good="""\
import { Server } from 'socket.io';

const origin = process.env.WEB_ORIGIN;
if (!origin) {
  throw new Error('WEB_ORIGIN is not set');
}
const io = new Server(httpServer, { cors: { origin } });
""",
        ),
        Example(
            "python",
            bad="""\
import os
import socketio

sio = socketio.AsyncServer(cors_allowed_origins=os.environ.get("WEB_ORIGINS", "*"))
""",
            good="""\
import os
import socketio

sio = socketio.AsyncServer(cors_allowed_origins=os.environ["WEB_ORIGINS"].split(","))
""",
        ),
    ),
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at what each server's origins are when nothing is set."""
    for origin in origins(model):
        if origin.is_missing or admits(model, origin.node) == "any":
            continue  # any-origin says so
        fallback = admits_if_unset(model, origin.node) or _of_settings(model, origin.node)
        if fallback is not None:
            message = "If this is not set, pages of every origin may connect."
            yield RULE.fault(origin.node, message, fix=_closed(model, origin))
            continue
        setting = None if origin.is_python else setting_of(model, origin.node)
        if setting is None or is_checked(model, setting):
            continue
        confidence = "likely" if setting.is_service else "certain"
        message = _message(origin, setting)
        yield RULE.fault(
            origin.node,
            message,
            confidence=confidence,  # type: ignore[arg-type]
            fix=_closed(model, origin),
        )


def _message(origin: Origin, setting: Setting) -> str:
    when = " when this file is imported" if origin.is_early else ""
    return f"Unless `{setting.name}` is set{when}, there is no list of origins."


def _of_settings(model: Model, node: Node) -> Node | None:
    """Return the default ``*`` of a field of a settings class: ``settings.origins`` (Python)."""
    if not node.file.is_python:
        return None
    value = bare(model.project.value(bare(node)) or node)
    if value.kind == "call" and value.children and not Call(value).args:
        value = value.children[0]  # settings.get_origins()
    if value.kind != "attribute":
        return None
    holder, name = value.field("object"), value.field("attribute")
    owner = _class_of(model, holder) if holder is not None and name is not None else None
    if owner is None or name is None:
        return None
    method = owner.methods.get(name.text)
    if method is None:
        return _default_of(model, owner, name.text)
    returned = method.body.find("return_statement")
    if len(returned) != 1 or method.body.find("if_statement"):
        return None
    fields = dict.fromkeys(re.findall(r"\bself\.(\w+)", returned[0].text))
    found = (_default_of(model, owner, field) for field in fields)
    return next((each for each in found if each is not None), None)


def _default_of(model: Model, owner: Class, name: str) -> Node | None:
    """Return what a field of a settings class is if nothing is set, if that is every origin."""
    body = owner.node.field("body")
    for each in body.find("assignment") if body is not None else []:
        left, right = each.field("left"), each.field("right")
        if left is None or right is None or left.text != name:
            continue
        if admits(model, right) == "any" and right.children != []:
            return right
        return right if admits(model, right) == "any" else admits_if_unset(model, right)
    return None


def _class_of(model: Model, holder: Node) -> Class | None:
    """Return the class of ``settings``, or of what ``get_settings()`` returns."""
    made = model.project.value(holder)
    if made is None or made.kind != "call":
        return None
    owner = model.project.class_named(made.file, Call(made).path)
    if owner is not None:
        return owner
    target = model.project.target(Call(made))
    if target is None:
        return None
    for call in target.calls:
        owner = model.project.class_named(target.file, call.path)
        if owner is not None:
            return owner
    return None


def _closed(model: Model, origin: Origin) -> Fix | None:
    """Return a correction that admits nobody, or does not start, without the variable."""
    node = bare(origin.node)
    text = node.text
    if origin.is_python:
        match = re.fullmatch(
            r"""(?:os\.)?(?:getenv|environ\.get)\(\s*(["']\w+["'])\s*,\s*["']\*["']\s*\)"""
            r"""(\.split\(.*\))?(?:\s+or\s+["']\*["'])?""",
            text,
        )
        if match is None or "import os" not in node.file.text:
            return None
        split = match[2] or '.split(",")'
        return suggested(replaced(origin.node, f"os.environ[{match[1]}]{split}"))
    match = re.match(r"process\.env(?:\.\w+|\[['\"]\w+['\"]\])", text)
    if match is None or node.kind == "ternary_expression":
        return None
    listed = f"{match[0]}?.split(',') ?? []"
    fix = suggested(replaced(origin.node, listed))
    return with_upgrades(model, origin.node, fix, f"({listed})")
