"""What runs when a component goes away that has no effects: a class's method, Vue's hook."""

from __future__ import annotations

import re
from typing import Literal

from tidegate.review.edits.client import indented
from tidegate.review.facts.client.closing import closes, is_close
from tidegate.review.fix import Fix, inserted_after, inserted_before, line_after, suggested
from tidegate.review.model import ClientSocket, Model
from tidegate.review.model.declarations import Class
from tidegate.review.model.react import is_react
from tidegate.review.source import Call, Node

__all__ = ["End", "closed_by_class", "closed_by_setup", "with_destroyer", "with_unmounting"]

End = Literal["closed", "never", "unknown"]

_MOUNTED = re.compile(r"\bon(?:Before)?Mounted$")
_UNMOUNTED = re.compile(
    r"\b(?:on(?:Before)?Unmount(?:ed)?|onScopeDispose|onDeactivated|onCleanup|onDestroy"
    r"|tryOn(?:Before)?Unmount(?:ed)?|tryOnScopeDispose)$"
)
_DESTROYERS = ("componentWillUnmount", "ngOnDestroy", "disconnectedCallback", "beforeUnmount")
_BASES = re.compile(r"(?:React\.)?(?:Pure)?Component|HTMLElement|LitElement")


def closed_by_class(model: Model, owner: Class, names: frozenset[str]) -> End:
    """Tell whether a component's class closes a socket; a class that is none need not."""
    is_ours = bool(owner.decorated("Component")) or any(
        _BASES.fullmatch(base) for base in owner.bases
    )
    if not is_ours:
        return "closed"
    for name in _DESTROYERS:
        destroyer = model.project.method(owner, name)
        if destroyer is not None:
            answer = closes(model, destroyer.node, names)
            if answer is not False:
                return "closed" if answer else "unknown"
    if any(_BASES.fullmatch(base) is None for base in owner.bases):
        return "unknown"  # a base class may
    if any(is_close(call) for method in owner.methods.values() for call in method.calls):
        return "unknown"
    return "never"


def closed_by_setup(model: Model, client: ClientSocket, names: frozenset[str]) -> End:
    """Tell whether a socket that ``onMounted`` opens is closed by ``onUnmounted``."""
    file = client.file
    if is_react(file) or _mounting(client) is None:
        return "closed"
    for call in file.calls:
        if _UNMOUNTED.search(call.path) and call.args:
            answer = closes(model, call.args[0], names)
            if answer is not False:
                return "closed"
    return "unknown" if any(is_close(call) for call in file.calls) else "never"


def _mounting(client: ClientSocket) -> Node | None:
    for around in client.call.node.ancestors():
        if around.kind == "call_expression" and _MOUNTED.search(Call(around).path):
            return around
    return None


# Corrections


def with_destroyer(owner: Class, client: ClientSocket) -> Fix | None:
    """Close the socket in the method that runs at the end; None if it is not a field."""
    body = owner.node.field("body")
    if body is None or not body.children or not client.name.startswith("this."):
        return None
    name = "ngOnDestroy" if owner.decorated("Component") else "componentWillUnmount"
    if name in owner.methods or owner.bases[:1] in (["HTMLElement"], ["LitElement"]):
        return None
    gap = indented(body.children[-1])
    step = gap.removeprefix(indented(owner.node)) or "  "
    closing = f"{client.name}?.{'close' if client.kind == 'websocket' else 'disconnect'}();"
    method = f"\n\n{gap}{name}() {{\n{gap}{step}{closing}\n{gap}}}"
    return suggested(inserted_after(body.children[-1], method))


def with_unmounting(client: ClientSocket) -> Fix | None:
    """Close the socket when the component is unmounted; None if its name is not seen there."""
    mounting = _mounting(client)
    name = client.name
    if mounting is None or not (name.endswith(".value") or _is_outside(name, mounting)):
        return None
    edits = [line_after(mounting, f"onUnmounted(() => {name}?.disconnect());")]
    for node in client.file.root.find("import_statement"):
        source = node.field("source")
        listed = node.find("import_specifier")
        if source is not None and source.string == "vue" and listed:
            if "onUnmounted" not in node.text:
                edits.append(inserted_before(listed[0], "onUnmounted, "))
            return suggested(*edits)
    return suggested(*edits)


def _is_outside(name: str, mounting: Node) -> bool:
    return bool(re.fullmatch(r"\w+", name)) and not any(
        (left := node.field("name")) is not None and left.text == name
        for node in mounting.find("variable_declarator")
    )
