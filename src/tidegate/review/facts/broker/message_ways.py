"""How each way through a consumer ends: settled, refused, left open, or with a failure hidden."""

from __future__ import annotations

import re
from dataclasses import replace

from tidegate.review.facts.broker.path_states import Exit, State, Step
from tidegate.review.facts.broker.paths import paths
from tidegate.review.facts.broker.settling import is_ack, is_nack, is_process
from tidegate.review.model import Consumer, Function, Model
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = ["SETTLED", "helper_ways", "is_work", "outcomes"]

SETTLED = frozenset({"ack", "nack", "unknown"})
"""Marks of a way on which the message is settled, or may be by code that can't be seen."""

_DEEPEST = 4
_HARMLESS = re.compile(
    r"(?:^|\.|_)(?:log(?:ger|ging)?|console|sentry|apm|span|tracer|metrics?|counter|histogram|stats"
    r"|traceback|pprint|warnings)!?\.|^(?:print|pprint|console)\b|(?:^|\.)(?:log|debug|info|warn"
    r"|warning|verbose|trace|captureException|capture_exception|print_exc|format_exc"
    r"|addBreadcrumb)$",
    re.IGNORECASE,
)
_PURE = re.compile(
    r"(?:^|\.)(?:getChannelRef|getMessage|getPattern|getArgs|getArgByIndex|toString|String|Number"
    r"|Boolean|Date|Error|\w*Error|\w*Exception|stringify|now|getTime|toISOString|trim|split|join"
    r"|slice|substring|get|has|keys|values|entries|includes|startsWith|endsWith|push|append|add"
    r"|set|delete|inc|observe|startTimer|decode|encode|strip|lower|upper|format|isoformat|str|repr"
    r"|int|float|bool|len|dict|list|tuple|isinstance|type|getattr|setTimeout|sleep|delay|time"
    r"|perf_counter|monotonic|uuid4|randomUUID|Promise|partial|bind|super|startswith|endswith"
    r"|items|group|match|utcnow|done|task_done)$"
)
_PARSES = re.compile(
    r"(?:^|\.)(?:JSON\.parse|(?:json|orjson|ujson|msgpack|pickle)\.(?:loads|decode|unpackb)"
    r"|model_validate(?:_json)?|parse_raw|parse_obj|ParseFromString)$"
)
_WAITS = re.compile(r"(?:^|\.)(?:sleep|delay|wait|setTimeout|allSettled|catch|finally)$")
_LEAVING = re.compile(r"shut|stopp|closing|isClosed|is_closed", re.IGNORECASE)


def outcomes(model: Model, consumer: Consumer) -> list[Exit]:
    """Return the ends of all ways through a consumer's function."""
    known: dict[Node, list[Exit]] = model.found.setdefault("message ways", {})
    if consumer.node not in known:
        meaning = _Settles(model, consumer, consumer.function, {}, 0)
        known[consumer.node] = paths(consumer.function.body, meaning)
    return known[consumer.node]


def helper_ways(model: Model, consumer: Consumer, function: Function) -> list[Exit]:
    """Return the ends of all ways through a function that a consumer calls."""
    return paths(function.body, _Settles(model, consumer, function, {}, 1))


def is_work(call: Call) -> bool:
    """Tell what a handler is for from logging, conversions and waiting."""
    return not (_HARMLESS.search(call.path) or _PURE.search(call.path))


