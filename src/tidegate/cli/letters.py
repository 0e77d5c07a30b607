"""What ``tidegate dead-letters`` does and prints."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tidegate.cli.loading import load
from tidegate.cli.printable import printable
from tidegate.errors import ConfigError, SourceError
from tidegate.sources.rabbitmq.connection import AMQPConnection
from tidegate.sources.rabbitmq.dead_letters import DeadLetter, DeadLetters

__all__ = ["drop_letters", "list_letters", "retry_letters", "show_letter"]

T = TypeVar("T")


def list_letters(config: Path | None, queue: str | None, limit: int, *, as_json: bool) -> None:
    """Print the oldest letters of each queue as a table, or as JSON.

    Raises:
        ConfigError: No broker or no such queue is configured.
        SourceError: The broker can't be reached.
    """
    letters = _first(_run(config, queue, lambda found: found.look()), limit)
    if as_json:
        print(json.dumps([_as_json(letter) for letter in letters], indent=2, default=str))
        return
    if not letters:
        print("No dead letters.")
        return
    table = Table("id", "time", "queue", "reason", "routing key", "error", box=None)
    for letter in letters:
        where = f"{letter.error} (at {letter.field})" if letter.field else letter.error
        row = (letter.id, letter.time[:19], letter.queue, letter.reason, letter.routing_key, where)
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(table)


def show_letter(config: Path | None, queue: str | None, identifier: str) -> None:
    """Print everything about one letter. Raises as ``list_letters``, and for an unknown id."""
    letters = _run(config, queue, lambda found: found.look())
    for letter in letters:
        if letter.id == identifier:
            _print_letter(letter)
            return
    raise SourceError(f"no dead letter has the id {identifier}")


def retry_letters(config: Path | None, queue: str | None, ids: list[str], *, every: bool) -> None:
    """Send letters back and say how many. Raises as ``show_letter``."""
    wanted = _wanted(ids, every=every)
    sent = _run(config, queue, lambda found: found.retry(wanted))
    for name, count in _counts(sent).items():
        print(f"{_letters(count)} sent back to queue {printable(name)}.")
    if not sent:
        print("No dead letters.")


def drop_letters(
    config: Path | None, queue: str | None, ids: list[str], *, every: bool, yes: bool
) -> None:
    """Delete letters, after asking unless ``yes``. Raises as ``show_letter``."""
    wanted = _wanted(ids, every=every)
    what = "all dead letters" if wanted is None else _letters(len(wanted))
    if not yes:
        typer.confirm(f"Delete {what} for good?", abort=True)
    dropped = _run(config, queue, lambda found: found.drop(wanted))
    print(f"{_letters(len(dropped))} deleted." if dropped else "No dead letters.")


def _run(config: Path | None, queue: str | None, work: Callable[[DeadLetters], Awaitable[T]]) -> T:
    settings = load(config).settings.rabbitmq
    if settings.url is None:
        raise ConfigError(
            "rabbitmq.url", "is not set", remedy="Name the broker, as `tidegate serve` needs it."
        )
    queues = {each.name: each.dead_letters for each in settings.queues}
    if not queues:
        raise ConfigError("rabbitmq.queues", "is empty", remedy="Configure the queues to consume.")
    if queue is not None:
        if queue not in queues:
            problem = f"{queue!r} is not a configured queue"
            remedy = f"Use one of: {', '.join(queues)}."
            raise ConfigError("queue", problem, remedy=remedy, source="command")
        queues = {queue: queues[queue]}
    url, heartbeat = settings.url.get_secret_value(), settings.heartbeat

    async def connected() -> T:
        connection = AMQPConnection(
            url, name="tidegate dead-letters", heartbeat=heartbeat, gives_up=True
        )
        connection.start()
        try:
            await connection.connected()
            return await work(DeadLetters(connection, queues))
        finally:
            await connection.close()

    return asyncio.run(connected())


def _wanted(ids: list[str], *, every: bool) -> set[str] | None:
    if every == bool(ids):
        problem = "names letters, and so does --all" if ids else "is missing"
        remedy = "Name identifiers as `tidegate dead-letters list` shows them, or use --all."
        raise ConfigError("ID", problem, remedy=remedy, source="command")
    return None if every else set(ids)


def _first(letters: list[DeadLetter], limit: int) -> list[DeadLetter]:
    counts: dict[str, int] = {}
    first = []
    for letter in letters:
        counts[letter.letters] = counts.get(letter.letters, 0) + 1
        if counts[letter.letters] <= limit:
            first.append(letter)
    return first


def _counts(letters: list[DeadLetter]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for letter in letters:
        counts[letter.queue] = counts.get(letter.queue, 0) + 1
    return counts


def _letters(count: int) -> str:
    return "1 dead letter" if count == 1 else f"{count} dead letters"


def _as_json(letter: DeadLetter) -> dict[str, Any]:
    fields = {name: getattr(letter, name) for name in letter.__struct_fields__ if name != "body"}
    try:
        return fields | {"body": letter.body.decode()}
    except UnicodeDecodeError:
        return fields | {"body_base64": b64encode(letter.body).decode()}


def _print_letter(letter: DeadLetter) -> None:
    fields = _as_json(letter)
    body = fields.pop("body", None)
    headers = fields.pop("headers")
    properties = fields.pop("properties")
    for title, values in (("", fields), ("headers", headers), ("properties", properties)):
        if title:
            print(f"\n{title}")
        for name, value in values.items():
            print(f"  {printable(name)}: {printable(str(value))}")
    if body is not None:
        print("\nbody")
        print(_pretty(body))


def _pretty(body: str) -> str:
    try:
        text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        text = body
    return "\n".join(map(printable, text.splitlines()))
