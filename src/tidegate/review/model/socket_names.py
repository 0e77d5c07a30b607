"""What code calls a socket: the variable, the ref, the state, the property that it is kept in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = ["is_named", "kept_in", "names_of", "normal", "root_of"]

_BOXES = {
    **dict.fromkeys(("useRef", "createRef"), ".current"),
    **dict.fromkeys(("ref", "shallowRef"), ".value"),
    **dict.fromkeys(("useState", "useMemo", "markRaw", "signal", "toRaw"), ""),
}
_THROUGH = (
    *("await_expression", "as_expression", "satisfies_expression", "parenthesized_expression"),
    *("non_null_expression", "binary_expression", "ternary_expression", "await"),
)


def kept_in(call: Call) -> str:
    """Return the first name of the socket that a call makes; empty if it has none."""
    return _kept_in(call.node) or _set_by(call.node, _setters(_scope(call.node) or call.node))


def names_of(call: Call) -> frozenset[str]:
    """Return the names near a call that stand for the socket it makes.

    A name that starts with a dot is a property of some object: ``.socket`` of a store.
    """
    first = _kept_in(call.node)
    names = {normal(first)} if first else set[str]()
    scope = _scope(call.node)
    setters = _setters(call.node.file.root if scope is None else scope)
    around = _set_by(call.node, setters)
    names |= {around} if around else set()
    for _ in range(3):
        more = names | set(_aliases(scope or call.node.file.root, names, setters))
        if more == names:
            break
        names = more
    return frozenset(names)


def is_named(node: Node, names: frozenset[str]) -> bool:
    """Tell whether an expression is the socket, as far as its names tell."""
    text = normal(node.text)
    return text in names or any(text.endswith(name) for name in names if name.startswith("."))


def normal(text: str) -> str:
    """Return an expression without what only TypeScript needs: ``a!.b``, ``a?.b``, ``(a as B)``."""
    cast = re.fullmatch(r"\(\s*([\w.$!?]+)\s+as\s.*\)", text, re.DOTALL)
    return (cast[1] if cast else text).replace("?.", ".").replace("!", "")


def root_of(name: str) -> str:
    """Return the variable that a name starts with: of ``socketRef.current``, ``socketRef``."""
    return name.split(".", 1)[0]


def _kept_in(node: Node) -> str:
    """Return what a value is assigned to, through hooks and boxes that hold it."""
    suffix = ""
    for around in node.ancestors():
        kind = around.kind
        if kind == "variable_declarator":
            return _declared(around.field("name"), suffix)
        if kind in ("assignment_expression", "augmented_assignment_expression", "assignment"):
            left = around.field("left")
            return left.text if left is not None else ""
        if kind in ("public_field_definition", "field_definition"):
            name = around.field("name") or around.field("property")
            return f"this.{name.text}" if name is not None else ""
        if kind == "pair":
            key = around.field("key")
            return f".{key.text}" if key is not None else ""
        if kind == "call_expression":
            box = _BOXES.get(Call(around).name)
            if box is None:
                return ""
            suffix = box or suffix
        elif kind in FUNCTIONS:
            holder = around.parent.parent if around.parent is not None else None
            if holder is None or holder.kind != "call_expression":
                return ""
            if Call(holder).name not in _BOXES:
                return ""
        elif kind not in (*_THROUGH, "arguments", "return_statement", "statement_block"):
            return ""
    return ""


def _declared(name: Node | None, suffix: str) -> str:
    if name is None:
        return ""
    if name.kind == "array_pattern":
        return name.children[0].text if name.children else ""
    if name.kind == "object_pattern":  # const { current: socket } = useRef(io())
        match = re.search(r"current\s*:\s*(\w+)", name.text)
        return match[1] if match else ""
    return name.text + suffix


def _scope(node: Node) -> Node | None:
    """Return the outermost function around; None at the top level."""
    found = None
    for around in node.ancestors():
        if around.kind in FUNCTIONS:
            found = around
    return found


def _setters(scope: Node) -> dict[str, str]:
    """Return state variables by what sets them: ``const [socket, setSocket] = useState()``."""
    setters = {}
    for node in scope.find("array_pattern"):
        parts = [each.text for each in node.children]
        if len(parts) == 2 and parts[1].startswith("set"):
            setters[parts[1]] = parts[0]
    return setters


def _set_by(node: Node, setters: dict[str, str]) -> str:
    """Return the state that a value is given to: ``setSocket(io(…))``."""
    parent = node.parent
    holder = parent.parent if parent is not None and parent.kind == "arguments" else None
    if holder is None or holder.kind != "call_expression":
        return ""
    return setters.get(Call(holder).name, "")


def _aliases(scope: Node, names: set[str], setters: dict[str, str]) -> Iterator[str]:
    for node in scope.find("variable_declarator", "assignment_expression"):
        left = node.field("name") or node.field("left")
        right = node.field("value") or node.field("right")
        if left is None or right is None or left.kind.endswith("pattern"):
            continue
        if normal(right.text) in names:
            yield normal(left.text)
            continue
        made = Call(right)
        box = _BOXES.get(made.name) if right.kind == "call_expression" else None
        if box and made.args and normal(made.args[0].text) in names:
            yield left.text + box
    for call in scope.calls():
        if not call.args:
            continue
        first = call.args[0]
        if call.name in setters and normal(first.text) in names:
            yield setters[call.name]
        elif first.kind == "object" and re.search(
            r"(?:^|\.)(?:set|setState|patchState)$", call.path
        ):
            for key, value in first.pairs().items():
                if normal(value.text) in names:
                    yield f".{key}"
