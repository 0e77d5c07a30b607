"""Whether Nest makes a gateway or consumer at all: whether a module lists it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.module.modules import (
    has_root,
    is_derived,
    is_provided,
    is_whole,
    nearest,
)
from tidegate.review.model import Class, Model, Module

_ROUTED = re.compile(r"(\w+)\.as_asgi\(")

__all__ = ["Listing", "listing", "of_what_is_made"]


class Listing(NamedTuple):
    """What was found: ``yes``, ``no``, or why it can't be told.

    Attributes:
        module: The one that should list the class, if there is one near.
    """

    verdict: Literal["yes", "no", "unseen", "elsewhere"]
    module: Module | None = None


def listing(model: Model, owner: Class, key: str) -> Listing:
    """Return whether a module lists a class under ``providers`` or ``controllers``."""
    if owner.node.kind.startswith("abstract") or not owner.name:
        return Listing("yes")
    if is_provided(model, owner.name) or is_derived(model, owner.name):
        return Listing("yes")
    app = model.app_of(owner.file)
    module = nearest(model, owner)
    if module is None or not is_whole(model, app, key):
        return Listing("unseen")
    if not has_root(model, app) and _folder(module.owner) != _folder(owner):
        return Listing("elsewhere")
    return Listing("no", module)


def of_what_is_made(findings: Iterable[Finding], model: Model) -> list[Finding]:
    """Return findings; those inside of a gateway that is never made are no faults.

    ``module-not-imported`` tells of the class, and that is the mistake: the rest of it never runs.
    """
    idle = list(_unrouted(model))
    if not model.modules and not idle:
        return list(findings)
    for gateway in model.gateways:
        owner = gateway.owner
        if gateway.framework == "nest" and owner and listing(model, owner, "providers")[0] == "no":
            first = min(node.line for node in (owner.node, *(d.node for d in owner.decorators)))
            idle.append((owner.file.name, first, owner.node.raw.range().end.line + 1))
    return [
        replace(each, verdict="could-not-tell", fix=None) if _is_in(each, idle) else each
        for each in findings
    ]


def _unrouted(model: Model) -> Iterator[tuple[str, int, int]]:
    """Yield consumers of Channels that no route leads to, beside one that a route leads to."""
    consumers = [each.owner for each in model.gateways if each.framework == "channels"]
    if not consumers:
        return
    routed: set[str] = set()
    for name in model.project.names:
        if name.endswith(".py") and re.search(r"(?:rout|asgi|urls|consumers)\w*\.py$", name):
            file = model.project.file(name)
            routed |= set(_ROUTED.findall(file.text)) if file is not None else set()
    for owner in consumers:
        if owner is None or owner.name in routed or is_derived(model, owner.name):
            continue
        if any(other and other.file is owner.file and other.name in routed for other in consumers):
            yield owner.file.name, owner.node.line, owner.node.raw.range().end.line + 1


def _is_in(finding: Finding, places: Iterable[tuple[str, int, int]]) -> bool:
    return finding.rule != "module-not-imported" and any(
        finding.file == file and start <= finding.line <= end for file, start, end in places
    )


def _folder(owner: Class) -> str:
    return owner.file.name.rpartition("/")[0]
