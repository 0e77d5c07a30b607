"""What servers say of origins: each value of ``cors``, and what it admits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tidegate.review.facts.transport.servers import adapter_options, servers
from tidegate.review.model import Adapter, Function, Model
from tidegate.review.model.node_sockets import function_of
from tidegate.review.model.options import bare, options_in
from tidegate.review.source import Call, Node

__all__ = ["Origin", "admits", "admits_if_unset", "origin_of", "origins"]

_STRANGERS = ("https://attacker.test", "https://a1.example.net", "https://10.1.2.3:8443")
"""Origins without a part in common: a pattern that admits them all admits every page."""
_SLOW = re.compile(r"[+*}]\)+[+*{]")

Admits = Literal["any", "some", "unknown"]


@dataclass(frozen=True, eq=False)
class Origin:
    """One setting.

    Attributes:
        node: The value of ``origin``, or of ``cors`` if there is no ``origin`` in it.
        holder: ``cors`` as an object literal.
        is_missing: ``cors`` is set, without ``origin``.
        is_early: It is read when a decorator runs.
    """

    node: Node
    holder: Node | None = None
    is_missing: bool = False
    is_early: bool = False

    @property
    def is_python(self) -> bool:
        """Tell ``cors_allowed_origins`` from ``cors``."""
        return self.node.file.is_python


def origins(model: Model) -> list[Origin]:
    """Return what the servers of a project say of origins, each setting once."""
    if "origins" not in model.found:
        found: dict[Node, Origin] = {}
        for each in _all(model):
            found.setdefault(each.node, each)
        model.found["origins"] = list(found.values())
    known: list[Origin] = model.found["origins"]
    return known


def _all(model: Model) -> Iterator[Origin]:
    for server in servers(model):
        if server.node.file.is_python:
            given = server.options.get("cors_allowed_origins")
            if given is not None:
                yield Origin(given)
        elif server.framework == "socket.io" and "cors" in server.options:
            yield origin_of(model, server.options["cors"])
    yield from _validated(model)
    for adapter in model.adapters:
        yield from _of_adapter(model, adapter)
    replaced = {each.app for each in model.adapters if _replaces(model, each)}
    for gateway in model.gateways:
        if (
            gateway.framework == "nest"
            and "cors" in gateway.options
            and gateway.app not in replaced
        ):
            yield origin_of(model, gateway.options["cors"], is_early=True)


def _validated(model: Model) -> Iterator[Origin]:
    """Yield the lists of ``OriginValidator(application, [...])`` of Django Channels."""
    for file in model.files:
        if file.is_python and "OriginValidator(" in file.text:
            for call in file.calls:
                given = call.arg(1, "allowed_origins") if call.name == "OriginValidator" else None
                if given is not None:
                    yield Origin(given)


def origin_of(model: Model, cors: Node, *, is_early: bool = False) -> Origin:
    """Return what a value of ``cors`` says."""
    found = options_in(model.project, cors)
    if "origin" in found.entries:
        return Origin(found.entries["origin"], found.holder, is_early=is_early)
    value = bare(model.project.value(bare(cors)) or cors)
    # A text or a list in place of an object has no `origin`: the default, any, is used.
    is_missing = value.kind in ("string", "array") or (
        found.holder is not None and found.is_complete
    )
    return Origin(value, found.holder, is_missing=is_missing, is_early=is_early)


def _of_adapter(model: Model, adapter: Adapter) -> Iterator[Origin]:
    made = adapter_options(model, adapter)
    if made is not None and "cors" in made.options.entries:
        yield origin_of(model, made.options.entries["cors"])
    if made is not None or adapter.owner is None:
        return
    for method in adapter.owner.methods.values():
        for node in method.body.find("object"):
            if "cors" in node.pairs():
                yield origin_of(model, node.pairs()["cors"])


def _replaces(model: Model, adapter: Adapter) -> bool:
    """Tell whether an adapter's origins are used whatever gateways say."""
    made = adapter_options(model, adapter)
    if made is None:
        return False
    return not made.inherits or (
        "cors" in made.options.entries and "cors" not in made.options.defaults
    )


