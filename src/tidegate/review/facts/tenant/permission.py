"""Whether a handler checks the right to what the client names, before it acts.

A check decides: it throws, or what follows depends on its answer. It is a question with a name
that says so (``isMember``, ``assert_access``), a comparison with the verified identity, a query
that contains it, or a list of what everybody may have. That the thing exists is no check.
"""

from __future__ import annotations

import re
from typing import Literal

from tidegate.review.facts.tenant.deciding import (
    atoms,
    branches,
    conditions,
    dominates,
    refusals_in,
)
from tidegate.review.facts.tenant.evidence import (
    RIGHT,
    Answer,
    Question,
    has_identity,
    is_right,
    proves,
    throws,
)
from tidegate.review.facts.tenant.expressions import inner, path_of, words_of
from tidegate.review.facts.tenant.following import Visit
from tidegate.review.facts.tenant.sent import Values
from tidegate.review.model import Decorator, Function
from tidegate.review.source import Node

__all__ = ["Answer", "right_to"]


def right_to(visit: Visit, node: Node, values: Values, room: Node | None = None) -> Answer:
    """Return whether the right to what the client named is checked before a node runs.

    Args:
        values: What the client named it by.
        room: The room's name; if the verified identity is a part of it, the right is as well.
    """
    if room is not None and has_identity(visit.flow, room):
        return "yes"
    labels = frozenset(each.label for each in values)
    answers: set[Answer] = {_of_guards(visit)}
    for each, place in visit.chain(node):
        answers.add(_before(Question(each.flow, labels), place))
    return "yes" if "yes" in answers else "unknown" if "unknown" in answers else "no"


# Before the handler runs


def _of_guards(visit: Visit) -> Answer:
    function = visit.handler.function
    if function.name == "canActivate":
        return "no"  # it is a guard itself
    bound = [*function.decorated("UseGuards"), *visit.gateway.guards]
    answer: Answer = "no"
    for guard in bound:
        for arg in guard.args:
            name = arg.text.removesuffix("Guard")
            if is_right(name) or re.search(r"room|channel|owner|tenant", name, re.IGNORECASE):
                return "yes"
            owner = visit.flow.project.class_named(arg.file, arg.text)
            if owner is not None and re.search(
                r"getData\(|switchToWs\(\)\.getData", owner.node.text
            ):
                return "yes"
    for decorator in function.decorators:
        if _is_permission(decorator):
            return "yes"
    for parameter in function.parameters:
        for decorator in parameter.decorators:
            if any(is_right(arg.text) for arg in decorator.args if arg.string is None):
                return "yes"
        match = re.search(r"(?:Depends|Security)\(\s*([\w.]+)", parameter.node.text)
        if match is None:
            continue
        if is_right(match[1]):
            return "yes"
        target = visit.flow.project.resolve(function.file, match[1])
        if isinstance(target, Function) and _takes(target, visit):
            answer = "yes"
    call = visit.gateway.call
    dependencies = call.keywords.get("dependencies") if call is not None else None
    return "yes" if dependencies is not None and is_right(dependencies.text) else answer


def _takes(target: Function, visit: Visit) -> bool:
    """Tell whether a dependency gets the client's value too, and the user."""
    names = {each.name for each in target.parameters}
    ours = {name for name, values in visit.flow.names.items() if values}
    return bool(names & ours) and bool(re.search(r"Depends|user", target.node.text[:400]))


def _is_permission(decorator: Decorator) -> bool:
    words = words_of(decorator.name)
    return bool(RIGHT.search(words)) and not re.search(r"^subscri|^use_|^connected|^message", words)


# In the function, before the place


def _before(asked: Question, place: Node) -> Answer:
    answer: Answer = "no"
    flow = asked.flow
    for condition, holds in conditions(flow, place):
        for atom, is_true in atoms(condition, holds=holds):
            found = proves(asked, atom, is_true, 0)
            if found == "yes":
                return "yes"
            if found == "unknown":
                answer = "unknown"
    start = place.start
    for call in flow.function.calls:
        if call.node.start >= start or flow.is_skipped(call.node):
            continue
        if not dominates(call.node, place):
            continue
        found = throws(asked, call)
        if found == "yes":
            return "yes"
        if found == "unknown":
            answer = "unknown"
    for ways in branches(flow, place):
        found_in = [_in_branch(asked, *way) for way in ways]
        # One way names nothing, the other is checked: all is well after both.
        if all(each in ("yes", "nothing") for each in found_in) and "yes" in found_in:
            return "yes"
    return answer


def _in_branch(
    asked: Question, condition: Node, branch: Node, holds: bool
) -> Literal["yes", "nothing", "no"]:
    """Tell whether the right is shown at a branch's end, or nothing is named on that way."""
    for refused in refusals_in(branch):
        for atom, is_true in atoms(refused, holds=False):
            if proves(asked, atom, is_true, 0) == "yes":
                return "yes"
    for call in branch.calls():
        if dominates(call.node, branch) and throws(asked, call) == "yes":
            return "yes"
    for atom, is_true in atoms(condition, holds=holds):
        if not is_true and path_of(inner(atom)) is not None and asked.is_named_by(atom):
            return "nothing"
    return "no"
