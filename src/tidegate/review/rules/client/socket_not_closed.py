"""``socket-not-closed``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.client import added_cleanup
from tidegate.review.facts.client.closing import (
    closes,
    is_close,
    is_closed_by_provider,
    is_shared,
    own_names,
    stale_states,
    target_of,
    unseen,
)
from tidegate.review.facts.client.component_ends import (
    closed_by_class,
    closed_by_setup,
    with_destroyer,
    with_unmounting,
)
from tidegate.review.facts.client.sockets import judged, openings_of
from tidegate.review.fix import Fix, replaced, suggested
from tidegate.review.model import ClientSocket, Function, Model
from tidegate.review.model.client_sockets import Opening
from tidegate.review.model.react import Effect, effects_of
from tidegate.review.model.socket_names import is_named, normal
from tidegate.review.registry import Example, Rule, rule
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


_MOST_HELPERS = 6


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
    return _elsewhere(model, client, opening) if opening.call is client.call else None


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
    stale = stale_states(opening)
    answers: list[bool | None] = []
    is_stale = False
    for effect in effects_of(component):
        for cleanup in effect.cleanups():
            names = opening.names - unseen(effect, stale)
            answer = closes(model, cleanup, names)
            if (not answer or not names) and _closes_stale(model, cleanup, stale, effect):
                answer, is_stale = False, True
            answers.append(answer)
    if any(answers):
        return None
    if None in answers:
        return RULE.could_not_tell(client.call.node, "The cleanup calls what is not to be seen.")
    is_kept = is_shared(opening) or is_closed_by_provider(opening)
    if is_kept and not is_stale:
        return RULE.could_not_tell(
            client.call.node, "The socket outlives the component; whether it should is not told."
        )
    message = "Nothing closes this socket when the component goes away."
    if is_stale:
        message = (
            "The cleanup closes what the state was in the first render: null, not this socket."
        )
    return RULE.fault(opening.call.node, message, fix=_fix(opening, stale))


def _closes_stale(model: Model, cleanup: Node, stale: frozenset[str], effect: Effect) -> bool:
    """Tell whether a cleanup, or a helper as it was when the effect ran, closes an old state."""
    names = unseen(effect, stale)
    functions = [cleanup] if cleanup.kind in FUNCTIONS else []
    if cleanup.kind == "identifier" and cleanup.text not in effect.names:
        functions += _named(model, cleanup)
    for function in functions:
        for call in function.calls():
            if call.receiver is not None:
                if normal(call.receiver.text) in names and is_close(call):
                    return True
            elif call.name not in effect.names and len(functions) < _MOST_HELPERS:
                target = target_of(model, call)
                functions += [target] if target is not None and target not in functions else []
    return False


def _named(model: Model, name: Node) -> list[Node]:
    found = model.project.resolve(name.file, name.text)
    return [found.node] if isinstance(found, Function) else []


def _fix(opening: Opening, stale: frozenset[str]) -> Fix | None:
    """Disconnect in the effect's cleanup, by a name that the effect sees."""
    effect = opening.effect
    if effect is None or opening.call.node.function != effect.body:
        return None
    own = own_names(opening) & opening.names
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


def _elsewhere(model: Model, client: ClientSocket, opening: Opening) -> Finding | None:
    owner = model.project.owner(opening.call.node)
    connects = (client.options or {}).get("autoConnect")
    if connects is not None and connects.text != "true":
        return None
    if owner is not None:
        end = closed_by_class(model, owner, opening.names)
        fix = with_destroyer(owner, client) if end == "never" else None
    else:
        end = closed_by_setup(model, client, opening.names)
        fix = with_unmounting(client) if end == "never" else None
    if end == "unknown":
        return RULE.could_not_tell(client.call.node, "It is closed, but not as it goes away.")
    if end == "closed":
        return None
    message = "Nothing closes this socket when the component goes away."
    return RULE.fault(client.call.node, message, fix=fix)
