"""The room of a tenant, as a correction would write it with the names that are in scope."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tidegate.review.edits.tenant_joins import joining
from tidegate.review.edits.tenants import TENANT_WORDS, tenant_of
from tidegate.review.facts.tenant.room_names import ANYTHING, patterns
from tidegate.review.facts.tenant.rooms import joins
from tidegate.review.fix import Edit, line_before
from tidegate.review.model import Model
from tidegate.review.source import Node

__all__ = ["TenantRoom", "remedy", "tenant_room"]


@dataclass(frozen=True)
class TenantRoom:
    """An expression for a tenant's room, and the other edits that it needs."""

    text: str
    edits: tuple[Edit, ...] = ()


def tenant_room(model: Model, node: Node, sent: Node | None = None) -> TenantRoom | None:
    """Return the room of the tenant that a piece of code is about, which sockets join.

    None if no verified tenant is in sight, or nothing shows where sockets could join.

    Args:
        sent: What is sent there.
    """
    tenant = tenant_of(model, node, sent)
    if tenant is None:
        return None
    head = _head(model)
    joined = joining(model, node, head)
    if joined is None:
        return None
    edits = [*tenant.edits, *joined]
    if tenant.note:
        sign = "#" if node.file.is_python else "//"
        edits.append(line_before(node, f"{sign} {tenant.note}"))
    if node.file.is_python:
        quote = "'" if '"' in tenant.text else '"'
        return TenantRoom(f"f{quote}{head}{{{tenant.text}}}{quote}", tuple(edits))
    return TenantRoom(f"`{head}${{{tenant.text}}}`", tuple(edits))


def remedy(node: Node) -> str:
    """Return in words what to do where no edit can do it."""
    what = (
        "to=f\"tenant:{session['tenant_id']}\""
        if node.file.is_python
        else ".to(`tenant:${client.data.tenantId}`)"
    )
    return (
        "Address a room that sockets join with the tenant of their verified token, such as "
        f"{what}; never one that the client names."
    )


def _head(model: Model) -> str:
    """Return how the project's own rooms of tenants begin."""
    own = re.compile(rf"((?:{TENANT_WORDS})s?[:_.\-/]){ANYTHING}", re.IGNORECASE)
    for join in joins(model):
        for pattern in patterns(model, join.room) or ():
            match = own.fullmatch(pattern)
            if match:
                return match[1]
    return "tenant:"
