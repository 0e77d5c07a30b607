"""Servers of the package ``ws``, with their options."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.model import Model
from tidegate.review.model.options import Options, options_in
from tidegate.review.model.web_sockets import is_server
from tidegate.review.source import Call

__all__ = ["web_socket_servers"]


def web_socket_servers(model: Model) -> Iterator[tuple[Call, Options]]:
    """Yield each call that makes a server, and what it is given."""
    for file in model.files:
        if file.is_python or "ws" not in file.text:
            continue
        for call in file.calls:
            if is_server(model.project, call):
                yield call, options_in(model.project, call.args[0]) if call.args else Options()
