"""React as far as a socket's life depends on it: components and hooks, effects, their deps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.review.source import FUNCTIONS, Call, Node, SourceFile

__all__ = [
    "EFFECTS",
    "Effect",
    "component_of",
    "declared",
    "effects_of",
    "is_react",
    "name_of_function",
    "own_nodes",
    "states_of",
]

EFFECTS = frozenset(
    {
        *("useEffect", "useLayoutEffect", "useInsertionEffect", "useIsomorphicLayoutEffect"),
        *("useFocusEffect", "useDeepCompareEffect", "useEffectOnce", "useMount", "useAsyncEffect"),
    }
)
_ONCE = ("useEffectOnce", "useMount")
_HOOKS = re.compile(
    r"\buse(?:Effect|LayoutEffect|State|Ref|Memo|Callback|Context|Reducer|SyncExternalStore)\s*[(<]"
)
_NOT_REACT = ("vue", "@vue/composition-api", "solid-js", "svelte", "@angular/core", "pinia")


@dataclass(frozen=True, eq=False)
class Effect:
    """A call of ``useEffect`` or the like.

    Attributes:
        body: The function it is given.
        deps: The entries of its array; None if it has no array, and runs after each render.
        is_known: The array is a literal, or missing.
    """

    call: Call
    body: Node
    deps: tuple[Node, ...] | None
    is_known: bool = True

    @property
    def names(self) -> frozenset[str]:
        """Return what it depends on, as written, without ``?``."""
        return frozenset(each.text.replace("?.", ".") for each in self.deps or ())

    def cleanups(self) -> list[Node]:
        """Return what the body returns: functions, or names of functions."""
        body = self.body.field("body") or self.body
        if body.kind != "statement_block":
            return [body] if body.kind in FUNCTIONS else []
        returned = [node for node in own_nodes(self.body, "return_statement") if node.children]
        return [node.children[0] for node in returned]


def is_react(file: SourceFile) -> bool:
    """Tell whether functions of a file run at each render, as React's and Preact's do."""
    text = file.text
    if any(re.search(rf"""['"]{re.escape(name)}(?:/[\w-]+)?['"]""", text) for name in _NOT_REACT):
        return bool(re.search(r"""['"]react['"]""", text))
    if re.search(r"""['"]p?react(?:/hooks|-dom)?['"]|['"]use client['"]""", text):
        return True
    return bool(_HOOKS.search(text))


def component_of(node: Node) -> Node | None:
    """Return the component or custom hook around a node, the outermost function named like one."""
    if not is_react(node.file):
        return None
    found = None
    for around in node.ancestors():
        if around.kind in FUNCTIONS and _looks_rendered(around):
            found = around
    return found


def _looks_rendered(function: Node) -> bool:
    name = name_of_function(function)
    if re.match(r"use[A-Z0-9]", name):
        return True
    if not name[:1].isupper():
        return False
    return bool(
        function.file.language in ("tsx", "javascript") or _HOOKS.search(function.text)
    ) and bool(
        _HOOKS.search(function.text)
        or re.search(r"<[\w.]*[\s/>]|createElement|\bnull\b", function.text)
    )


def name_of_function(function: Node) -> str:
    """Return a function's name, also of one in a constant, wrapped by ``memo`` or the like."""
    name = function.field("name")
    if name is not None:
        return name.text
    for around in function.ancestors():
        if around.kind in ("variable_declarator", "public_field_definition", "field_definition"):
            target = around.field("name") or around.field("property")
            return target.text if target is not None else ""
        if around.kind == "pair":
            key = around.field("key")
            return key.text if key is not None else ""
        if around.kind == "assignment_expression":
            left = around.field("left")
            return left.text.rsplit(".", 1)[-1] if left is not None else ""
        is_wrapper = around.kind == "call_expression" and re.search(
            r"(?:^|\.)(?:memo|forwardRef|observer|useCallback|useMemo|useEvent|useEffectEvent)$",
            Call(around).path,
        )
        if around.kind == "call_expression" and not is_wrapper:
            return ""
        if around.kind not in (
            *("call_expression", "arguments", "parenthesized_expression", "as_expression"),
        ):
            return ""
    return ""


def effects_of(component: Node) -> list[Effect]:
    """Return the effects in a component or hook."""
    found = []
    for call in component.calls(*EFFECTS):
        body = _function(call.args[0]) if call.args else None
        if body is None:
            continue
        if call.name in _ONCE:
            found.append(Effect(call, body, ()))
        elif len(call.args) < 2 or call.args[1].text in ("undefined", "null"):
            known = call.name not in ("useFocusEffect",)
            found.append(Effect(call, body, None if known else (), is_known=known))
        elif call.args[1].kind == "array":
            entries = tuple(call.args[1].children)
            spread = any(each.kind == "spread_element" for each in entries)
            found.append(Effect(call, body, entries, is_known=not spread))
        else:
            found.append(Effect(call, body, (), is_known=False))
    return found


def _function(node: Node) -> Node | None:
    """Return a function that is given as it is, or wrapped: ``useCallback(() => …, [])``."""
    if node.kind in FUNCTIONS:
        return node
    if node.kind == "call_expression" and Call(node).args:
        return _function(Call(node).args[0])
    return None


def own_nodes(function: Node, *kinds: str) -> Iterator[Node]:
    """Yield nodes in a function that are not in another function inside it."""
    for node in function.find(*kinds):
        if node.function == function:
            yield node


def declared(component: Node) -> dict[str, Node | None]:
    """Return the names a component declares in its own body, with what they are set to."""
    found: dict[str, Node | None] = {}
    for node in component.find("variable_declarator", "function_declaration"):
        if node.function != component:
            continue
        name = node.field("name")
        if name is None:
            continue
        if node.kind == "function_declaration":
            found.setdefault(name.text, node)
        elif name.kind == "identifier":
            found.setdefault(name.text, node.field("value"))
    return found


def states_of(component: Node) -> dict[str, str]:
    """Return the state variables of a component, by the name of what sets them."""
    states: dict[str, str] = {}
    for node in own_nodes(component, "variable_declarator"):
        name, value = node.field("name"), node.field("value")
        if name is None or value is None or name.kind != "array_pattern":
            continue
        if value.kind != "call_expression" or not re.match(r"use\w*State", Call(value).name):
            continue
        parts = [each.text for each in name.children]
        if len(parts) == 2:
            states[parts[1]] = parts[0]
    return states