# What a value admits


def admits(model: Model, node: Node) -> Admits:
    """Return whether a value of ``origin`` admits every page."""
    value = _value(model, node)
    if value.string is not None:
        return "any" if value.string in ("*", "*:*") else "some"
    if value.kind in ("true", "True"):
        return "any"
    if value.kind == "regex":
        return "any" if _admits_strangers(value.text[1 : value.text.rindex("/")]) else "some"
    if value.kind in ("false", "False", "null", "None", "undefined"):
        return "some"
    if value.kind == "new_expression" and Call(value).name == "RegExp" and Call(value).args:
        return "any" if _admits_strangers(Call(value).args[0].string or "$^") else "some"
    if value.kind == "template_string":
        return "some"
    if value.kind in ("array", "list", "tuple", "set"):
        if not value.children:
            # Python: no origins at all, so the list is not looked at.
            return "any" if value.file.is_python else "some"
        each = [admits(model, child) for child in value.children]
        return "any" if "any" in each else ("unknown" if "unknown" in each else "some")
    function = function_of(model.project, value) if not value.file.is_python else None
    if function is not None and value.kind != "call_expression":
        return _of_function(function)
    if value.kind == "lambda":
        body = value.field("body")
        return "any" if body is not None and body.text == "True" else "some"
    return "unknown"


def _value(model: Model, node: Node) -> Node:
    """Return what an expression stands for: a constant, or an entry of one, ``config.origin``."""
    value = bare(model.project.value(bare(node)) or node)
    if value.kind == "member_expression":
        holder, key = value.field("object"), value.field("property")
        made = model.project.value(holder) if holder is not None else None
        if made is not None and bare(made).kind == "object" and key is not None:
            entry = bare(made).pairs().get(key.text)
            return bare(entry) if entry is not None else value
    return value


def _admits_strangers(pattern: str) -> bool:
    """Tell whether a regular expression matches origins that have nothing in common."""
    if len(pattern) > 200 or _SLOW.search(pattern):
        return False
    try:
        compiled = re.compile(pattern.replace(r"\/", "/"))
    except re.error:
        return False
    return all(compiled.search(each) for each in _STRANGERS)


def _of_function(function: Function) -> Admits:
    """Tell whether an origin callback only ever says yes: ``(origin, cb) => cb(null, true)``."""
    names = [parameter.name for parameter in function.parameters]
    asked, decides = (names[0], names[1]) if len(names) > 1 else ("", "")
    answers = [call for call in function.calls if call.path == decides]
    if not answers or not all(_says_yes(answer, asked) for answer in answers):
        return "some"
    last = answers[-1].node
    if last.enclosing("ternary_expression", "binary_expression") is not None:
        return "some"
    if function.body.find("throw_statement"):
        return "some"
    is_certain = last.enclosing("if_statement") is None or last.enclosing("else_clause") is not None
    return "any" if is_certain else "some"


def _says_yes(call: Call, asked: str) -> bool:
    """Tell ``decide(null, true)``, and one that gives back the origin that asks."""
    if len(call.args) != 2 or call.args[0].text not in ("null", "undefined"):
        return False
    parts = re.split(r"\s*(?:\|\||\?\?)\s*", call.args[1].text)
    return all(part in ("true", "'*'", '"*"', asked) for part in parts)


