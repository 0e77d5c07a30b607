"""From a domain to the files it takes: pure, so that ``--dry-run`` shows what would be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import ModuleType
from typing import Literal, Protocol

from tidegate.scaffold.domain import Domain

__all__ = ["FileKind", "MemoryProject", "Plan", "PlannedFile", "ProjectView", "plan"]

FileKind = Literal["create", "edit"]


class ProjectView(Protocol):
    """What a target may know of the project: the text of its files."""

    def read(self, path: PurePosixPath | str) -> str | None:
        """Return a file's text, or None if there is no such file; paths are the project's."""
        ...


class MemoryProject:
    """A project that is a mapping from path to text; without files, a new one."""

    def __init__(self, files: Mapping[str, str] | None = None) -> None:
        self.files = dict(files or {})

    def read(self, path: PurePosixPath | str) -> str | None:
        """Return a file's text, or None."""
        return self.files.get(str(path))


@dataclass(frozen=True)
class PlannedFile:
    """One file as it should be afterwards.

    Attributes:
        path: Relative to the project.
        content: The whole text.
        kind: ``edit`` says that the content was made from the file as it is, and may replace it;
            ``create`` must not replace another text without being told to. A shared file that
            exists already (a guard, a project file) is not planned at all.
    """

    path: PurePosixPath
    content: str
    kind: FileKind = "create"


@dataclass(frozen=True)
class Plan:
    """All files of one domain, ordered by path.

    Attributes:
        next_steps: What is left to do by hand, a sentence each.
    """

    files: tuple[PlannedFile, ...]
    next_steps: tuple[str, ...] = ()


def plan(domain: Domain, project: ProjectView) -> Plan:
    """Return what should be in the project; writes nothing.

    Raises:
        TemplateError: A registration file can't be edited safely; it says what to do by hand.
    """
    from tidegate.scaffold.targets import nestjs, nextjs, python

    targets = [python if domain.target == "python" else nestjs]
    if domain.has_frontend:
        targets.append(nextjs)
    files = [file for target in targets for file in target.files(domain, project)]
    steps = [step for target in targets for step in _next_steps(target, domain)]
    return Plan(tuple(sorted(files, key=lambda file: file.path.parts)), tuple(steps))


def _next_steps(target: ModuleType, domain: Domain) -> list[str]:
    """Ask a target that has any: ``next_steps(domain) -> list[str]``."""
    steps: list[str] = target.next_steps(domain) if hasattr(target, "next_steps") else []
    return steps
