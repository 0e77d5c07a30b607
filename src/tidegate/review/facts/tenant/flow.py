"""What a client sent, followed through the names of a function: payloads, query, headers, paths.

`Flow` knows one function. ``facts/tenant/following.py`` goes on into the functions that it calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tidegate.review.facts.tenant.expressions import inner, key_of, names_in, path_of
from tidegate.review.facts.tenant.sent import (
    NOTHING,
    READS,
    SAME,
    SAME_METHOD,
    Names,
    Sent,
    Values,
    is_of_token,
    is_source,
    is_verified,
    source_of,
)
from tidegate.review.model import Function
from tidegate.review.model.project import Project
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = ["Flow"]

_NAMING = re.compile(
    r"(?:get|make|build|to|compute|format|create)?_?\w*?(?:room|group|channel|topic)_?(?:name|key|id|for)?",
    re.IGNORECASE,
)
_READS_SOURCE = re.compile(r"handshake|_query|query_params|path_params|scope|request\.|\.receive_")
_ROLE = re.compile(r"(?i)\b\w*roles?\b|is_?(?:super_?)?(?:admin|user|staff)\b|superuser")
_MAX_DEPTH = 3


@dataclass(eq=False)
class Flow:
    """The names of one function, and what of the client they hold.

    Attributes:
        names: Names and dotted paths; an empty set says that code of ours has set it.
        related: Names of what was looked up by a client's value, such as the room of an id.
        set_from: The expressions that each name was set from.
        skipped: Inner functions that are handlers of their own.
    """

    project: Project
    function: Function
    names: Names
    skipped: tuple[Node, ...] = ()
    written: frozenset[str] = frozenset()
    depth: int = 0
    related: set[str] = field(default_factory=set)
    set_from: dict[str, list[Node]] = field(default_factory=dict)
    _answers: dict[tuple[Node, frozenset[tuple[str, Values]]], Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        own, file = self.function.node, self.function.file
        self._spans = [
            (node.start, node.end)
            for node in self.skipped
            if node.file is file and own.start < node.start and node.end <= own.end
        ]
        nodes = [node for node in self._statements() if not self.is_skipped(node)]
        for node in nodes:
            self._take_in(node)
        for node in nodes:
            self._take_in(node)  # for what is set further down, or in a loop

    def is_skipped(self, node: Node) -> bool:
        """Tell whether a node is in an inner handler."""
        start = node.start if self._spans else 0
        return any(first <= start < last for first, last in self._spans)

    # What an expression holds

    def sent(self, node: Node | None) -> Values:
        """Return the client's values that an expression is made of."""
        if node is None:
            return NOTHING
        node = inner(node)
        kind = node.kind
        if kind in ("identifier", "shorthand_property_identifier"):
            return self.names.get(node.text, NOTHING)
        if kind in ("member_expression", "attribute", "subscript_expression", "subscript"):
            return self._member(node)
        if kind in ("call_expression", "call", "new_expression"):
            return self._call(Call(node))
        if kind in ("ternary_expression", "conditional_expression"):
            return self._union(node.children[1:] if kind[0] == "t" else node.children[::2])
        if kind in (
            *("template_string", "template_substitution", "binary_expression", "interpolation"),
            *("boolean_operator", "binary_operator", "array", "list", "tuple", "set"),
            *("named_expression", "expression_list", "concatenated_string"),
        ) or (kind == "string" and node.file.is_python):
            operator = node.raw.field("operator")
            if operator is not None and operator.text() in ("===", "==", "!=", "!==", "in", "<"):
                return NOTHING
            return self._union(node.children)
        return NOTHING

    def is_sent(self, path: str) -> bool:
        """Tell whether a dotted name holds something of the client, or was looked up by it."""
        parts = path.split(".")
        for count in range(len(parts), 0, -1):
            head = ".".join(parts[:count])
            if head in self.names:
                return bool(self.names[head]) or head in self.related
            if head in self.related:
                return True
        is_read = is_source(path, is_python=self.function.file.is_python)
        return is_read and parts[-1] not in self.written

    def mentions(self, node: Node) -> bool:
        """Tell whether an expression reads a client's value, or what was looked up by one."""
        names = names_in(node, called=True)
        return any(self.is_sent(path) for path in names) or bool(self.sent(node))

    def has_other(self, node: Node) -> bool:
        """Tell whether a choice, ``a || b``, has a part that is not the client's."""
        node = inner(node)
        if node.kind in ("binary_expression", "boolean_operator"):
            return any(self.has_other(child) for child in node.children)
        return not self.sent(node)

    def _union(self, nodes: Iterable[Node]) -> Values:
        return frozenset(each for node in nodes for each in self.sent(node))

    def _member(self, node: Node) -> Values:
        path = path_of(node)
        if path is not None:
            if path in self.names:
                return self.names[path]
            source = source_of(node, path)
            if source is not None:
                return source
        holder, key = key_of(node)
        values = self.sent(holder)
        if not values:
            return NOTHING
        return self._key(values, key, node)

    def _key(self, values: Values, key: str | None, node: Node) -> Values:
        if key is None or key == "" or key.isdigit():
            return values
        if key in self.written and any(each.source == "connection" for each in values):
            return NOTHING  # a middleware puts it there
        if values and all(each.path == ("handshake",) for each in values):
            return (
                frozenset({Sent(node, (), "connection")})
                if key in ("query", "headers", "auth")
                else NOTHING
            )
        same = key in ("data", "payload", "body", "params", "value", "kwargs", "message", "content")
        return frozenset(
            replace(each, node=node, path=each.path if same and each.path else (*each.path, key))
            for each in values
        )

    def _call(self, call: Call) -> Values:
        name, receiver = call.name, call.receiver
        held = self.sent(receiver) if receiver is not None else NOTHING
        if held:
            if name in READS and call.args and call.args[0].string is not None:
                return self._key(held, call.args[0].string, call.node)
            if SAME_METHOD.fullmatch(name) or name in READS:
                return held | self._union(call.args)
            return NOTHING
        if call.file.is_python and re.fullmatch(
            r"receive_(?:json|text|bytes)|iter_\w+|receive", name
        ):
            text = receiver.text if receiver is not None else ""
            return (
                frozenset({Sent(call.node, ())})
                if re.search(r"ws|sock|conn|client", text, re.IGNORECASE)
                else NOTHING
            )
        given = [*call.args, *call.keywords.values()]
        if name == "join" and receiver is not None and receiver.string is not None:
            return self._union(given)
        if SAME.fullmatch(name) or name == "format":
            return self._union(given)
        if re.match(r"[A-Z]", name) and (call.is_new or call.file.is_python):
            splats = [each.children[0] for each in given if each.kind == "dictionary_splat"]
            return self._union(splats or call.args[:1])
        if not given or is_of_token(name):
            return NOTHING
        is_sent = any(self.sent(each) for each in given)
        target = self.project.target(call, self.function)
        if target is not None:
            reads = is_sent or _READS_SOURCE.search(target.body.text)
            return self._returned(target, call) if reads else NOTHING
        return self._union(given) if is_sent and _NAMING.fullmatch(name) else NOTHING

    def _returned(self, target: Function, call: Call) -> Values:
        if self.depth >= _MAX_DEPTH or len(target.body.text) > 4000 or is_of_token(target.name):
            return NOTHING
        names = self.given_to(target, call)
        key = (target.node, frozenset(names.items()))
        if key not in self._answers:
            self._answers[key] = NOTHING  # while it is asked, of functions that call themselves
            depth = self.depth + 1
            flow = Flow(self.project, target, names, written=self.written, depth=depth)
            self._answers[key] = flow.result()
        return self._answers[key]

    def result(self) -> Values:
        """Return the client's values in what the function returns."""
        body = self.function.body
        if body.kind not in ("statement_block", "block"):
            return self.sent(body)
        found: set[Sent] = set()
        for node in body.find("return_statement"):
            is_own = node.function == self.function.node and bool(node.children)
            if is_own and not self._is_for_staff(node):
                found |= self.sent(node.children[0])
        return frozenset(found)

    def _is_for_staff(self, node: Node) -> bool:
        """Tell whether a verified role decides that the client may choose."""
        around = node.enclosing("if_statement")
        condition = around.field("condition") if around is not None else None
        if around is None or condition is None or not _ROLE.search(condition.text):
            return False
        then = around.field("consequence")
        is_then = then is not None and then.start <= node.start < then.end
        return is_then and not self.mentions(condition)

    def given_to(self, target: Function, call: Call) -> Names:
        """Return the names that a function starts with when a call runs it."""
        names: Names = {}
        parameters = target.parameters
        for parameter, argument in zip(parameters, call.args, strict=False):
            self._give(names, parameter.node, parameter.name, argument)
        by_name = {parameter.name: parameter for parameter in parameters}
        for key, argument in call.keywords.items():
            if key in by_name:
                self._give(names, by_name[key].node, key, argument)
        if target.owner is not None and target.owner is self.function.owner:
            prefixes = ("self.", "this.")
            names |= {key: v for key, v in self.names.items() if key.startswith(prefixes)}
        return names

    def _give(self, names: Names, parameter: Node, name: str, argument: Node) -> None:
        pattern = parameter.field("pattern") or parameter
        literal = inner(argument)
        if literal.kind == "object":
            prefix = "" if pattern.kind == "object_pattern" else f"{name}."
            self._literal(names, prefix, literal)
            return
        values = self.sent(argument)
        if not values:
            return
        if pattern.kind in ("object_pattern", "array_pattern"):
            self.bind(pattern, values, names)
        else:
            names[name] = values

    # What statements do to names

    def _statements(self) -> list[Node]:
        kinds = (
            *("variable_declarator", "assignment_expression", "augmented_assignment_expression"),
            *(
                "assignment",
                "named_expression",
                "for_in_statement",
                "for_statement",
                "arrow_function",
            ),
            *("function_expression", "lambda", "for_in_clause"),
        )
        return self.function.body.find(*kinds)

    def _take_in(self, node: Node) -> None:
        if node.kind in FUNCTIONS:
            self._callback(node)
            return
        left = node.field("left") or node.field("name")
        right = node.field("right") or node.field("value")
        if left is None or right is None:
            return
        literal = inner(right)
        if literal.kind in ("object", "dictionary"):
            path = path_of(left)
            if path is not None:
                self._literal(self.names, f"{path}.", literal)
        self.set(left, right)

    def set(self, left: Node, right: Node) -> None:
        """Let names of a pattern hold an expression."""
        values = self.sent(right)
        trusted = is_verified(right)
        for target in _targets(left):
            self.set_from.setdefault(target, []).append(right)
            if not values and not trusted and self.mentions(right) and right.kind not in FUNCTIONS:
                self.related.add(target)
        if trusted:
            values = NOTHING
        if left.kind == "pattern_list" and inner(right).kind in ("tuple", "expression_list"):
            for one, other in zip(left.children, inner(right).children, strict=False):
                self.bind(one, self.sent(other), self.names)
            return
        self.bind(left, values, self.names)

    def bind(self, pattern: Node, values: Values, names: Names) -> None:
        """Give the names of a pattern, destructured or not, their parts of the values."""
        if pattern.kind == "object_pattern":
            for child in pattern.children:
                self._bind_entry(child, values, names)
            return
        if pattern.kind in ("array_pattern", "pattern_list", "tuple_pattern", "rest_pattern"):
            for child in pattern.children:
                self.bind(child, values, names)
            return
        path = path_of(pattern)
        if path is None:
            return
        if values or "." in path or path not in names:
            names[path] = names.get(path, NOTHING) | values if values else NOTHING

    def _bind_entry(self, child: Node, values: Values, names: Names) -> None:
        if child.kind == "pair_pattern":
            key, target = child.field("key"), child.field("value")
            if key is not None and target is not None:
                if target.kind == "assignment_pattern":
                    target = target.field("left") or target
                self.bind(target, self._key(values, key.text, child), names)
        elif child.kind == "object_assignment_pattern" and child.children:
            self._bind_entry(child.children[0], values, names)
        elif child.kind == "shorthand_property_identifier_pattern":
            found = self._key(values, child.text, child) if values else NOTHING
            if found or child.text not in names:
                names[child.text] = found
        elif child.kind == "rest_pattern" and child.children:
            self.bind(child.children[0], values, names)

    def _literal(self, names: Names, prefix: str, literal: Node) -> None:
        """Set the fields of a name to the entries of an object literal."""
        for key, value in literal.pairs().items():
            if key != "...":
                names[f"{prefix}{key}"] = self.sent(value)

    def _callback(self, node: Node) -> None:
        """Let parameters of a function that is given to a call hold what the call was made on."""
        around = node.parent
        call_node = around.parent if around is not None else None
        if call_node is None or call_node.kind not in ("call_expression", "call"):
            return
        call = Call(call_node)
        if call.name in ("on", "once", "use", "event"):
            return
        parameters = Function(node, "").parameters
        if call.name in ("forEach", "map", "filter", "some", "every", "find") and call.receiver:
            values = self.sent(call.receiver)
            for parameter in parameters[:1]:
                if values:
                    self.bind(parameter.node.field("pattern") or parameter.node, values, self.names)
                elif self.mentions(call.receiver):
                    self.set_from.setdefault(parameter.name, []).append(call.receiver)
                    self.related.add(parameter.name)
            return
        for parameter in parameters:
            self.set_from.setdefault(parameter.name, []).append(call_node)


def _targets(left: Node) -> list[str]:
    path = path_of(left)
    if path is not None:
        return [path]
    kinds = ("identifier", "shorthand_property_identifier_pattern")
    return [each.text for each in left.find(*kinds)]
