"""Payloads that are stored as they come, with the sender that the client wrote into them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.facts.tenant.expressions import inner, names_in, path_of, words_of
from tidegate.review.facts.tenant.following import Visit
from tidegate.review.facts.tenant.identity_names import ACTOR, knows_user
from tidegate.review.facts.tenant.sent import Sent
from tidegate.review.source import Call, Node, SourceFile

__all__ = ["sender_of"]

_STORES = re.compile(
    r"(?:create|insert|save|add|store|send|post|persist|new|handle"
    r")(?:_\w+)?"
)
_EMITS = re.compile(r"emit|broadcast")


def sender_of(visit: Visit, call: Call) -> Sent | None:
    """Return the sender in a payload that a call stores whole: ``Message.create(message)``."""
    name = words_of(call.name)
    is_made = call.is_new or (call.file.is_python and re.match(r"[A-Z]", call.name))
    if not (is_made or _STORES.fullmatch(name) or _EMITS.fullmatch(name)) or knows_user(visit):
        return None
    if visit.flow.project.target(call, visit.flow.function) is not None:
        return None  # what it does with the payload is seen there
    is_emit = _EMITS.fullmatch(name) is not None
    for node in _wholes(call):
        holder = path_of(node)
        if holder is None or not _is_payload(visit, holder):
            continue
        for key in _keys(visit, call, holder):
            if ((key == "from" and not is_emit) or ACTOR.fullmatch(words_of(key))) and not _is_ours(
                visit, call, holder, key
            ):
                return Sent(node, (key,))
    return None


def _wholes(call: Call) -> Iterator[Node]:
    """Yield what a call is given whole: an argument, or what is spread into it."""
    splat = call.keywords.get("...")
    for arg in [*call.args, *([splat] if splat is not None else [])]:
        if arg.kind == "dictionary_splat" and arg.children:
            yield _undumped(arg.children[0])
        elif arg.kind in ("object", "dictionary"):
            yield from (inner(child) for child in arg.children if child.kind == "spread_element")
        else:
            yield inner(arg)


def _undumped(node: Node) -> Node:
    """Return the model whose fields these are: ``message`` of ``message.model_dump()``."""
    node = inner(node)
    if node.kind == "call" and Call(node).name in ("model_dump", "dict"):
        return Call(node).receiver or node
    return node


def _is_payload(visit: Visit, holder: str) -> bool:
    values = visit.flow.names.get(holder, frozenset())
    return bool(values) and all(
        each.source == "payload" and each.path in ((), (holder,)) for each in values
    )


def _is_ours(visit: Visit, call: Call, holder: str, key: str) -> bool:
    """Tell whether the code writes the field itself, over what the client wrote."""
    if visit.flow.names.get(f"{holder}.{key}") == frozenset():
        return True
    written = rf"(?:\b|['\"]){key}(?:['\"])?\s*[:,=}}](?!=)"
    return any(
        each.kind in ("object", "dictionary") and re.search(written, each.text) is not None
        for each in call.args
    )


def _keys(visit: Visit, call: Call, holder: str) -> Iterator[str]:
    """Yield the fields that a payload is known to have: those read here, those of its type."""
    for path in names_in(visit.flow.function.body):
        if path.startswith(f"{holder}."):
            yield path.split(".")[1]
    function = visit.flow.function
    for parameter in function.parameters:
        if parameter.name == holder and parameter.type:
            yield from _fields_of(visit, function.file, parameter.type)
    if call.file.is_python and call.callee is not None:
        yield from _fields_of(visit, call.file, call.callee.text)


def _fields_of(visit: Visit, file: SourceFile, type_: str) -> Iterator[str]:
    if type_.startswith("{"):
        yield from re.findall(r"(\w+)\??\s*:", type_)
        return
    name = re.split(r"[<\[|& ]", type_, maxsplit=1)[0].strip("'\"")
    owner = visit.flow.project.class_named(file, name)
    if owner is not None:
        for each in visit.flow.project.lineage(owner)[0]:
            yield from each.fields
            if file.is_python:
                yield from re.findall(r"(?m)^\s+(\w+)\s*:", each.node.text)
        return
    home = visit.flow.project.home_of(file, name) if re.fullmatch(r"\w+", name) else None
    if home is None or home[0].is_python:
        return
    match = re.search(
        rf"\b(?:interface\s+{home[1]}\b[^{{]*|type\s+{home[1]}\s*=\s*)\{{([^}}]*)\}}", home[0].text
    )
    if match:
        yield from re.findall(r"(\w+)\??\s*:", match[1])
