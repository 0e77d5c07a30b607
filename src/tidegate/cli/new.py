"""``tidegate new``: the command and its flags; ``scaffolding`` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["new"]

_FIELDS = "name:fields, fields as in 'id,count:int,tags:string[],note?:string,sender:@file.json'"


def new(
    name: Annotated[
        str | None, typer.Argument(help="The domain: Notification, Chat, ActivityFeed.")
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option("--event", help=f"Event to the client, {_FIELDS}; repeatable."),
    ] = None,
    command: Annotated[
        list[str] | None,
        typer.Option("--command", help="Event from the client, written likewise; repeatable."),
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", help="Default: the domain's plural.")
    ] = None,
    room: Annotated[
        list[str] | None,
        typer.Option(
            "--room", help="tenantId, userId, resourceId, chatId or chat:{chatId}; repeatable."
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", help="Server side: python (default) or nestjs.")
    ] = None,
    gateway: Annotated[
        str | None,
        typer.Option("--gateway", help="Its folder (default: apps/api-gateway), or standalone."),
    ] = None,
    frontend: Annotated[
        bool | None,
        typer.Option("--frontend/--no-frontend", help="Hook and Zustand slice for Next.js."),
    ] = None,
    project: Annotated[Path, typer.Option("--project", help="Where the project is.")] = Path(),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the tree and the diffs; write nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that have another text.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Take the defaults and ask nothing.")
    ] = False,
) -> None:
    """Write a realtime domain: server side, registration, tests, and a hook for the web app.

    In a terminal, what the flags do not say is asked. Nothing is overwritten without a question or
    --force; a second run changes nothing. Exit code 1: refused; 2: an answer can't be.
    """
    from tidegate.cli.scaffolding import Flags, scaffold

    flags = Flags(
        name=name,
        events=event,
        commands=command,
        namespace=namespace,
        rooms=room,
        target=target,
        gateway=gateway,
        has_frontend=frontend,
    )
    code = scaffold(flags, project, dry_run=dry_run, force=force, yes=yes)
    if code:
        raise typer.Exit(code)
