"""The room of a tenant, as a correction would write it with the names that are in scope."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tidegate.review.facts.tenant.room_names import ANYTHING, patterns
from tidegate.review.facts.tenant.rooms import joins
from tidegate.review.fix import Edit, line_before
from tidegate.review.model import Model
from tidegate.review.model.declarations import Function
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = ["TENANT_WORDS", "TenantRoom", "tenant_room"]

TENANT_WORDS = r"tenant|org|organi[sz]ation|company|workspace|account"
_NAME = rf"(?:{TENANT_WORDS})_?[iI][dD]"
_TENANT = re.compile(rf"(?<![\w.$])((?:\w+\??\.)*{_NAME})\b(?!\s*[:(=])")
_ENTRY = re.compile(rf"""\b\w+\[['"]{_NAME}['"]\]""")
_TEXTS = re.compile(r"""(['"])[^'"\n]*\1|//[^\n]*|#[^\n]*""")
_SOCKET = re.compile(r"(?:sock(?:et)?|client|conn)$", re.IGNORECASE)


@dataclass(frozen=True)
class TenantRoom:
    """An expression for a tenant's room, and what has to stand before the statement."""

    text: str
    before: str = ""

    def edits(self, node: Node) -> list[Edit]:
        """Return the edit for what has to stand before the statement of a node."""
        return [line_before(node, self.before)] if self.before else []


def tenant_room(model: Model, node: Node) -> TenantRoom:
    """Return the room of the tenant that a piece of code is about.

    Where a person has to decide whose tenant that is, a comment says so.
    """
    head, before = _head(model), ""
    tenant = _in_scope(node)
    if node.file.is_python:
        if tenant is None:
            tenant, before = _from_session(node)
        quote = "'" if '"' in tenant else '"'
        return TenantRoom(f"f{quote}{head}{{{tenant}}}{quote}", before)
    if tenant is None:
        return TenantRoom(f"`{head}${{tenantId /* of the tenant that this is about */}}`")
    return TenantRoom(f"`{head}${{{tenant}}}`")


def _from_session(node: Node) -> tuple[str, str]:
    """Return a tenant's id from the session of the socket that a handler runs for."""
    around = node.function
    if around is None or not re.match(r"async\b", around.text):
        return "tenant_id", "# tenant_id: of the tenant that this is about"
    known = re.search(r"(\w+) = await [\w.]+\.get_session\(", around.text)
    if known:
        return f"{known[1]}['tenant_id']", ""
    server = Call(node).receiver if node.kind == "call" else None
    names = [parameter.name for parameter in Function(around, "").parameters]
    if server is None or "sid" not in names:
        return "tenant_id", "# tenant_id: of the tenant that this is about"
    return "session['tenant_id']", f"session = await {server.text}.get_session(sid)"


def _head(model: Model) -> str:
    """Return how the project's own rooms of tenants begin."""
    own = re.compile(rf"((?:{TENANT_WORDS})s?[:_.\-/]){ANYTHING}", re.IGNORECASE)
    for join in joins(model):
        for pattern in patterns(model, join.room) or ():
            match = own.fullmatch(pattern)
            if match:
                return match[1]
    return "tenant:"


def _in_scope(node: Node) -> str | None:
    """Return what holds the tenant's id here: a value that is used, or the socket's data."""
    for around in node.ancestors():
        if around.kind not in FUNCTIONS:
            continue
        entry = _ENTRY.search(around.text)
        match = entry or _TENANT.search(_TEXTS.sub("", around.text))
        if match:
            return match[0].replace('"', "'") if match is entry else match[1]
        if not around.file.is_python:
            for parameter in Function(around, "").parameters:
                if _SOCKET.search(parameter.name) or parameter.type == "Socket":
                    return f"{parameter.name}.data.tenantId"
    return None
