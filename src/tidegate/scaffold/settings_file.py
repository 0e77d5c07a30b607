"""Edits of ``tidegate.toml``: queues and bindings that are missing are put in.

What is there stays as it is. Each edit is read again by a TOML parser before it counts; where the
file is written in another way than ours, it is refused with the lines to add by hand.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from tidegate.errors import TemplateError

__all__ = ["EXCHANGE", "add_queue", "binding_line"]

EXCHANGE = "events"
"""Topic exchange that services publish to."""

_EXCHANGES = re.compile(r"^exchanges\s*=\s*\[[ \t]*\n(?P<lines>.*?)^\]", re.MULTILINE | re.DOTALL)


def binding_line(routing_key: str) -> str:
    """Return one binding as it stands in a queue's ``exchanges``."""
    return f'{{ exchange = "{EXCHANGE}", routing_key = "{routing_key}" }},'


def add_queue(
    text: str, queue: str, routing_keys: Sequence[str], table: str, path: PurePosixPath
) -> str:
    """Return the settings with a queue that gets these messages.

    Args:
        text: The file.
        queue: The queue's name.
        routing_keys: What it should be bound by; patterns that cover them will do.
        table: The ``[[rabbitmq.queues]]`` table, for a file without the queue.
        path: The file's, for the error.

    Raises:
        TemplateError: The file is no TOML, or can't be edited safely.
    """
    plain = text.replace("\r\n", "\n")
    own = _queues(plain, path).get(queue)
    missing = [key for key in routing_keys if own is None or not _is_bound(own, key)]
    if not missing:
        return text
    edited = f"{plain.rstrip()}\n\n{table}" if own is None else _bind(plain, queue, missing)
    if not _has_worked(edited, queue, routing_keys):
        lines = " ".join(map(binding_line, missing))
        raise TemplateError(
            f"{path} is left alone: its queues are not written as [[rabbitmq.queues]] tables. "
            f"Add to the exchanges of the queue {queue!r} by hand: {lines} then run this again"
        )
    return edited if plain == text else edited.replace("\n", "\r\n")


def _queues(text: str, path: PurePosixPath) -> Mapping[str, Mapping[str, Any]]:
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(f"{path} is left alone: it is no TOML ({error})") from None
    rabbitmq = settings.get("rabbitmq")
    queues = rabbitmq.get("queues", []) if isinstance(rabbitmq, dict) else []
    tables = [item if isinstance(item, dict) else {"name": item} for item in queues]
    return {str(table.get("name")): table for table in tables}


def _is_bound(queue: Mapping[str, Any], routing_key: str) -> bool:
    if queue.get("passive"):
        return True  # whoever declares it binds it
    patterns = [item.get("routing_key", "#") for item in queue.get("exchanges", [])]
    return any(_covers(pattern, routing_key) for pattern in patterns)


def _covers(pattern: str, routing_key: str) -> bool:
    """Say whether an AMQP topic pattern takes a routing key."""
    expression = re.escape(pattern).replace(r"\*", "[^.]+").replace(r"\#", ".*")
    return re.fullmatch(expression.replace(r"\..*", r"(?:\..*)?"), routing_key) is not None


def _bind(text: str, queue: str, routing_keys: Sequence[str]) -> str:
    """Put lines at the end of the queue's ``exchanges``; unchanged if they are not plain."""
    name = re.compile(rf"^name\s*=\s*[\"']{re.escape(queue)}[\"']", re.MULTILINE)
    tables = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    for index, table in enumerate(tables):
        found = _EXCHANGES.search(table)
        if name.search(table) and found is not None:
            place = found.end("lines")
            lines = "".join(f"  {binding_line(key)}\n" for key in routing_keys)
            tables[index] = table[:place] + lines + table[place:]
    return "".join(tables)


def _has_worked(text: str, queue: str, routing_keys: Sequence[str]) -> bool:
    try:
        own = _queues(text, PurePosixPath()).get(queue, {})
    except TemplateError:
        return False
    return all(_is_bound(own, key) for key in routing_keys)
