"""Each item for each gateway: failed if a rule found a fault, passed if the code shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tidegate.review.checklist.items import ITEMS, Item
from tidegate.review.checklist.proofs import BUILT_IN
from tidegate.review.checklist.scope import Scope
from tidegate.review.diagnostic import Finding
from tidegate.review.facts.auth.authentication import authentication
from tidegate.review.run import Report
from tidegate.review.source import Node

__all__ = ["GatewayChecklist", "Judged", "checklists"]

_DOOR = "connection-without-authentication"

Outcome = Literal["passed", "failed", "could not tell"]


@dataclass(frozen=True)
class Judged:
    """An item's outcome.

    Attributes:
        place: ``file:line`` that proves it; empty if there is none.
        reason: Why it failed or could not be told; the code line if it passed.
    """

    text: str
    outcome: Outcome
    place: str
    reason: str


@dataclass(frozen=True)
class GatewayChecklist:
    """The items of one gateway; ``place`` is where it is declared."""

    name: str
    framework: str
    namespace: str | None
    place: str
    items: tuple[Judged, ...]


def checklists(report: Report) -> list[GatewayChecklist]:
    """Return a checklist for each gateway that a review found.

    Args:
        report: Of a review with ``could_not_tell`` and all rules.
    """
    model = report.model
    if model is None:
        return []
    return [
        GatewayChecklist(
            gateway.name,
            gateway.framework,
            gateway.namespace,
            _place(gateway.node),
            tuple(_judge(item, Scope(model, gateway), report.findings) for item in ITEMS),
        )
        for gateway in sorted(model.gateways, key=lambda each: (each.file.name, each.node.line))
    ]


def _judge(item: Item, scope: Scope, findings: Iterable[Finding]) -> Judged:
    missing = _missing(item, scope)
    if missing:
        return Judged(item.text, "could not tell", "", missing)
    about = [each for each in findings if each.rule in item.rules and scope.has(each)]
    about.sort(key=lambda each: each.verdict != "fault")
    for finding in about[:1]:
        outcome: Outcome = "failed" if finding.verdict == "fault" else "could not tell"
        place = f"{finding.file}:{finding.line}"
        return Judged(item.text, outcome, place, f"{finding.rule}: {finding.message}")
    if item.needs and scope.gateway.framework != "tidegate":
        unknown = _without_identity(item, scope, findings)
        if unknown is not None:
            return unknown
    node = item.proof(scope)
    if node is None and scope.gateway.framework == "tidegate" and item.proof in BUILT_IN:
        place = _place(scope.gateway.node)
        return Judged(item.text, "passed", place, "Tidegate does it for every namespace")
    if node is None:
        return Judged(item.text, "could not tell", "", "nothing in the code shows it")
    return Judged(item.text, "passed", _place(node), node.file.line(node.line).strip())


def _without_identity(item: Item, scope: Scope, findings: Iterable[Finding]) -> Judged | None:
    """Return the outcome of an item about identities where there is none; None if there is."""
    if authentication(scope.model, scope.gateway).verdict == "yes":
        return None
    doors = [each for each in findings if each.rule == _DOOR and scope.has(each)]
    for finding in doors:
        if finding.verdict == "fault" and item.needs == "identity first":
            place = f"{finding.file}:{finding.line}"
            return Judged(item.text, "failed", place, f"{finding.rule}: {finding.message}")
    is_open = any(each.verdict == "fault" for each in doors)
    reason = "nobody is authenticated here" if is_open else "who is authenticated can't be seen"
    return Judged(item.text, "could not tell", "", reason)


def _missing(item: Item, scope: Scope) -> str:
    """Return what there would have to be, if there is none."""
    if item.part == "consumer" and not scope.consumers:
        return "no consumer of a broker is in the reviewed code"
    if item.part == "client" and not scope.clients:
        return "no client is in the reviewed code"
    return ""


def _place(node: Node) -> str:
    return f"{node.file.name}:{node.line}"
