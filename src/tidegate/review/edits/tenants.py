"""Whose tenant a piece of code is about, in the names that are in scope there: for corrections.

A correction must not let a client choose its tenant. So a tenant is taken from what a verified
token left on the socket, or in the session; where no client's values come to, such as in a service
or in a consumer of a broker, from what is sent, since whoever calls or publishes is trusted there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.review.edits.insertions import named_import
from tidegate.review.facts.tenant.expressions import inner, path_of
from tidegate.review.facts.tenant.flow import Flow
from tidegate.review.facts.tenant.following import visits
from tidegate.review.facts.tenant.sent import Names, Sent, is_source
from tidegate.review.fix import Edit, inserted_after, line_before, replaced
from tidegate.review.model import Function, Handler, Model
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = ["TENANT_WORDS", "Tenant", "is_of_client", "kept_at", "tenant_of"]

TENANT_WORDS = r"tenant|org|organi[sz]ation|company|workspace|account"
_NAME = re.compile(rf"(?:{TENANT_WORDS})_?[iI][dD]")
_KINDS = ("member_expression", "subscript_expression", "attribute", "subscript", "identifier")
_PATTERN = "shorthand_property_identifier_pattern"
_SOCKET = r"\b\w*(?:[sS]ock(?:et)?|[cC]lient|[cC]onn)[!?]?\.data[!?]?\."
_KEPT_ID = re.compile(rf"{_SOCKET}((?:\w+[!?]?\.)*(?:{TENANT_WORDS})[iI]d)\b")
_KEPT_WHO = re.compile(rf"{_SOCKET}(user|identity|auth|claims|session|principal)\s*=[^=]")
_FROM_CLIENT = (
    "Body",
    "Query",
    "Param",
    "Headers",
    "Req",
    "Request",
    "MessageBody",
    "UploadedFile",
)
_ROUTE = re.compile(r"@\w+\.(?:get|post|put|patch|delete|route|api_route)\(")
_READS_REQUEST = re.compile(r"\brequest\.(?:get_json|json|form|values|args|data)\b")


@dataclass(frozen=True)
class Tenant:
    """An expression for a tenant's id, and what else the correction needs for it.

    Attributes:
        note: What a person has to know or to decide, as a comment without its sign.
    """

    text: str
    edits: tuple[Edit, ...] = ()
    note: str = ""


def tenant_of(model: Model, node: Node, sent: Node | None = None) -> Tenant | None:
    """Return the tenant that a piece of code is about; None if only the client names one.

    Args:
        sent: What is sent there: its own tenant, where no client chose it.
    """
    scope = _Scope(model, node)
    found = scope.named() or scope.of_socket()
    if found is not None:
        return found
    if scope.is_for_client:
        return None
    word = "tenant_id" if node.file.is_python else "tenantId"
    value = inner(sent) if sent is not None else None
    if value is not None and value.kind == "identifier" and not scope.is_sent(value.text):
        word = f"{value.text}.{word}"
    elif scope.flows:
        return None  # a request, of which nothing but the client's own words is at hand
    return Tenant(word, note=f"{word} is the tenant whose event this is")


def is_of_client(model: Model, node: Node, value: Node) -> bool:
    """Tell whether a client's values are in an expression that a node uses."""
    return any(flow.mentions(value) for flow in _Scope(model, node).flows)


def kept_at(model: Model) -> str:
    """Return where the project keeps the tenant on a Socket.IO socket: ``data.user.tenantId``."""
    texts = [file.text for file in model.files if not file.is_python and ".data" in file.text]
    for text in texts:
        if match := _KEPT_ID.search(text):
            return f"data.{match[1]}"
    for text in texts:
        if match := _KEPT_WHO.search(text):
            return f"data.{match[1]}.tenantId"
    return "data.tenantId"


