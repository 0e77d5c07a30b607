"""``reconnects-on-render``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.client import imported, used_names
from tidegate.review.facts.client.renders import (
    compiles,
    depended_on,
    given_by_callers,
    kind_of,
    unstable,
)
from tidegate.review.facts.client.sockets import judged, openings_of
from tidegate.review.fix import Fix, inserted_after, line_before, replaced, suggested
from tidegate.review.model import Model
from tidegate.review.model.client_sockets import Opening
from tidegate.review.model.react import Effect, declared, own_nodes, states_of
from tidegate.review.model.socket_names import normal, root_of
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node

RULE = Rule(
    name="reconnects-on-render",
    topic="client",
    severity="medium",
    languages=("tsx",),
    summary="An effect opens its socket anew when the component renders.",
    why=(
        "The effect depends on a value that is made at each render, or has no list of what it "
        "depends on. Each keystroke or message then closes the connection and opens another: "
        "messages in between are lost, and the server sees a storm of handshakes."
    ),
    remedy="Depend on values that stay the same; keep callbacks in a ref that the effect reads.",
    examples=(
        Example(
            "tsx",
            title="no list",
            bad="""\
import { useEffect, useState } from 'react';
import { io } from 'socket.io-client';

export function Orders({ url }: { url: string }) {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const socket = io(url);
    socket.on('order', () => setCount((known) => known + 1));
    return () => {
      socket.disconnect();
    };
  });
  return <p>{count}</p>;
}
""",
            good="""\
import { useEffect, useState } from 'react';
import { io } from 'socket.io-client';

export function Orders({ url }: { url: string }) {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const socket = io(url);
    socket.on('order', () => setCount((known) => known + 1));
    return () => {
      socket.disconnect();
    };
  }, [url]);
  return <p>{count}</p>;
}
""",
        ),
        Example(
            "tsx",
            title="a function that is made at each render",
            bad="""\
import { useEffect, useState } from 'react';
import { io } from 'socket.io-client';

export function Orders({ url }: { url: string }) {
  const [last, setLast] = useState('');
  const show = (order: { id: string }) => setLast(order.id);
  useEffect(() => {
    const socket = io(url);
    socket.on('order', show);
    return () => {
      socket.disconnect();
    };
  }, [url, show]);
  return <p>{last}</p>;
}
""",
            good="""\
import { useCallback, useEffect, useState } from 'react';
import { io } from 'socket.io-client';

export function Orders({ url }: { url: string }) {
  const [last, setLast] = useState('');
  const show = useCallback((order: { id: string }) => setLast(order.id), []);
  useEffect(() => {
    const socket = io(url);
    socket.on('order', show);
    return () => {
      socket.disconnect();
    };
  }, [url, show]);
  return <p>{last}</p>;
}
""",
        ),
    ),
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at the effects that open sockets."""
    for client in judged(model, plain=True):
        for opening in openings_of(model, client):
            if opening.effect is None or opening.component is None:
                continue
            finding = _judge(model, opening, opening.effect, opening.component)
            if finding is not None:
                yield finding
                break


def _judge(model: Model, opening: Opening, effect: Effect, component: Node) -> Finding | None:
    if not effect.is_known or _is_guarded(opening, effect):
        return None
    if effect.deps is None:
        return RULE.fault(
            effect.call.node,
            "This effect has no list of what it depends on: each render opens the socket anew.",
            fix=_with_deps(effect, component),
        )
    for dep in effect.deps:
        if dep.kind != "identifier":
            if kind := kind_of(dep):
                message = f"This {kind} is new at each render: the socket is opened anew."
                return RULE.fault(dep, message)
            continue
        kind = unstable(component, dep.text)
        if kind:
            if compiles(model, dep.file):
                return RULE.could_not_tell(dep, "The React Compiler may keep it.")
            message = f"`{dep.text}` is a new {kind} at each render: the socket is opened anew."
            return RULE.fault(dep, message, fix=_kept(component, dep, kind))
        if _is_set_in(effect, component, dep.text):
            message = (
                f"The effect sets `{dep.text}`, on which it depends: it opens the socket anew."
            )
            return RULE.fault(dep, message)
        names = depended_on(component, dep.text)
        given = {name: given_by_callers(model, component, name) for name in names}
        fresh = next((name for name in names if given[name] == "new"), None)
        if fresh is not None:
            message = f"`{fresh}` is made anew by who gives it: the socket is opened anew."
            fix = _by_ref(effect, dep) if fresh == dep.text else None
            return RULE.fault(dep, message, confidence="likely", fix=fix)
        if given[dep.text] == "unknown" and re.match(
            r"(?:on|handle)[A-Z]|(?:callback|cb|options|opts)$", dep.text
        ):
            return RULE.could_not_tell(dep, f"Who gives `{dep.text}` is not to be seen.")
    return None


