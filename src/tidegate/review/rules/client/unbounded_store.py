"""``unbounded-store``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.client.listeners import event_handlers
from tidegate.review.facts.client.sockets import is_page
from tidegate.review.facts.client.stores import reducers_called
from tidegate.review.fix import Fix, replaced, suggested
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import FUNCTIONS, Call, Node, SourceFile

RULE = Rule(
    name="unbounded-store",
    topic="client",
    severity="low",
    languages=("typescript", "tsx"),
    summary="An event handler adds to a list that never gets shorter.",
    why=(
        "A page that stays open for days keeps every event that ever came, and renders all of "
        "them: it gets slow, then the browser ends it. After a reconnect the same events may "
        "come again, and stand there twice."
    ),
    remedy="Keep the newest some hundred, by their ids.",
    examples=(
        Example(
            "tsx",
            bad="""\
import { useEffect, useState } from 'react';
import { socket } from './socket';

export function Orders() {
  const [orders, setOrders] = useState<Order[]>([]);
  useEffect(() => {
    const add = (order: Order) => setOrders((known) => [...known, order]);
    socket.on('order', add);
    return () => {
      socket.off('order', add);
    };
  }, []);
  return <OrderList orders={orders} />;
}
""",
            good="""\
import { useEffect, useState } from 'react';
import { socket } from './socket';

export function Orders() {
  const [orders, setOrders] = useState<Order[]>([]);
  useEffect(() => {
    const add = (order: Order) => setOrders((known) => [...known, order].slice(-200));
    socket.on('order', add);
    return () => {
      socket.off('order', add);
    };
  }, []);
  return <OrderList orders={orders} />;
}
""",
        ),
        Example(
            "typescript",
            bad="""\
import { create } from 'zustand';
import { io } from 'socket.io-client';

export const useOrders = create((set) => ({
  orders: [],
  listen: () => {
    const socket = io('/orders');
    socket.on('order', (order) => set(({ orders }) => ({ orders: [...orders, order] })));
  },
}));
""",
            good="""\
import { create } from 'zustand';
import { io } from 'socket.io-client';

export const useOrders = create((set) => ({
  orders: [],
  listen: () => {
    const socket = io('/orders');
    socket.on('order', (order) => set(({ orders }) => ({ orders: [...orders, order].slice(-99) })));
  },
}));
""",
        ),
    ),
)

_BOUND = re.compile(
    r"\b(?:slice|splice|shift|pop|some|find\w*|includes|has|filter|uniq\w*|dedupe\w*|indexOf|take"
    r"|reduce|every|invalidate\w*|refetch\w*|revalidate\w*|mutate)\s*\("
    r"|\bMap\b|\bSet\b|\blength\b|MAX|LIMIT|limit|max",
)
_HEARS = re.compile(
    r"(?:sock\w*|\bws|\bio|conn\w*|client|channel|current|\bs)[?!]*\.(?:on|once|add\w+)\(|\.onmessage",
    re.IGNORECASE,
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at what handlers of events do with lists."""
    for file in model.files:
        if file.is_python or not _HEARS.search(file.text) or not _is_client(model, file):
            continue
        seen: set[Node] = set()
        for handler in event_handlers(model, file):
            found = _grows(handler)
            for reducer in reducers_called(model, handler) if found is None else ():
                found = found or _grows(reducer)
            if found is None or found in seen:
                continue
            seen.add(found)
            message = "Each event makes this list longer, without an end."
            yield RULE.fault(found, message, fix=_fix(found))


def _is_client(model: Model, file: SourceFile) -> bool:
    if re.search(r"""['"](?:socket\.io|ws|@nestjs/websockets)['"]""", file.text):
        return False
    return is_page(model, file)


def _grows(handler: Node) -> Node | None:
    """Return the expression that adds to a list, if nothing in the handler bounds it."""
    if _BOUND.search(_code(handler)):
        return None
    for node in handler.find("array"):
        parts = node.children
        spread = [each for each in parts if each.kind == "spread_element"]
        if len(spread) != 1 or len(parts) < 2 or not _is_stored(node, spread[0], handler):
            continue
        return node
    for call in handler.calls("push", "unshift", "concat"):
        receiver = call.receiver
        if receiver is None or not call.args:
            continue
        if call.name == "concat":
            if _is_updater(call.node, receiver, handler):
                return call.node
        elif _is_state(receiver) and (
            not _is_local(receiver, handler) or re.match(r"(?:state|draft)\.", receiver.text)
        ):
            return call.node
    return None


def _code(handler: Node) -> str:
    """Return the text of a handler without its comments."""
    text = handler.text
    for comment in handler.find("comment"):
        text = text.replace(comment.text, "")
    return text


def _is_stored(array: Node, spread: Node, handler: Node) -> bool:
    """Tell whether ``[...known, event]`` becomes what it was made from: state or store."""
    source = spread.children[0] if spread.children else spread
    return _is_updater(array, source, handler)


def _is_updater(made: Node, source: Node, handler: Node) -> bool:
    for around in made.ancestors():
        if around == handler:
            break
        if around.kind == "call_expression":
            call = Call(around)
            is_setter = bool(
                re.match(r"set(?:[A-Z]|$|State$)|update$|setState$|mutate$|next$", call.name)
            )
            if is_setter:
                root = re.split(r"[.\[(]", source.text.lstrip("("), maxsplit=1)[0]
                return not _is_own(root, handler) or _is_parameter_of_updater(root, around)
        if around.kind == "assignment_expression":
            left = around.field("left")
            return left is not None and left.text == source.text
    # setMessages(prev => [...prev, m]) as the handler's whole body
    return False


def _is_parameter_of_updater(name: str, call: Node) -> bool:
    first = Call(call).args[0] if Call(call).args else None
    if first is None or first.kind not in FUNCTIONS:
        return False
    listed = first.field("parameters") or first.field("parameter")
    return listed is not None and name in [each.text for each in listed.identifiers()]


def _is_own(name: str, handler: Node) -> bool:
    """Tell whether a name is a parameter or a variable of the handler: what the event brought."""
    listed = handler.field("parameters") or handler.field("parameter")
    if listed is not None and name in [each.text for each in listed.identifiers()]:
        return True
    return any(
        (left := node.field("name")) is not None and left.text == name
        for node in handler.find("variable_declarator")
    )


def _is_local(receiver: Node, handler: Node) -> bool:
    root = re.split(r"[.\[(]", receiver.text, maxsplit=1)[0]
    return _is_own(root, handler)


def _is_state(receiver: Node) -> bool:
    """Tell a list that outlives the handler from a router, a document, an array of tracks."""
    return bool(
        re.fullmatch(r"(?:this\.)?#?\w+(?:\.(?:value|current|\w+))?", receiver.text)
    ) and not re.search(r"router|history|navigat|dataLayer|document|parent", receiver.text, re.I)


def _fix(found: Node) -> Fix | None:
    if found.kind != "array":
        return None
    is_first = found.children[0].kind == "spread_element"
    return suggested(replaced(found, f"{found.text}.slice({'-200' if is_first else '0, 200'})"))
