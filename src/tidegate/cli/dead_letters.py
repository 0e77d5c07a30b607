"""``tidegate dead-letters``: the commands and their flags; ``letters`` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    help="Messages that could not become events: look at them, send them back, drop them.",
    no_args_is_help=True,
)

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).")]
Queue = Annotated[
    str | None, typer.Option("--queue", help="Only letters of this queue; default: all configured.")
]
IDs = Annotated[list[str] | None, typer.Argument(help="Identifiers, as `list` shows them.")]
All = Annotated[bool, typer.Option("--all", help="All letters, however many.")]


@app.command("list")
def list_(
    queue: Queue = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=1_000, help="Letters of each queue.")
    ] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="As a JSON array.")] = False,
    config: Config = None,
) -> None:
    """Show the oldest letters; none is taken away."""
    from tidegate.cli.letters import list_letters

    list_letters(config, queue, limit, as_json=as_json)


@app.command()
def show(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    queue: Queue = None,
    config: Config = None,
) -> None:
    """Show one letter whole: why, where from, headers, body."""
    from tidegate.cli.letters import show_letter

    show_letter(config, queue, identifier)


@app.command()
def retry(
    ids: IDs = None,
    every: All = False,
    queue: Queue = None,
    config: Config = None,
) -> None:
    """Send letters back to the queues that they came from, in order."""
    from tidegate.cli.letters import retry_letters

    retry_letters(config, queue, ids or [], every=every)


@app.command()
def drop(
    ids: IDs = None,
    every: All = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    queue: Queue = None,
    config: Config = None,
) -> None:
    """Delete letters for good."""
    from tidegate.cli.letters import drop_letters

    drop_letters(config, queue, ids or [], every=every, yes=yes)
