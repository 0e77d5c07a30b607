"""What Nest's ``JwtModule`` says of verification, for calls of ``JwtService`` that don't."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from tidegate.review.model import Function, Model
from tidegate.review.source import Call

__all__ = ["verify_options"]

Seen = Literal["pinned", "open", "unknown"]


def verify_options(model: Model, call: Call) -> Seen:
    """Return what the ``JwtModule`` of the application pins, or ``new JwtService(…)``."""
    made = model.project.value(call.receiver)
    if made is not None and made.kind == "new_expression":
        return _in_text(made.text)
    app = model.app_of(call.file)
    registered = list(_registrations(model))
    own = [each for each in registered if model.app_of(each.file) == app] or registered
    seen = {_registered(model, each) for each in own}
    if seen:
        return seen.pop() if len(seen) == 1 else "unknown"
    plain = any(
        {"JwtModule", "JwtService"} & {name for names in each.lists.values() for name in names}
        for each in model.modules
    )
    # A file or two without their modules: what is there is all that there is to judge.
    return "open" if plain or not model.modules else "unknown"


def _registrations(model: Model) -> Iterator[Call]:
    """Yield where options are given to the ``JwtModule``, whatever name it is imported by."""
    for file in model.files:
        if file.is_python or "JwtModule" not in file.text:
            continue
        imports = model.project.imports(file)
        for call in file.calls:
            if call.name in ("register", "registerAsync") and call.receiver is not None:
                imported = imports.get(call.receiver.text)
                if imported is not None and imported.name == "JwtModule":
                    yield call


def _registered(model: Model, call: Call) -> Seen:
    arg = model.project.value(call.args[0]) if call.args else None
    if arg is None:
        return "open"
    text = arg.text
    is_known = arg.kind == "object" and not re.search(r"useFactory|useClass|useExisting", text)
    factory = arg.pairs().get("useFactory") if arg.kind == "object" else arg
    if factory is not None and not is_known:
        for name in [factory, *factory.identifiers()]:  # config.asProvider(), () => jwtOptions
            value = model.project.value(name)
            text += value.text if value is not None and value != name else ""
            made = model.project.resolve(name.file, name.text)
            text += made.node.text if isinstance(made, Function) else ""
        is_known = bool(re.search(r"\{[^{}]*(?:secret|[kK]ey)", text))
    named = re.search(r"\b(?:useClass|useExisting)\s*:\s*(\w+)", text)
    if named:
        owner = model.project.class_named(call.file, named[1])
        text, is_known = text + (owner.node.text if owner else ""), owner is not None
    seen = _in_text(text)
    return seen if is_known or seen == "pinned" else "unknown"


def _in_text(text: str) -> Seen:
    options = text.partition("verifyOptions")
    if options[1]:
        return "pinned" if re.search(r"algorithms|audience|issuer", options[2]) else "unknown"
    return "unknown" if re.search(r"\.\.\.\s*\w", text) else "open"
