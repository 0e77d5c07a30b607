"""The ways through a function: what has happened when it returns, raises or ends.

A small walk over statements, for TypeScript and Python alike. It follows each branch, takes loops
once, and goes into a catch from every call in its try that may fail. What a call does is not
known here: ``Meaning`` tells. Facts that a branch gives (``if (!ok)``) are kept, so that a later
``if (ok)`` is not taken on the wrong way; an assignment forgets them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from tidegate.review.facts.broker.path_facts import Fact, assigned, facts_of
from tidegate.review.facts.broker.path_states import Exit, Meaning, State, Ways
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = ["paths"]

_MOST_STATES = 120
_LOOPS = ("for_statement", "for_in_statement", "while_statement", "do_statement")
_CALLS = ("call_expression", "call", "new_expression")
_BROAD = re.compile(r"except\s*(?::|\(?[^:]*\b(?:Exception|BaseException)\b)")


def paths(body: Node, meaning: Meaning) -> list[Exit]:
    """Return all ends of a function's body."""
    walk = _Walk(meaning)
    flow = walk.run(body, [State()])
    ends = [Exit("end", body, state) for state in (*flow.normal, *flow.breaks, *flow.continues)]
    return [*dict.fromkeys((*flow.exits, *ends))]


class _Walk:
    def __init__(self, meaning: Meaning) -> None:
        self.meaning = meaning
        self.tries = 0
        self.catches = 0

    # Statements

    def run(self, node: Node, states: list[State]) -> Ways:
        """Run a statement, a block or an expression."""
        states = [*dict.fromkeys(states)][:_MOST_STATES]
        if not states:
            return Ways([])
        kind = node.kind
        if kind in FUNCTIONS or kind in ("class_declaration", "class_definition"):
            return Ways([self.meaning.inner(node, state) for state in states])
        if kind in (
            "statement_block",
            "block",
            "else_clause",
            "finally_clause",
            "labeled_statement",
        ):
            return self._sequence(node.children, states)
        if kind in ("if_statement", "elif_clause"):
            return self._if(node, states)
        if kind in ("return_statement", "throw_statement", "raise_statement"):
            flow = self._sequence(node.children, states)
            end: Literal["return", "raise"] = "return" if kind == "return_statement" else "raise"
            flow.exits += [Exit(end, node, state) for state in flow.normal]
            return replace(flow, normal=[])
        if kind == "try_statement":
            return self._try(node, states)
        if kind in _LOOPS:
            return self._loop(node, states)
        if kind in ("switch_statement", "match_statement"):
            return self._switch(node, states)
        if kind == "with_statement":
            return self._with(node, states)
        if kind == "break_statement":
            return Ways([], breaks=[_left(state, node) for state in states])
        if kind == "continue_statement":
            return Ways([], continues=[_left(state, node) for state in states])
        return self._expression(node, states)

    def _sequence(self, nodes: Iterable[Node], states: list[State]) -> Ways:
        flow = Ways(list(states))
        for node in nodes:
            if not flow.normal:
                break
            step = self.run(node, flow.normal)
            flow.take(step)
            flow.normal = step.normal
        return flow

    def _if(self, node: Node, states: list[State]) -> Ways:
        condition = node.field("condition")
        if condition is None:
            return self._sequence(node.children, states)
        flow = self.run(condition, states)
        known = self.meaning.known(condition)
        then = node.field("consequence")
        others = [Node(node.file, raw) for raw in node.raw.field_children("alternative")]
        yes = [] if known is False else _assuming(flow.normal, condition, holds=True)
        no = [] if known is True else _assuming(flow.normal, condition, holds=False)
        taken = self.run(then, yes) if then is not None else Ways(yes)
        flow.take(taken)
        if not others:
            done = {mark for state in self._all(taken) for mark in state.marks}
            no = [s if done <= s.marks or s.why else replace(s, why=node) for s in no]
            return replace(flow, normal=[*taken.normal, *no])
        rest = self._chain(others, no)
        flow.take(rest)
        return replace(flow, normal=[*taken.normal, *rest.normal])

    def _chain(self, clauses: list[Node], states: list[State]) -> Ways:
        """Run ``elif``s and ``else``: each gets what the ones before did not take."""
        first, *rest = clauses
        if first.kind != "elif_clause":
            return self.run(first, states)
        condition, then = first.field("condition"), first.field("consequence")
        if condition is None or then is None:
            return self.run(first, states)
        flow = self.run(condition, states)
        taken = self.run(then, _assuming(flow.normal, condition, holds=True))
        no = _assuming(flow.normal, condition, holds=False)
        flow.take(taken)
        other = self._chain(rest, no) if rest else Ways([replace(s, why=first) for s in no])
        flow.take(other)
        return replace(flow, normal=[*taken.normal, *other.normal])

    def _all(self, flow: Ways) -> list[State]:
        return [*flow.normal, *flow.breaks, *flow.continues, *(e.state for e in flow.exits)]

    def _try(self, node: Node, states: list[State]) -> Ways:
        body = node.field("body")
        clauses = [c for c in node.children if c.kind in ("catch_clause", "except_clause")]
        last = next((c for c in node.children if c.kind == "finally_clause"), None)
        otherwise = next((c for c in node.children if c.kind == "else_clause"), None)
        if body is None:
            return Ways(states)
        self.tries += bool(clauses)
        flow = self.run(body, states)
        self.tries -= bool(clauses)
        if clauses:
            flow.exits += _failing(node, states, flow)
            flow = self._caught(flow, clauses)
        elif self.tries == 0:
            self.tries += 1  # what fails here still runs the finally
            flow = self.run(body, states)
            self.tries -= 1
        if otherwise is not None:
            flow = self._after(flow, otherwise)
        return flow if last is None else self._finally(flow, last)

    def _after(self, flow: Ways, node: Node) -> Ways:
        # A failed way left by its except; it is told by its failure.
        ways = [state for state in flow.normal if state.failure is None]
        step = self.run(node, ways)
        flow.take(step)
        return replace(
            flow, normal=[*(s for s in flow.normal if s.failure is not None), *step.normal]
        )

    def _caught(self, flow: Ways, clauses: list[Node]) -> Ways:
        raised = [each for each in flow.exits if each.kind == "raise"]
        is_broad = not clauses[0].file.is_python or any(_BROAD.match(c.text) for c in clauses)
        kept = [each for each in flow.exits if each.kind != "raise"]
        if not is_broad:
            kept += [each for each in raised if not _is_parsing(each.node)]
        found = replace(flow, exits=kept)
        self.catches += 1
        for clause in clauses:
            states = [replace(e.state, failure=clause, why=None) for e in raised]
            body = clause.field("body") or next(
                (c for c in clause.children if c.kind == "block"), None
            )
            step = self.run(body, states) if body is not None else Ways(states)
            found.take(step)
            found.normal = [*found.normal, *step.normal]
        self.catches -= 1
        return found

    def _finally(self, flow: Ways, node: Node) -> Ways:
        body = node.field("body") or node
        self.catches += 1
        done = self.run(body, flow.normal)
        found = replace(done, normal=list(done.normal))
        for each in flow.exits:
            state = each.state
            if each.kind == "raise":
                state = replace(state, failure=node)
            step = self.run(body, [state])
            found.take(step)
            found.exits += [replace(each, state=after) for after in step.normal]
        for name in ("breaks", "continues"):
            step = self.run(body, getattr(flow, name))
            found.take(step)
            getattr(found, name).extend(step.normal)
        self.catches -= 1
        return found

    def _loop(self, node: Node, states: list[State]) -> Ways:
        body = node.field("body")
        heads = [c for c in node.children if body is None or c != body]
        heads = [c for c in heads if c.kind not in ("else_clause",)]
        flow = self._sequence(heads, states)
        if body is None:
            return flow
        before = flow.normal
        step = self.run(body, before)
        flow.exits += step.exits
        marks = {m for state in self._all(step) for m in state.marks}
        condition = node.field("condition")
        is_endless = condition is not None and condition.text.strip("()") in ("true", "True", "1")
        left = [replace(state, why=None) for state in (*step.continues, *step.breaks)]
        after = [*step.normal, *left]
        if is_endless:
            after = left[len(step.continues) :]
        if not is_endless and all(marks <= state.marks for state in before):
            after += before  # a loop that settles is taken to run
        return replace(flow, normal=after, breaks=[], continues=[])

    def _switch(self, node: Node, states: list[State]) -> Ways:
        value = node.field("value") or node.field("subject")
        flow = self.run(value, states) if value is not None else Ways(list(states))
        body = node.field("body") or node
        cases = [c for c in body.children if c.kind.startswith(("switch_", "case_clause"))]
        before, falling, after = flow.normal, list[State](), list[State]()
        has_default = False
        for case in cases:
            pattern = case.text.replace(" ", "")
            has_default = has_default or case.kind == "switch_default" or "case_:" in pattern[:7]
            if case.kind == "case_clause":
                inner = case.field("consequence") or case
                step = self.run(inner, before)
                after += step.normal
            else:
                test = case.field("value")
                nodes = [c for c in case.children if test is None or c != test]
                step = self._sequence(nodes, [*falling, *before])
                falling = step.normal
                after += step.breaks
                step.breaks = []
            flow.take(step)
        after += falling
        if not has_default:
            after += [replace(state, why=node) for state in before]
        return replace(flow, normal=after)

    def _with(self, node: Node, states: list[State]) -> Ways:
        body = node.field("body")
        flow = self._sequence([c for c in node.children if body is None or c != body], states)
        if body is None:
            return flow
        is_managed = self.meaning.managed(node)
        self.tries += is_managed
        step = self.run(body, flow.normal)
        self.tries -= is_managed
        if is_managed:
            ends: Literal["end"] = "end"
            for name in ("normal", "breaks", "continues"):
                states = getattr(step, name)
                left = [self.meaning.leaves(node, Exit(ends, node, s)) for s in states]
                setattr(step, name, left)
            step.exits = [replace(e, state=self.meaning.leaves(node, e)) for e in step.exits]
        flow.take(step)
        return replace(flow, normal=step.normal)

    # Expressions

    def _expression(self, node: Node, states: list[State]) -> Ways:
        if node.kind in ("ternary_expression", "conditional_expression"):
            return self._ternary(node, states)
        flow = self._sequence(node.children, states)
        if node.kind in _CALLS:
            return self._call(node, flow)
        names = assigned(node)
        if names is not None:
            name, value = names
            flow.normal = [replace(s, facts=_learned(s.facts, name, value)) for s in flow.normal]
        return flow

    def _ternary(self, node: Node, states: list[State]) -> Ways:
        parts = node.children
        if len(parts) != 3:
            return self._sequence(parts, states)
        yes, condition, no = parts if node.file.is_python else (parts[1], parts[0], parts[2])
        flow = self.run(condition, states)
        known = self.meaning.known(condition)
        ways: list[State] = []
        for part, holds in ((yes, True), (no, False)):
            if known is (not holds):
                continue
            step = self.run(part, _assuming(flow.normal, condition, holds=holds))
            flow.take(step)
            ways += step.normal
        return replace(flow, normal=ways)

    def _call(self, node: Node, flow: Ways) -> Ways:
        after: list[State] = []
        for state in flow.normal:
            step = self.meaning.call(
                Call(node), state, in_try=self.tries > 0, in_catch=self.catches > 0
            )
            if step is None:
                after.append(state)
                continue
            after += step.after
            flow.exits += step.raised
        return replace(flow, normal=after)


