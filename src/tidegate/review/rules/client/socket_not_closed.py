"""``socket-not-closed``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.fix import Fix, replaced, suggested
from tidegate.review.model import ClientSocket, Model
from tidegate.review.model.client_sockets import Opening
from tidegate.review.model.declarations import Class
from tidegate.review.model.react import Effect, effects_of, is_react, own_nodes, states_of
from tidegate.review.model.socket_names import is_named, normal, root_of
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.rules._client_fixes import added_cleanup
from tidegate.review.rules._client_sockets import closes, is_close, judged, openings_of
from tidegate.review.source import FUNCTIONS, Node

RULE = Rule(
    name="socket-not-closed",
    topic="client",
    severity="medium",
    languages=("typescript", "tsx"),
    summary="A component opens a socket and doesn't close it when it goes away.",
    why=(
        "Each time the component comes back, one more connection is opened, and the old ones "
        "keep reconnecting and calling handlers of components that are gone. Messages are "
        "handled twice, and the server carries connections that nobody reads."
    ),
    remedy="Return a cleanup from the effect that disconnects the socket.",
    examples=(
        Example(
            "tsx",
            bad="""\
import { useEffect, useState } from 'react';
import { io } from 'socket.io-client';

export function Orders({ url }: { url: string }) {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const socket = io(url);
    socket.on('order', () => setCount((known) => known + 1));
  }, [url]);
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
            title="the cleanup sees the state of the first render, null",
            bad="""\
import { useEffect, useState } from 'react';
import { io, type Socket } from 'socket.io-client';

export function useOrders(url: string) {
  const [socket, setSocket] = useState<Socket | null>(null);
  useEffect(() => {
    const opened = io(url);
    setSocket(opened);
    return () => {
      socket?.disconnect();
    };
  }, [url]);
  return socket;
}
""",
            good="""\
import { useEffect, useState } from 'react';
import { io, type Socket } from 'socket.io-client';

export function useOrders(url: string) {
  const [socket, setSocket] = useState<Socket | null>(null);
  useEffect(() => {
    const opened = io(url);
    setSocket(opened);
    return () => {
      opened.disconnect();
    };
  }, [url]);
  return socket;
}
""",
        ),
        Example(
            "typescript",
            title="Angular",
            bad="""\
import { Component, OnInit } from '@angular/core';
import { io, Socket } from 'socket.io-client';

@Component({ selector: 'app-orders', template: '{{ count }}' })
export class OrdersComponent implements OnInit {
  private socket?: Socket;
  count = 0;

  ngOnInit() {
    this.socket = io('/orders');
    this.socket.on('order', () => this.count++);
  }
}
""",
            good="""\
import { Component, OnDestroy, OnInit } from '@angular/core';
import { io, Socket } from 'socket.io-client';

@Component({ selector: 'app-orders', template: '{{ count }}' })
export class OrdersComponent implements OnInit, OnDestroy {
  private socket?: Socket;
  count = 0;

  ngOnInit() {
    this.socket = io('/orders');
    this.socket.on('order', () => this.count++);
  }

  ngOnDestroy() {
    this.socket?.disconnect();
  }
}
""",
        ),
    ),
)

_MOUNTED = re.compile(r"\bon(?:Before)?Mounted$")
_UNMOUNTED = re.compile(
    r"\b(?:on(?:Before)?Unmount(?:ed)?|onScopeDispose|onDeactivated|onCleanup|onDestroy"
    r"|tryOn(?:Before)?Unmount(?:ed)?|tryOnScopeDispose|useEventListener)$"
)
_DESTROYERS = ("componentWillUnmount", "ngOnDestroy", "disconnectedCallback", "beforeUnmount")


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at the components that open sockets."""
    for client in judged(model, plain=True):
        for opening in openings_of(model, client):
            finding = _judge(model, client, opening)
            if finding is not None:
                yield finding
                break


def _judge(model: Model, client: ClientSocket, opening: Opening) -> Finding | None:
    if opening.component is not None:
        if opening.place == "call" or _is_never_opened(client, opening):
            return None
        return _in_react(model, client, opening)
    owner = model.project.owner(opening.call.node)
    if owner is not None:
        return _in_class(model, client, owner, opening)
    return _in_vue(model, client, opening)


def _is_never_opened(client: ClientSocket, opening: Opening) -> bool:
    """Tell a socket that is made without connecting, and that its component doesn't connect."""
    connects = (client.options or {}).get("autoConnect")
    if connects is None or connects.text == "true" or opening.component is None:
        return False
    return not any(
        call.receiver is not None and is_named(call.receiver, opening.names)
        for call in opening.component.calls("connect", "open")
    )


# React


def _in_react(model: Model, client: ClientSocket, opening: Opening) -> Finding | None:
    component = opening.component
    if component is None:
        return None
    stale = _stale_names(opening)
    answers: list[bool | None] = []
    for effect in effects_of(component):
        for cleanup in effect.cleanups():
            names = opening.names - _unseen(effect, stale)
            answers.append(closes(model, cleanup, names))
            if answers[-1] is None and stale and _closes_stale(cleanup, stale, effect):
                answers[-1] = False
    if any(answers):
        return None
    if None in answers:
        return RULE.could_not_tell(client.call.node, "The cleanup calls what is not to be seen.")
    if _is_shared(opening) or _is_closed_by_provider(opening):
        return RULE.could_not_tell(
            client.call.node, "The socket outlives the component; whether it should is not told."
        )
    is_stale = any(
        _closes_stale(cleanup, stale, effect)
        for effect in effects_of(component)
        for cleanup in effect.cleanups()
    )
    message = "Nothing closes this socket when the component goes away."
    if is_stale:
        message = (
            "The cleanup closes what the state was in the first render: null, not this socket."
        )
    return RULE.fault(opening.call.node, message, fix=_fix(opening, stale))


