"""From flags and answers to files: asks, shows, writes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import typer

from tidegate.cli.questions import ask
from tidegate.cli.show_changes import show_diff, show_tree
from tidegate.errors import AnswersError, BadAnswer, FileConflict
from tidegate.scaffold import Answers, Plan, domain_from, plan
from tidegate.scaffold.answers import API_GATEWAY
from tidegate.scaffold.writer import Change, DirectoryProject, compare, write

__all__ = ["Flags", "scaffold"]


@dataclass(frozen=True)
class Flags:
    """What the command line says; None where it says nothing."""

    name: str | None
    events: list[str] | None
    commands: list[str] | None
    namespace: str | None
    rooms: list[str] | None
    target: str | None
    gateway: str | None
    has_frontend: bool | None


def scaffold(flags: Flags, root: Path, *, dry_run: bool, force: bool, yes: bool) -> int:
    """Write a domain and return the exit code.

    Raises:
        TemplateError: It can't be written; nothing was.
    """
    may_ask = not yes and sys.stdin.isatty() and sys.stdout.isatty()
    try:
        project = _project(root)
        given = _defaults(flags)
        answers = ask(given, _unanswered(flags), read_schema) if may_ask else given
        planned = plan(domain_from(answers, read_schema), project)
    except AnswersError as error:
        for problem in error.problems:
            answer = f" {problem.answer!r}" if problem.answer else ""
            print(f"tidegate: {problem.question}{answer}: {problem.reason}", file=sys.stderr)
        return 2
    changes = compare(planned, project)
    if dry_run:
        return _show_only(changes, force=force)
    if may_ask:
        return _write_asking(changes, project, planned, force=force)
    write(changes, project, overwrite=force)
    show_tree(changes, is_done=True)
    _show_next_steps(changes, planned)
    return 0


def read_schema(file: str) -> str | None:
    """Return the text of a JSON Schema file, named from where the user is."""
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _project(root: Path) -> DirectoryProject:
    if not root.is_dir():
        raise AnswersError([BadAnswer("project", str(root), "there is no such folder")])
    return DirectoryProject(root)


def _defaults(flags: Flags) -> Answers:
    return Answers(
        name=flags.name or "",
        events=flags.events or (),
        commands=flags.commands or (),
        namespace=flags.namespace,
        rooms=flags.rooms or ("tenantId",),
        target=flags.target or "python",
        gateway=flags.gateway or API_GATEWAY,
        has_frontend=flags.has_frontend is not False,
    )


def _unanswered(flags: Flags) -> list[str]:
    return [question for question, answer in vars(flags).items() if answer is None]


def _show_only(changes: list[Change], *, force: bool) -> int:
    show_tree(changes, is_done=False)
    for change in changes:
        show_diff(change)
    return 1 if not force and any(change.status == "conflict" for change in changes) else 0


def _write_asking(
    changes: list[Change], project: DirectoryProject, planned: Plan, *, force: bool
) -> int:
    show_tree(changes, is_done=False)
    if all(change.status == "unchanged" for change in changes):
        return 0
    overwritten: set[PurePosixPath] = set()
    for change in changes:
        if change.status == "conflict" and not force:
            show_diff(change)
            if typer.confirm(f"Overwrite {change.file.path}?", default=False):
                overwritten.add(change.file.path)
    kept = {c.file.path for c in changes if c.status == "conflict"} - overwritten
    wanted = changes if force else [c for c in changes if c.file.path not in kept]
    if not typer.confirm("Write?", default=True):
        print("tidegate: nothing was written", file=sys.stderr)
        return 1
    try:
        write(wanted, project, overwrite=force or overwritten)
    except FileConflict as conflict:
        print(f"tidegate: changed meanwhile: {', '.join(conflict.paths)}", file=sys.stderr)
        return 1
    _show_next_steps(wanted, planned)
    return 0


def _show_next_steps(changes: list[Change], planned: Plan) -> None:
    if any(change.status == "create" for change in changes):
        for step in planned.next_steps:
            print(step)