class _Settles:
    """Tells the walk which calls settle the message, and which may fail."""

    def __init__(
        self,
        model: Model,
        consumer: Consumer,
        function: Function,
        seen: dict[Node, list[Exit] | None],
        depth: int,
    ) -> None:
        self.model = model
        self.consumer = consumer
        self.function = function
        self.seen = seen
        self.depth = depth
        # What the message, its channel and its context are called.
        self.names = r"context|ctx|(?:this\.|self\.)?_?(?:channel|ch|connection)\w*"
        if consumer.framework != "nest":
            self.names += r"|method_frame"
            if depth or not consumer.message:
                self.names += r"|msg|message"  # its own are what was parsed
            if consumer.message:
                self.names += f"|{re.escape(consumer.message)}"

    def call(self, call: Call, state: State, *, in_try: bool, in_catch: bool) -> Step | None:
        """Return what a call does to the message."""
        if is_ack(call):
            return Step([_acked(state, call)])
        if is_nack(call) or call.name in ("Nack", "NackMessage", "RejectMessage"):
            return Step([state if state.marks & SETTLED else state.marked("nack")])
        if not is_work(call):
            return None
        target = self.model.project.target(call, self.function)
        if target is None and self._gives_away(call) and not _is_processed(call.node):
            return Step([state.marked("unknown")])
        exits = self._inside(target) if target is not None else None
        if target is not None and self._settles(target):
            return self._through(call, exits, state, in_catch=in_catch)
        done = replace(state, failure=None)
        if in_catch or state.marks & SETTLED or not self._may_fail(call, exits, in_try=in_try):
            return Step([done])
        return Step([done], [Exit("raise", call.node, state, is_explicit=False)])

    def inner(self, function: Node, state: State) -> State:
        """Take a function that settles later for one that does."""
        for call in function.calls():
            target = self.model.project.target(call, self.function)
            if is_ack(call) or is_nack(call) or (target is not None and self._settles(target)):
                return state.marked("unknown")
        name = self.consumer.message
        if self.consumer.framework == "nest" or not name:
            return state
        is_given = re.search(rf"\b{re.escape(name)}\b(?!\s*[.\[])", function.text)
        return state.marked("unknown") if is_given else state

    def known(self, condition: Node) -> bool | None:
        """Return whether a condition only asks for what is always there."""
        while condition.kind == "parenthesized_expression" and condition.children:
            condition = condition.children[0]
        parts = re.split(r"\s*(?:\|\||&&|\bor\b|\band\b)\s*", condition.text)
        values = {self._is_always(part.strip()) for part in parts}
        if re.search(r"\|\||\bor\b", condition.text):
            return True if True in values else False if values == {False} else None
        return False if False in values else True if values == {True} else None

    def _is_always(self, text: str) -> bool | None:
        """Judge one comparison: there is a message, and a channel to settle it on."""
        if _LEAVING.search(text):
            return text.startswith(("!", "not "))
        if re.search(r"correlation_?id", text, re.IGNORECASE) and re.search(r"={2}", text):
            return "!=" not in text or None  # a reply: others are not for this consumer
        names = rf"(?:{self.names})(?:\??\.content)?"
        if re.fullmatch(rf"(?:!|not )\(?{names}\)?", text):
            return False
        guard = re.fullmatch(rf"(!|not )?(?:\w+\.)*is[A-Z]\w*\((?:{self.names})\)", text)
        if guard:  # a type guard: what is no message needs no settling
            return guard[1] is None
        if re.fullmatch(rf"{names}\s*(?:===?\s*(?:null|undefined)|is None|== None)", text):
            return False
        if re.fullmatch(rf"{names}(?:\s*(?:!==?\s*(?:null|undefined)|is not None))?", text):
            return True
        return None

    def managed(self, node: Node) -> bool:
        """Tell ``async with message.process()``, which settles when it is left."""
        return self.consumer.framework == "aio-pika" and _process_of(node) is not None

    def leaves(self, node: Node, exit_: Exit) -> State:
        """Return the state after the message was settled by ``process``."""
        state = exit_.state
        if state.marks & SETTLED:
            return state
        if exit_.kind == "raise":
            return state.marked("nack", "refused by process")
        return _acked(state, _process_of(node) or Call(node))

    # Calls

    def _inside(self, target: Function) -> list[Exit] | None:
        """Return the ends of the ways through another function; None if it is too deep."""
        if target.node not in self.seen:
            self.seen[target.node] = None  # calls itself
            if self.depth < _DEEPEST:
                inner = _Settles(self.model, self.consumer, target, self.seen, self.depth + 1)
                self.seen[target.node] = paths(target.body, inner)
        return self.seen[target.node]

    def _settles(self, target: Function) -> bool:
        return any(
            is_ack(call) or is_nack(call) or is_process(call)
            for function in self.model.project.reach(target)
            for call in function.calls
        )

    def _through(
        self, call: Call, exits: list[Exit] | None, state: State, *, in_catch: bool
    ) -> Step:
        """Go on from each end of a function that settles."""
        if exits is None:
            return Step([state.marked("unknown")])
        step = Step([])
        for each in exits:
            inner = each.state
            merged = replace(state, marks=state.marks | inner.marks, failure=None)
            if state.marks & SETTLED:
                merged = state
            elif "ack" in inner.marks and state.failure is not None:
                merged = _acked(state, call)
            elif inner.swallowed is not None:
                merged = replace(merged, swallowed=inner.swallowed)
            if each.kind == "raise":
                if not in_catch:
                    step.raised.append(replace(each, state=merged))
                continue
            if not merged.marks & SETTLED:
                why = inner.why or inner.failure
                merged = replace(merged, why=each.node if each.kind == "return" else why)
            step.after.append(merged)
        return step

    def _gives_away(self, call: Call) -> bool:
        """Tell whether code that is not here gets the message, its channel or its context."""
        if self.consumer.framework == "golevelup":
            return False  # a handler gets the payload; the library settles
        arguments = [*call.args, *call.keywords.values()]
        if any(re.search(r"\.(?:ack|nack|reject)$", each.text) for each in arguments):
            return True
        names = rf"{self.names}|originalMs?g|originalMessage|delivery_tag|method"
        return any(re.fullmatch(names, each.text) for each in arguments)

    def _may_fail(self, call: Call, exits: list[Exit] | None, *, in_try: bool) -> bool:
        if _WAITS.search(call.path):
            return False
        if exits is not None and not any(each.kind == "raise" for each in exits):
            return False
        if in_try or _PARSES.search(call.path):
            return True
        around = call.node.parent
        while around is not None and around.kind == "parenthesized_expression":
            around = around.parent
        is_awaited = around is not None and around.kind in ("await_expression", "await")
        return is_awaited or (call.file.is_python and not self.function.is_async)


def _is_processed(node: Node) -> bool:
    """Tell whether ``process`` settles around a node, whoever gets the message there."""
    return any(
        around.kind == "with_statement" and _process_of(around) is not None
        for around in node.ancestors()
    )


def _process_of(node: Node) -> Call | None:
    """Return the ``process()`` at the head of a ``with`` statement."""
    heads = node.children[:-1]
    return next((c for head in heads for c in head.calls("process") if is_process(c)), None)


def _acked(state: State, call: Call) -> State:
    """Acknowledge; if something failed before, it is hidden by that."""
    if state.marks & SETTLED:
        return state
    failure = state.failure
    if failure is None or _is_chosen(call.node, failure):
        return state.marked("ack")
    where = call.node if failure.kind == "finally_clause" else failure
    return replace(state.marked("ack"), swallowed=where)


def _is_chosen(node: Node, failure: Node) -> bool:
    """Tell whether the ack depends on what failed: a branch in the catch leads to it."""
    for around in node.ancestors():
        if around == failure:
            return False
        if around.kind in ("if_statement", "switch_statement", "match_statement"):
            return failure in around.ancestors()
        if around.kind in FUNCTIONS:
            return False
    return False
