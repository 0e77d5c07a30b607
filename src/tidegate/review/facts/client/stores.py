"""Stores that handlers write to: reducers of Redux, actions of zustand, in their own files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.model import Model
from tidegate.review.source import FUNCTIONS, Call, Node, SourceFile

__all__ = ["reducers_called"]


def reducers_called(model: Model, handler: Node) -> Iterator[Node]:
    """Yield the functions of stores that a handler runs.

    ``dispatch(added(order))``, ``add(order)`` of ``const add = useOrders((store) => store.add)``,
    ``useOrders.getState().add(order)``.
    """
    for call in handler.calls():
        if call.name == "dispatch" and call.args and call.args[0].kind == "call_expression":
            action = Call(call.args[0]).path
            if re.fullmatch(r"\w+", action):
                yield from _named(_home(model, handler.file, action), action)
        elif call.receiver is None:
            store = _taken_from(handler.file, call.name)
            if store:
                yield from _named(_home(model, handler.file, store), call.name)
        else:
            match = re.fullmatch(r"(\w+)\.getState\(\)", call.receiver.text)
            if match:
                yield from _named(_home(model, handler.file, match[1]), call.name)


def _home(model: Model, file: SourceFile, name: str) -> SourceFile | None:
    home = model.project.home_of(file, name)
    return home[0] if home is not None else None


def _taken_from(file: SourceFile, name: str) -> str:
    """Return the store that a name is taken from: ``const { add } = useOrders()``."""
    word = re.escape(name)
    if not re.search(rf"\b{word}\b[^;=]*=\s*use[A-Z]", file.text):
        return ""
    for node in file.root.find("variable_declarator"):
        left, value = node.field("name"), node.field("value")
        if left is None or value is None or value.kind != "call_expression":
            continue
        call = Call(value)
        if not re.match(r"use\w*Store|use[A-Z]", call.name) or call.receiver is not None:
            continue
        if left.kind == "object_pattern":
            taken = left.find("shorthand_property_identifier_pattern")
            if name in [each.text for each in taken]:
                return call.name
        elif left.text == name and call.args and re.search(rf"\.{name}\b", call.args[0].text):
            return call.name
    return ""


def _named(file: SourceFile | None, name: str) -> Iterator[Node]:
    """Yield the functions of an object literal, in a file with a store, that have a name."""
    if file is None or not re.search(r"zustand|createSlice|createStore|reducers", file.text):
        return
    for node in file.root.find("pair"):
        key, value = node.field("key"), node.field("value")
        if key is not None and value is not None and key.text == name and value.kind in FUNCTIONS:
            yield value
    for node in file.root.find("method_definition"):
        key = node.field("name")
        if key is not None and key.text == name:
            yield node
