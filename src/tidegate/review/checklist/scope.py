"""What belongs to a gateway: the code it runs, and the parts of its application around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tidegate.review.diagnostic import Finding
from tidegate.review.model import ClientSocket, Consumer, Function, Gateway, Model
from tidegate.review.source import Call, Node

__all__ = ["Scope"]


@dataclass(eq=False)
class Scope:
    """A gateway with what proves or breaks its checklist."""

    model: Model
    gateway: Gateway

    @cached_property
    def functions(self) -> list[Function]:
        """Return its handlers and lifecycle methods, and all that they call in the project."""
        found = {
            function.node: function
            for handler in self.gateway.handlers
            for function in self.model.project.reach(handler.function)
        }
        return list(found.values())

    @cached_property
    def gates(self) -> list[Function]:
        """Return what runs before or while a client connects, in the order it runs."""
        gates = [
            middleware.function
            for middleware in self.model.middlewares
            if middleware.function is not None
            and middleware.app == self.gateway.app
            and middleware.namespace in (None, self.gateway.namespace)
        ]
        for adapter in self.model.adapters:
            if adapter.owner is not None and adapter.app == self.gateway.app:
                gates += adapter.owner.methods.values()
        gates += [handler.function for handler in self.gateway.of_kind("init", "connect")]
        found = {
            function.node: function for gate in gates for function in self.model.project.reach(gate)
        }
        return list(found.values())

    @property
    def consumers(self) -> list[Consumer]:
        """Return the consumers of its application."""
        return [each for each in self.model.consumers if each.app == self.gateway.app]

    @property
    def clients(self) -> list[ClientSocket]:
        """Return the clients that connect to its namespace, or to one that can't be told."""
        namespace = self.gateway.namespace
        return [
            client
            for client in self.model.clients
            if namespace in (None, "/")
            or client.url is None
            or client.url.string is None
            or client.url.string.endswith(namespace)
        ]

    @cached_property
    def options(self) -> list[dict[str, Node]]:
        """Return the options that its server is made with: its own, its servers', its adapter's."""
        found = [self.gateway.options]
        found += [
            server.options
            for server in self.model.servers
            if server.options and server.app == self.gateway.app
        ]
        for adapter in self.model.adapters:
            for method in adapter.owner.methods.values() if adapter.owner else ():
                if adapter.app == self.gateway.app:
                    found += [node.pairs() for node in method.body.find("object")]
        return found

    def option(self, *names: str) -> Node | None:
        """Return the value of the first option of these names."""
        return next(
            (options[name] for options in self.options for name in names if name in options), None
        )

    def calls(self, *names: str) -> Iterator[Call]:
        """Yield calls by name: first of what runs for its clients, then of its application."""
        seen: set[Node] = set()
        for function in [*self.gates, *self.functions]:
            for call in function.calls:
                if call.name in names and call.node not in seen:
                    seen.add(call.node)
                    yield call
        for file in self.model.files:
            if self.model.app_of(file) == self.gateway.app and not self.is_of_another(file.name):
                for call in file.calls:
                    if call.name in names and call.node not in seen:
                        yield call

    def has(self, finding: Finding) -> bool:
        """Tell whether a finding is about this gateway rather than about another."""
        if self._in_other_class(finding):
            return False
        if finding.file in self._files:
            return True
        if self.is_of_another(finding.file):
            return False
        file = self.model.project.files[finding.file]
        if any(client.call.file is file for client in self.model.clients):
            return any(client.call.file is file for client in self.clients)
        return self.model.app_of(file) == self.gateway.app

    @cached_property
    def _files(self) -> set[str]:
        return {
            self.gateway.file.name,
            *(function.file.name for function in [*self.functions, *self.gates]),
        }

    def is_of_another(self, name: str) -> bool:
        """Tell whether a file is another gateway's, and not this one's too."""
        return name not in self._files and any(
            other.file.name == name for other in self.model.gateways if other is not self.gateway
        )

    def _in_other_class(self, finding: Finding) -> bool:
        for other in self.model.gateways:
            if other is self.gateway or other.owner is None or other.file.name != finding.file:
                continue
            place = other.owner.node.raw.range()
            if place.start.line < finding.line <= place.end.line + 1:
                return True
        return False