class _Scope:
    """What the functions around a node know of tenants, and of the client they run for."""

    def __init__(self, model: Model, node: Node) -> None:
        self.model, self.node = model, node
        self.functions = [each for each in node.ancestors() if each.kind in FUNCTIONS]
        self.visits = [
            each
            for each in visits(model)
            if each.flow.function.node in self.functions and not each.flow.is_skipped(node)
        ]
        self.flows = [each.flow for each in self.visits] or list(self._of_requests())

    @property
    def is_for_client(self) -> bool:
        """Tell whether this runs because a client sent something, or connected."""
        if self.visits:
            return True
        reach = self.model.project.reach
        return any(
            function.node in self.functions
            for gateway in self.model.gateways
            for handler in gateway.handlers
            for function in reach(handler.function)
        )

    def _of_requests(self) -> Iterator[Flow]:
        """Yield functions that answer an HTTP request, with what the client sent to them."""
        for node in self.functions:
            function, names = Function(node, ""), Names()
            around = node.parent
            is_route = around is not None and _ROUTE.search(
                around.text[: node.start - around.start]
            )
            for parameter in function.parameters:
                decorators = {each.name for each in parameter.decorators}
                if decorators & {*_FROM_CLIENT} or (
                    is_route and "Depends" not in parameter.node.text
                ):
                    names[parameter.name] = frozenset({Sent(parameter.node, ())})
                elif parameter.name in ("req", "request") and not node.file.is_python:
                    for part in ("body", "query", "params", "headers"):
                        value = frozenset({Sent(parameter.node, ())})
                        names[f"{parameter.name}.{part}"] = value
            if names:
                yield Flow(self.model.project, function, names)

    def is_sent(self, path: str) -> bool:
        """Tell whether a client chose what a dotted name holds, or what it was looked up by."""
        if is_source(path, is_python=self.node.file.is_python):
            return True
        head = path.partition(".")[0]
        return any(
            flow.is_sent(path)
            or any(_READS_REQUEST.search(each.text) for each in flow.set_from.get(head, ()))
            for flow in self.flows
        )

    def named(self) -> Tenant | None:
        """Return a tenant's id that code around has under a name, or reads, before the node."""
        for around in self.functions:
            for each in around.find(*_KINDS, _PATTERN):
                path = self._tenant_path(each)
                if path is None or not self._is_visible(each) or self.is_sent(path):
                    continue
                return Tenant(each.text.replace('"', "'"))
        return None

    def _tenant_path(self, node: Node) -> str | None:
        path = node.text if node.kind == _PATTERN else path_of(node)
        if path is None or not _NAME.fullmatch(path.rpartition(".")[2]):
            return None
        around = node.parent
        if around is not None and around.kind in ("attribute", "keyword_argument"):
            key = around.field("attribute") or around.field("name")
            if key == node:
                return None
        if around is not None and around.kind == "call" and around.field("function") == node:
            return None
        return path

    def _is_visible(self, each: Node) -> bool:
        """Tell whether a name that is used there can be used at the node too."""
        if each.function not in self.functions:
            return False
        if each.start >= self.node.start and each.start < self.node.end:
            return True  # in what is sent
        block = each.enclosing("statement_block")
        return each.start < self.node.start and (
            each.file.is_python or block is None or any(block == a for a in self.node.ancestors())
        )

    def of_socket(self) -> Tenant | None:
        """Return what a verified token left for the socket that the code runs for."""
        if self.node.file.is_python:
            return self._of_session()
        socket = self._socket()
        if socket:
            return Tenant(f"{socket}.{kept_at(self.model)}")
        for visit in self.visits:
            function = visit.handler.function
            if visit.gateway.framework == "nest" and visit.handler.kind == "message":
                if function.node not in self.functions or visit.handler.socket:
                    continue
                edits = _with_socket(function)
                if edits:
                    return Tenant(f"client.{kept_at(self.model)}", tuple(edits))
        return None

    def _socket(self) -> str:
        """Return what the socket is called here; empty if it is not here."""
        for function in self.functions:
            for handler in self._handlers():
                if handler.function.node == function and handler.socket:
                    return handler.socket
            for visit in self.visits:
                if visit.flow.function.node == function and visit.socket:
                    return visit.socket
            for parameter in Function(function, "").parameters:
                is_named = re.fullmatch(r"(?:sock(?:et)?|client)", parameter.name, re.IGNORECASE)
                is_socket = parameter.type == "Socket" or (is_named and not parameter.type)
                if is_socket and not self.is_sent(parameter.name):
                    return parameter.name
        return ""

    def _handlers(self) -> Iterator[Handler]:
        for gateway in self.model.gateways:
            if gateway.framework in ("nest", "socket.io", "python-socketio"):
                yield from gateway.handlers

    def _of_session(self) -> Tenant | None:
        """Return the tenant from the session of the socket that a handler runs for."""
        if not self.functions:
            return None
        function = Function(self.functions[0], "")
        wait = "await " if function.is_async else ""
        known = re.search(
            r"(\w+) = (?:await )?[\w.]+\.get_session\(",
            self.node.file.text[function.node.start : self.node.start],
        )
        if known:
            return Tenant(f"{known[1]}['tenant_id']")
        server = Call(self.node).receiver if self.node.kind == "call" else None
        names = [parameter.name for parameter in function.parameters]
        if server is None or "sid" not in names:
            return None
        line = f"session = {wait}{server.text}.get_session(sid)"
        return Tenant("session['tenant_id']", (line_before(self.node, line),))


def _with_socket(function: Function) -> list[Edit]:
    """Return the edits that give a handler of Nest its socket, if it is told what it gets."""
    listed, given = function.node.field("parameters"), function.parameters
    if listed is None or any(not each.decorators or each.name == "client" for each in given):
        return []
    file = function.file
    entry = "@ConnectedSocket() client" + ("" if file.language == "javascript" else ": Socket")
    children = listed.children
    first = (
        inserted_after(children[-1], f", {entry}") if children else replaced(listed, f"({entry})")
    )
    edits = [first, *named_import(file, "ConnectedSocket", "@nestjs/websockets")]
    if file.language != "javascript":
        edits += named_import(file, "Socket", "socket.io")
    return edits
