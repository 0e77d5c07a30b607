"""Defaults of parameters that nobody passes anything else for."""

from __future__ import annotations

from tidegate.review.model import Function, Model
from tidegate.review.model.options import bare
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = ["default_of"]


def default_of(model: Model, node: Node) -> Node | None:
    """Return the default of the parameter that a name is, if each call leaves it at that."""
    name = bare(node)
    if name.kind not in ("identifier", "shorthand_property_identifier"):
        return None
    for around in name.ancestors():
        if around.kind not in FUNCTIONS:
            continue
        function = Function(around, _called(around))
        for position, parameter in enumerate(function.parameters):
            if parameter.name == name.text:
                default = parameter.default
                is_left = default is not None and not _is_passed(model, function, name, position)
                return default if is_left else None
    return None


def _called(function: Node) -> str:
    """Return the name that a function is called by: its class's, if it is a constructor."""
    named = function.field("name")
    if (
        named is None
        and function.parent is not None
        and function.parent.kind == "variable_declarator"
    ):
        named = function.parent.field("name")
    text = named.text if named is not None else ""
    if text not in ("__init__", "constructor"):
        return text
    owner = function.enclosing("class_definition", "class_declaration", "class")
    named = owner.field("name") if owner is not None else None
    return named.text if named is not None else ""


def _is_passed(model: Model, function: Function, name: Node, position: int) -> bool:
    if not function.name:
        return True
    return any(
        _passes(call, name.text, position)
        for file in model.files
        if function.name in file.text
        for call in file.calls
        if call.name == function.name
    )


def _passes(call: Call, name: str, position: int) -> bool:
    splats = ("spread_element", "list_splat", "dictionary_splat")
    if len(call.args) > position or any(each.kind in splats for each in call.args):
        return True
    return name in call.keywords or "..." in call.keywords