def _is_guarded(opening: Opening, effect: Effect) -> bool:
    """Tell whether the effect looks first if there is a socket: ``if (ref.current) return``."""
    text = normal(effect.body.text)
    call = opening.call.node
    for name in {*opening.names, *(root_of(each) for each in opening.names)}:
        plain = re.escape(name)
        if re.search(
            rf"if\s*\([^)]*(?:^|[^\w.]){plain}(?:\.connected|\.active|\.readyState)?\b"
            rf"|{plain}\s*(?:\?\?=|\|\|=|\?\?|\|\|)|!{plain}\s*&&",
            text,
        ):
            return True
    for around in call.ancestors():
        if around == effect.body:
            break
        condition = around.field("condition") if around.kind == "if_statement" else None
        if condition is not None and re.search(r"\.current|ocket|onnect|nit", condition.text):
            return True
    return any(
        re.search(r"\breturn\b", node.text) and re.search(r"\.current\b", node.text)
        for node in own_nodes(effect.body, "if_statement")
    )


def _is_set_in(effect: Effect, component: Node, name: str) -> bool:
    """Tell whether the effect sets a state that it depends on."""
    setters = {setter for setter, state in states_of(component).items() if state == name}
    for call in effect.body.calls(*setters) if setters else ():
        if not re.search(rf"if\s*\([^)]*\b{re.escape(name)}\b", effect.body.text):
            return bool(call.args)
    return False


# Corrections


def _with_deps(effect: Effect, component: Node) -> Fix | None:
    names = [
        name
        for name in used_names(component, effect.body)
        if not unstable(component, name) and name not in states_of(component)
    ]
    return suggested(inserted_after(effect.body, f", [{', '.join(names)}]"))


def _kept(component: Node, dep: Node, kind: str) -> Fix | None:
    """Let React keep a function or an object between renders."""
    value = declared(component).get(dep.text)
    if value is None or value.kind == "function_declaration":
        return None
    names = [name for name in used_names(component, value) if name != dep.text]
    if any(unstable(component, name) for name in names):
        return None
    if value.kind == "call_expression" and Call(value).name not in ("useCallback", "useMemo"):
        return None
    hook = "useCallback" if kind == "function" else "useMemo"
    if value.kind == "call_expression":  # useCallback without a list
        last = Call(value).args[-1]
        return suggested(inserted_after(last, f", [{', '.join(names)}]"))
    made = value.text if kind == "function" else f"() => ({value.text})"
    edit = replaced(value, f"{hook}({made}, [{', '.join(names)}])")
    return suggested(edit, *imported(dep.file, hook))


def _by_ref(effect: Effect, dep: Node) -> Fix | None:
    """Read a callback from a ref, which the effect needn't depend on."""
    name = dep.text
    if not re.match(r"(?:on|handle)[A-Z]", name):
        return None
    ref = f"latest{name[:1].upper()}{name[1:]}"
    before = f"const {ref} = useRef({name});\nuseEffect(() => {{\n  {ref}.current = {name};\n}});"
    edits = [line_before(effect.call.node, before)]
    for each in effect.body.identifiers():
        if each.text != name or each.kind != "identifier":
            continue
        parent = each.parent
        is_called = parent is not None and parent.field("function") == each
        text = f"{ref}.current" if is_called else f"(...args) => {ref}.current(...args)"
        edits.append(replaced(each, text))
    deps = ", ".join(each.text for each in effect.deps or () if each != dep)
    edits.append(replaced(effect.call.args[1], f"[{deps}]"))
    return suggested(*edits, *imported(dep.file, "useRef"))