def _stale_names(opening: Opening) -> frozenset[str]:
    """Return the states that hold the socket: the effect that sets them doesn't see them set."""
    component = opening.component
    if component is None or opening.place != "effect":
        return frozenset()
    return frozenset(states_of(component).values()) & opening.names - _of_effect(opening)


def _of_effect(opening: Opening) -> frozenset[str]:
    """Return the names that the effect itself declares."""
    body = opening.effect.body if opening.effect is not None else None
    if body is None:
        return frozenset()
    return frozenset(
        name.text
        for node in own_nodes(body, "variable_declarator")
        if (name := node.field("name")) is not None
    )


def _unseen(effect: Effect, states: frozenset[str]) -> frozenset[str]:
    """Return the states that an effect's cleanup sees as they were when it ran."""
    return states - effect.names if effect.is_known and effect.deps is not None else frozenset()


def _closes_stale(cleanup: Node, stale: frozenset[str], effect: Effect) -> bool:
    unseen = _unseen(effect, stale)
    if cleanup.kind not in FUNCTIONS:
        return False
    return any(
        call.receiver is not None and normal(call.receiver.text) in unseen and is_close(call)
        for call in cleanup.calls()
    )


def _is_shared(opening: Opening) -> bool:
    """Tell a socket that is kept outside of the component, and made once."""
    component = opening.component
    if component is None:
        return False
    roots = {root_of(name) for name in opening.names if not name.startswith(".")}
    inner = {
        each.text
        for node in component.find("variable_declarator")
        if (each := node.field("name")) is not None
    }
    inner |= {each.text for node in component.find("array_pattern") for each in node.children}
    outer = {root for root in roots if root not in inner and root != "this"}
    return bool(outer) and any(
        re.search(rf"if\s*\(\s*!?\s*{re.escape(name)}\b|{re.escape(name)}\s*\?\?=", component.text)
        for name in outer
    )


def _is_closed_by_provider(opening: Opening) -> bool:
    """Tell a provider, which lives as long as the page, that closes the socket at sign-out."""
    component = opening.component
    if component is None or not re.search(r"\.Provider\b|createContext", component.file.text):
        return False
    body = opening.effect.body if opening.effect is not None else None
    return any(
        is_close(call)
        and call.receiver is not None
        and is_named(call.receiver, opening.names)
        and (body is None or not body.start <= call.node.start < body.end)
        for call in component.calls()
    )


def _fix(opening: Opening, stale: frozenset[str]) -> Fix | None:
    """Disconnect in the effect's cleanup, by a name that the effect sees."""
    effect = opening.effect
    if effect is None or opening.call.node.function != effect.body:
        return None
    own = _of_effect(opening) & opening.names
    kept = [name for name in opening.names if name.endswith(".current")]
    name = next(iter(sorted(own)), None) or next(iter(sorted(kept)), None)
    if name is None:
        return None
    seen = [
        replaced(call.receiver, name)
        for cleanup in effect.cleanups()
        for call in cleanup.calls()
        if call.receiver is not None and normal(call.receiver.text) in stale and is_close(call)
    ]
    if seen:
        return suggested(*seen)
    is_plain = opening.call.name.endswith("WebSocket")
    mark = "" if name in own else "?"
    edit = added_cleanup(effect, f"{name}{mark}.{'close' if is_plain else 'disconnect'}();")
    return suggested(edit) if edit is not None else None


# Classes and Vue


def _in_class(model: Model, client: ClientSocket, owner: Class, opening: Opening) -> Finding | None:
    """Look at class components: those of React, and Angular's."""
    is_component = bool(owner.decorated("Component")) or any(
        re.fullmatch(r"(?:React\.)?(?:Pure)?Component|HTMLElement|LitElement", base)
        for base in owner.bases
    )
    if not is_component or "@Injectable" in owner.node.text[:200]:
        return None
    connects = (client.options or {}).get("autoConnect")
    if connects is not None and connects.text != "true":
        return None
    destroyer = next(
        (method for name in _DESTROYERS if (method := model.project.method(owner, name))), None
    )
    if destroyer is not None:
        answer = closes(model, destroyer.node, opening.names)
        if answer:
            return None
        if answer is None:
            return RULE.could_not_tell(client.call.node, "The cleanup is not to be seen.")
    lineage, is_complete = model.project.lineage(owner)
    known = {"Component", "PureComponent", "React.Component", "React.PureComponent"}
    if (
        not is_complete
        and len(lineage) == 1
        and not set(owner.bases) <= known | {"HTMLElement", "LitElement"}
    ):
        return None
    if any(is_close(call) for method in owner.methods.values() for call in method.calls):
        return RULE.could_not_tell(client.call.node, "It is closed, but not as it goes away.")
    return RULE.fault(client.call.node, "Nothing closes this socket when the component goes away.")


def _in_vue(model: Model, client: ClientSocket, opening: Opening) -> Finding | None:
    """Look at ``onMounted(() => { socket = io(…) })``."""
    file = client.file
    if is_react(file) or opening.call is not client.call:
        return None
    holders = [
        around for around in client.call.node.ancestors() if around.kind == "call_expression"
    ]
    if not any(_MOUNTED.search((each.field("function") or each).text) for each in holders):
        return None
    for call in file.calls:
        if _UNMOUNTED.search(call.path) and call.args:
            answer = closes(model, call.args[0], opening.names)
            if answer is not False:
                return None
    if any(is_close(call) for call in file.calls):
        return RULE.could_not_tell(client.call.node, "It is closed, but not as it goes away.")
    return RULE.fault(client.call.node, "Nothing closes this socket when the component goes away.")
