"""Clients of python-socketio: what they are told, what they listen to, how they connect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tidegate.review.model import Model
from tidegate.review.model.socket_names import normal
from tidegate.review.source import Call, Node

__all__ = ["PythonClient", "python_clients"]

_THROWAWAY = re.compile(
    r"(?:^|/)(?:bench\w*|load\w*|stress\w*|tests?|testing|fixtures?)/|(?:^|[/_])(?:test|load|bench)_"
)


@dataclass(eq=False)
class PythonClient:
    """``socketio.Client(…)`` or ``socketio.AsyncClient(…)``.

    Attributes:
        name: As its code calls it: ``sio``, ``self.client``.
    """

    call: Call
    name: str

    @cached_property
    def connects(self) -> list[Call]:
        """Return the calls that connect it."""
        return [call for call in self._calls("connect") if call.args or call.keywords]

    @cached_property
    def is_caught(self) -> bool:
        """Tell whether what ``connect`` raises is caught, so that a refusal is heard of."""
        return any(self._is_in_try(call.node) for call in self.connects)

    def listens(self, event: str) -> bool:
        """Tell whether a handler of an event is registered, in any of the ways there are."""
        text = self.call.file.text
        if event not in text:
            return False
        for function in self.call.file.root.find("function_definition"):
            name = function.field("name")
            if name is not None and name.text in (event, f"on_{event}"):
                return True
        return any(node.string == event for node in self.call.file.root.find("string"))

    def _calls(self, name: str) -> Iterator[Call]:
        for call in self.call.file.calls:
            receiver = call.receiver
            if call.name == name and receiver is not None and normal(receiver.text) == self.name:
                yield call

    def _is_in_try(self, node: Node) -> bool:
        for around in node.ancestors():
            if around.kind == "try_statement":
                body = around.field("body")
                return body is not None and body.start <= node.start < body.end
        return False


def python_clients(model: Model) -> Iterator[PythonClient]:
    """Yield the clients that are made."""
    for file in model.files:
        if not file.is_python or "socketio" not in file.text or _THROWAWAY.search(file.name):
            continue
        imports = model.project.imports(file)
        for call in file.calls:
            if call.name not in ("Client", "AsyncClient"):
                continue
            imported = imports.get(call.path.split(".")[0])
            if imported is None or imported.module.split(".")[0] != "socketio":
                continue
            holder = call.node.enclosing("assignment")
            left = holder.field("left") if holder is not None else None
            yield PythonClient(call, left.text if left is not None else "")
