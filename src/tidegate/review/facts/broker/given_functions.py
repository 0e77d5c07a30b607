"""Functions that callers give for a parameter: ``consume(queue, callback)`` and its callers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.review.discover import read
from tidegate.review.model import Function, Model
from tidegate.review.model.react import name_of_function
from tidegate.review.source import FUNCTIONS, Call, Node, SourceFile

__all__ = ["Given", "given_for"]


@dataclass(frozen=True, eq=False)
class Given:
    """What a parameter stands for.

    Attributes:
        functions: Those that callers in the project give.
        type: As written at the parameter, or at its property; empty if it is not.
    """

    functions: tuple[Function, ...]
    type: str


def given_for(model: Model, call: Call) -> Given | None:
    """Return what a call runs, if it runs a parameter of a function around; else None."""
    receiver = call.receiver
    name, key = (call.name, "") if receiver is None else (receiver.text, call.name)
    if call.is_new or not re.fullmatch(r"\w+", name):
        return None
    for around in call.node.ancestors():
        if around.kind not in FUNCTIONS:
            continue
        for place, parameter in enumerate(Function(around, "").parameters):
            is_taken_apart = parameter.name.startswith("{") and not key
            if is_taken_apart and re.search(rf"\b{name}\b", parameter.name):
                return _given(model, around, place, name, parameter.type)
            if parameter.name == name:
                return _given(model, around, place, key, parameter.type)
    return None


def _given(model: Model, function: Node, place: int, key: str, type_: str) -> Given | None:
    if key:
        match = re.search(rf"\b{key}\??\s*(?::|\()([^;,\n]*(?:=>[^;,\n]*)?)", type_)
        type_ = match[1] if match else ""
        if not match and type_ and not re.search(r"\bon[A-Z]|handler|callback", key, re.I):
            return None
    found = []
    for call in _callers(model, function):
        given = call.args[place] if len(call.args) > place else None
        given = call.keywords.get(_name(function, place)) if given is None else given
        if given is not None and key:
            value = model.project.value(given)
            given = value.pairs().get(key) if value is not None and value.kind == "object" else None
        resolved = _function(model, given) if given is not None else None
        if resolved is not None:
            found.append(resolved)
    return Given(tuple(found), type_)


def _name(function: Node, place: int) -> str:
    return Function(function, "").parameters[place].name


def _callers(model: Model, function: Node) -> list[Call]:
    """Return the calls of a function; all files are asked, for who calls has no queue to name."""
    named = function.field("name")
    name = named.text if named is not None else name_of_function(function)
    if not name:
        return []
    return [
        call
        for file in _files_with(model, f"{name}(", function.file)
        for call in file.calls
        if call.name == name
        and (target := model.project.target(call)) is not None
        and target.node == function
    ]


def _files_with(model: Model, text: str, home: SourceFile) -> Iterator[SourceFile]:
    suffixes = (".py",) if home.is_python else (".ts", ".tsx", ".js", ".mjs", ".cjs")
    for file in model.files:
        if text in file.text and file.is_python == home.is_python:
            yield file
    for name in _others_with(model, text):
        other = model.project.file(name) if name.endswith(suffixes) else None
        if other is not None and not other.is_test:
            yield other


def _others_with(model: Model, text: str) -> list[str]:
    """Return the files with a text that were not taken for realtime code."""
    key = f"files with {text}"
    if key not in model.found:
        known = {file.name for file in model.files}
        model.found[key] = [
            name
            for name in sorted(model.project.names - known)
            if (data := read(model.project.root / name, name, [])) is not None
            and text.encode() in data
        ]
    names: list[str] = model.found[key]
    return names


def _function(model: Model, node: Node) -> Function | None:
    """Return the function that an argument is: written there, a name, a method that is bound."""
    if node.kind in FUNCTIONS:
        return Function(node, "", owner=model.project.owner(node))
    if node.kind == "call_expression" and Call(node).name == "bind":
        receiver = Call(node).receiver
        return _function(model, receiver) if receiver is not None else None
    owner = model.project.owner(node)
    match = re.fullmatch(r"(?:this|self)\.(#?\w+)", node.text)
    if match and owner is not None:
        return model.project.method(owner, match[1])
    found = model.project.resolve(node.file, node.text) if node.kind == "identifier" else None
    return found if isinstance(found, Function) else None