def admits_if_unset(model: Model, node: Node) -> Node | None:
    """Return the fallback that admits every page when a setting is missing, if there is one."""
    value = _value(model, node)
    if _is_choice(value):
        left, right = value.children
        return right if admits(model, right) == "any" else admits_if_unset(model, left)
    if value.kind in ("ternary_expression", "conditional_expression"):
        return _of_condition(model, value)
    if value.kind in ("array", "list"):
        found = (admits_if_unset(model, child) for child in value.children)
        return next((each for each in found if each is not None), None)
    if value.kind in ("call_expression", "call"):
        return _of_call(model, Call(value))
    if value.kind == "list_comprehension":
        clauses = value.find("for_in_clause")
        given = clauses[0].field("right") if len(clauses) == 1 else None
        return admits_if_unset(model, given) if given is not None else None
    if value.kind in ("arrow_function", "function_expression", "identifier", "member_expression"):
        function = function_of(model.project, value)
        if function is not None:
            return _empty_admits(function) or _star_admits(model, function)
    return None


def _is_choice(node: Node) -> bool:
    """Tell ``a || b``, ``a ?? b`` and ``a or b`` from other expressions."""
    if node.kind not in ("binary_expression", "boolean_operator") or len(node.children) != 2:
        return False
    left, right = node.children
    return bool(re.search(r"\|\||\?\?|\bor\b", node.file.text[left.end : right.start]))


def _of_condition(model: Model, value: Node) -> Node | None:
    """Look at ``list.length ? list : '*'``; what the environment's name decides is no fallback."""
    children = value.children
    if len(children) != 3:
        return None
    if value.file.is_python:
        yes, condition, no = children
    else:
        condition, yes, no = children
    for branch, other in ((yes, no), (no, yes)):
        if admits(model, branch) != "any":
            continue
        names = set(re.findall(r"[A-Za-z_]\w*", condition.text)) - {"process", "env", "this"}
        names -= {"length", "os", "environ", "get", "getenv", "len", "bool", "Boolean", "trim"}
        if "NODE_ENV" in names or "===" in condition.text.replace("=== 0", ""):
            return admits_if_unset(model, other) if _is_deployed(condition, branch, yes) else None
        return branch if names & set(re.findall(r"[A-Za-z_]\w*", other.text)) else None
    return None


def _is_deployed(condition: Node, branch: Node, yes: Node) -> bool:
    """Tell whether the other branch is that of production, by the condition."""
    is_yes = branch == yes
    return bool(
        re.search(r"""={2,3}\s*['"]dev""" if is_yes else r"""={2,3}\s*['"]prod""", condition.text)
    )


def _of_call(model: Model, call: Call) -> Node | None:
    """Look at ``os.getenv('X', '*')``, ``config.get('X', '*')``, also with ``split`` after it."""
    if call.name in ("getenv", "get", "config", "str", "cast", "getOrDefault", "list"):
        default = call.arg(1, "default")
        if default is not None and admits(model, default) == "any":
            return default if call.args[0].string is not None else None
    if call.name in ("split", "map", "filter", "trim", "strip") and call.receiver is not None:
        return admits_if_unset(model, call.receiver)
    if call.name in ("loads", "parse", "list", "set", "tuple", "parse_origins") and call.args:
        return admits_if_unset(model, call.args[0])
    return None


def _star_admits(model: Model, function: Function) -> Node | None:
    """Return the condition that says yes to all if ``*``, the fallback, is in the list."""
    for node in function.body.find("if_statement"):
        condition, then = node.field("condition"), node.field("consequence")
        if condition is None or then is None or not re.search(r"null,\s*true", then.text):
            continue
        for call in condition.calls("includes"):
            listed = call.receiver if call.args and call.args[0].string == "*" else None
            if listed is not None and admits_if_unset(model, listed) is not None:
                return condition
    return None


def _empty_admits(function: Function) -> Node | None:
    """Return the condition of an origin callback that says yes while its list is empty."""
    for node in function.body.find("if_statement"):
        condition, then = node.field("condition"), node.field("consequence")
        if condition is None or then is None or not re.search(r"null,\s*true", then.text):
            continue
        parts = re.split(r"\|\|", condition.text.strip("()"))
        if any(
            re.fullmatch(r"\s*(?:![\w.]+\.length|[\w.]+\.length\s*={2,3}\s*0)\s*", p) for p in parts
        ):
            return condition
    return None
