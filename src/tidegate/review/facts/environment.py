"""Settings that code reads from the environment, and whether somebody checks that they are set."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tidegate.review.model import Model
from tidegate.review.model.options import bare
from tidegate.review.source import Call, Node

__all__ = ["Setting", "is_checked", "setting_of"]

_READERS = ("getenv", "get", "config")


@dataclass(frozen=True, eq=False)
class Setting:
    """A setting as it is read, without a value to fall back to.

    Attributes:
        name: Of the variable.
        node: Where it is read.
        is_service: It is read with Nest's ``ConfigService``, not from the process.
        alias: The constant that it is kept in; empty if there is none.
    """

    name: str
    node: Node
    is_service: bool = False
    alias: str = ""


def setting_of(model: Model, node: Node, depth: int = 0) -> Setting | None:
    """Return the setting that an expression is; None if it has a fallback, or is none.

    ``process.env.X``, ``X!``, ``X as string`` and a constant of it count; ``X?.split(',')`` too,
    which is undefined as well. ``X.split(',')`` does not: it throws when ``X`` is not set.
    """
    if depth > 4:
        return None
    value = bare(node)
    if value.file.is_python:
        return _python(model, value, depth)
    if value.kind in ("identifier", "shorthand_property_identifier"):
        return _destructured(value) or _of_constant(model, value, depth)
    match = re.fullmatch(
        r"process\.env(?:\.(\w+)|\[['\"](\w+)['\"]\])", value.text.replace("?.", ".")
    )
    if match:
        return Setting(match[1] or match[2], value)
    if value.kind == "call_expression":
        return _call(model, value, depth)
    return None


def _of_constant(model: Model, name: Node, depth: int) -> Setting | None:
    value = model.project.value(name)
    if value is None or value == name:
        return None
    found = setting_of(model, value, depth + 1)
    return replace(found, alias=name.text) if found is not None else None


def _call(model: Model, node: Node, depth: int) -> Setting | None:
    call = Call(node)
    if call.receiver is None:
        return None
    if call.name == "get" and len(call.args) == 1 and re.search(r"[cC]onfig", call.receiver.text):
        name = call.args[0].string
        is_variable = name is not None and re.fullmatch(r"[A-Z][A-Z0-9_]+", name)
        return Setting(name, node, is_service=True) if name and is_variable else None
    callee = call.callee
    is_optional = callee is not None and "?." in callee.text[len(call.receiver.text) :]
    if is_optional or call.name in ("map", "filter", "trim"):
        inner = setting_of(model, call.receiver, depth + 1)
        return inner if is_optional or _ends_optional(call.receiver) else None
    return None


def _ends_optional(node: Node) -> bool:
    return "?." in node.text


def _destructured(node: Node) -> Setting | None:
    """Return the setting that ``const { X } = process.env`` gives a name."""
    if "process.env" not in node.file.text:
        return None
    for each in node.file.root.find("variable_declarator"):
        left, right = each.field("name"), each.field("value")
        if left is None or right is None or left.kind != "object_pattern":
            continue
        if right.text != "process.env":
            continue
        for child in left.children:
            if child.kind == "shorthand_property_identifier_pattern" and child.text == node.text:
                return Setting(child.text, child)
            if child.kind == "pair_pattern":
                key, value = child.field("key"), child.field("value")
                if key is not None and value is not None and value.text == node.text:
                    return Setting(key.text, child)
    return None


def _python(model: Model, value: Node, depth: int) -> Setting | None:
    if value.kind == "identifier":
        return _of_constant(model, value, depth)
    if value.kind != "call":
        return None
    call = Call(value)
    is_environment = re.fullmatch(
        r"(?:os\.)?(?:getenv|environ\.get)|(?:env|config)\.get", call.path
    )
    if not is_environment or len(call.args) != 1 or call.keywords:
        return None
    name = call.args[0].string
    return Setting(name, value) if name else None


def is_checked(model: Model, setting: Setting) -> bool:
    """Tell whether the project refuses to start, or says so, when a setting is missing."""
    if setting.alias and _is_asked(setting):
        return True
    name = re.escape(setting.name)
    key = f"checked {setting.name} {setting.is_service}"
    if key not in model.found:
        pattern = re.compile(
            rf"if\s*\(\s*!\s*(?:process\.env\.)?{name}\b"
            rf"|\b{name}\b['\"]?\s*[:?!]*\s*[:=]\s*(?:\w+\.)*(?:z|[jJ]oi|yup|envalid|v|t|str|url|Type)\b\s*[.(]"
            rf"|(?:assert|invariant|require\w*|must\w*|ensure\w*|getOrThrow)\w*\(\s*(?:process\.env\.|['\"]){name}\b"
            rf"|if\s+not\s+(?:\w+\.)*{name}\b|if\s+{name}\s+is\s+None"
            rf"|@Is\w+\([^)]*\)\s*(?:@\w+\([^)]*\)\s*)*{name}\b"
            rf"|\[[^\]]*['\"]{name}['\"][^\]]*\]\s*(?:;|\.(?:forEach|filter|every|some|map))"
        )
        files = list(_files(model))
        is_validated = setting.is_service and any(
            "ConfigModule.forRoot" in text and re.search(r"\bvalidat(?:e|ionSchema)\b", text)
            for text in files
        )
        model.found[key] = is_validated or any(
            setting.name in text and pattern.search(text) for text in files
        )
    checked: bool = model.found[key]
    return checked


def _is_asked(setting: Setting) -> bool:
    """Tell whether the file that reads a setting asks for its constant."""
    alias = re.escape(setting.alias)
    pattern = (
        rf"if\s*\(\s*!\s*{alias}\b|if\s*\(\s*{alias}\s*={{2,3}}\s*(?:undefined|null)"
        rf"|if\s+not\s+{alias}\b|if\s+{alias}\s+is\s+None|assert\w*\s*\(?\s*{alias}\b"
    )
    return re.search(pattern, setting.node.file.text) is not None


def _files(model: Model) -> list[str]:
    """Return the texts where a check may be: those read, and those that sound like settings."""
    if "settings" not in model.found:
        names = sorted(
            name
            for name in model.project.names
            if re.search(
                r"(?:^|[/._-])(?:env|config|configuration|settings|validat\w+|constants|schema)\b",
                name,
            )
        )
        texts = [file.text for file in list(model.project.files.values()) if not file.is_test]
        for name in names[:60]:
            if name not in model.project.files:
                file = model.project.file(name)
                texts.append(file.text if file is not None else "")
        model.found["settings"] = texts
    found: list[str] = model.found["settings"]
    return found