def _left(state: State, node: Node) -> State:
    return replace(state, why=state.failure or node)


def _failing(node: Node, states: list[State], flow: Ways) -> list[Exit]:
    """Return failures of a try that has no call which may fail: ``rows[0]``, ``1 / 0``."""
    marks = {state.marks for state in states}
    if any(each.kind == "raise" for each in flow.exits):
        return []
    done = [*flow.normal, *(each.state for each in flow.exits)]
    if any(state.marks not in marks for state in done):
        return []  # all that it does is what the rule looks for
    return [Exit("raise", node, state, is_explicit=False) for state in states]


def _assuming(states: list[State], condition: Node, *, holds: bool) -> list[State]:
    """Return the states in which a condition may be so."""
    facts = facts_of(condition, holds=holds)
    opposite = {(text, not value) for text, value in facts}
    return [
        replace(state, facts=state.facts | facts) for state in states if not opposite & state.facts
    ]


def _learned(facts: frozenset[Fact], name: str, value: bool | None) -> frozenset[Fact]:
    kept = {fact for fact in facts if not re.search(rf"(?<![\w.]){re.escape(name)}\b", fact[0])}
    return frozenset(kept if value is None else kept | {(name, value)})


def _is_parsing(node: Node) -> bool:
    return bool(
        re.search(r"\b(?:json|orjson|ujson|JSON)\.(?:loads|parse)|decode\(|valid", node.text)
    )
