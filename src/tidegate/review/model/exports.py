"""What modules of JavaScript export without a name of its own, and what CommonJS exports."""

from __future__ import annotations

from tidegate.review.model.declarations import Function
from tidegate.review.source import FUNCTIONS, Node, SourceFile

__all__ = ["common_functions", "main_export"]

_EXPORTS = ("module.exports", "exports", "module.exports.default", "exports.default")


def main_export(file: SourceFile) -> Node | None:
    """Return what a module is: ``export default …``, ``module.exports = …``."""
    for node in file.root.find("export_statement") if "default" in file.text else ():
        value = node.field("value") or node.field("declaration")
        if value is not None and node.text.split(None, 2)[1:2] == ["default"]:
            return value
    for left, right in _assigned(file):
        if left in _EXPORTS and right.kind != "object":
            return right
    return None


def common_functions(file: SourceFile) -> dict[str, Function]:
    """Return the functions that CommonJS exports by name: ``exports.join = (io, socket) => …``."""
    found: dict[str, Function] = {}
    for left, right in _assigned(file):
        holder, _, name = left.rpartition(".")
        if holder in _EXPORTS and right.kind in FUNCTIONS:
            found[name] = Function(right, name)
        elif left in _EXPORTS and right.kind == "object":
            for key, value in right.pairs().items():
                if value.kind in FUNCTIONS:
                    found[key] = Function(value, key)
    return found


def _assigned(file: SourceFile) -> list[tuple[str, Node]]:
    """Return what is assigned to ``exports`` and its fields, chains such as ``a = b = c`` too."""
    if "exports" not in file.text:
        return []
    found = []
    for node in file.root.find("assignment_expression"):
        left, right = node.field("left"), node.field("right")
        if left is None or right is None or not left.text.startswith(("exports", "module.exports")):
            continue
        while right.kind == "assignment_expression":
            inner = right.field("right")
            if inner is None:
                break
            right = inner
        found.append((left.text, right))
    return found
