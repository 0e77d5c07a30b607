"""Writes a plan: all of it or nothing, and over nobody's work without being told to.

::

    changes = compare(plan, root)                # what each file would become
    write(changes, root, overwrite=False)        # raises FileConflict, or writes

New texts are written beside their targets first; then each takes its target's place, while the old
file is kept beside it. If anything fails, the old files go back and new files and folders go away.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from tidegate.errors import FileConflict, TemplateError
from tidegate.scaffold.plan import Plan, PlannedFile

__all__ = ["Change", "DirectoryProject", "Status", "compare", "write"]

Status = Literal["create", "edit", "conflict", "unchanged"]


class DirectoryProject:
    """A project in a folder, as targets view it.

    Raises:
        TemplateError: The folder is none.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise TemplateError(f"{root} is no folder")
        self.root = root.resolve()

    def read(self, path: PurePosixPath | str) -> str | None:
        """Return a file's text as it is (line ends too), or None if there is no such file.

        Raises:
            TemplateError: It is outside the project, or is no text.
        """
        file = self.locate(path)
        try:
            return file.read_bytes().decode()
        except FileNotFoundError:
            return None
        except (UnicodeDecodeError, OSError) as error:
            raise TemplateError(f"{path} can't be read as text: {error}") from error

    def locate(self, path: PurePosixPath | str) -> Path:
        """Return where a file of the project really is, links followed.

        Raises:
            TemplateError: A link leads outside the project, or a file stands where a folder must.
        """
        file = (self.root / path).resolve()
        if not file.is_relative_to(self.root):
            raise TemplateError(f"{path} is outside the project")
        for parent in file.parents:
            if parent.exists():
                if not parent.is_dir():
                    raise TemplateError(f"{path} can't be there: {parent.name} is no folder")
                break
        return file


@dataclass(frozen=True)
class Change:
    """What becomes of one file.

    Attributes:
        before: Its text now, or None if there is no such file.
        status: ``conflict``: a file with another text is where one should be created.
    """

    file: PlannedFile
    before: str | None
    status: Status


def compare(plan: Plan, project: DirectoryProject) -> list[Change]:
    """Return what each planned file would change; touches nothing.

    Raises:
        TemplateError: A file can't be where it is planned.
    """
    changes = []
    for file in plan.files:
        before = project.read(file.path)
        changes.append(Change(file, before, _status(file, before)))
    return changes


def _status(file: PlannedFile, before: str | None) -> Status:
    if before is None:
        return "create"
    if before == file.content:
        return "unchanged"
    return "edit" if file.kind == "edit" else "conflict"


def write(
    changes: Sequence[Change],
    project: DirectoryProject,
    *,
    overwrite: bool | Collection[PurePosixPath] = False,
    replace: Callable[[Path, Path], None] = os.replace,
) -> None:
    """Write what has changed, all or nothing.

    Args:
        changes: From ``compare``.
        project: The same.
        overwrite: Which conflicts may be written over: all, none, or those with these paths.
        replace: Moves a file over another; tests let it fail.

    Raises:
        FileConflict: Files are in the way, or have changed since they were compared.
        TemplateError: Writing failed; everything is as it was before.
    """
    wanted = [change for change in changes if change.status != "unchanged"]
    refused = [change for change in wanted if not _may_write(change, overwrite)]
    moved_on = [c for c in wanted if project.read(c.file.path) != c.before and c not in refused]
    if refused or moved_on:
        raise FileConflict([str(change.file.path) for change in (*refused, *moved_on)])
    transaction = _Transaction(replace)
    try:
        for change in wanted:
            transaction.stage(project.locate(change.file.path), change.file.content)
        transaction.commit()
    except BaseException as error:
        transaction.roll_back()
        if isinstance(error, OSError | UnicodeError):
            raise TemplateError(f"nothing was written: {error}") from error
        raise
    transaction.finish()


def _may_write(change: Change, overwrite: bool | Collection[PurePosixPath]) -> bool:
    if change.status != "conflict":
        return True
    return overwrite if isinstance(overwrite, bool) else change.file.path in overwrite


class _Transaction:
    """The files that are on their way, and how to get back."""

    def __init__(self, replace: Callable[[Path, Path], None]) -> None:
        self._replace = replace
        self._folders: list[Path] = []  # made by us, outer ones first
        self._staged: list[tuple[Path, Path]] = []  # (new text, target)
        self._placed: list[tuple[Path, Path | None]] = []  # (target, old file beside it)

    def stage(self, target: Path, content: str) -> None:
        self._make_folders(target.parent)
        fresh = _beside(target)
        self._staged.append((fresh, target))
        with fresh.open("x", encoding="utf-8", newline="") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            fresh.chmod(target.stat().st_mode & 0o7777)

    def _make_folders(self, folder: Path) -> None:
        missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
        for parent in reversed(missing):
            parent.mkdir()
            self._folders.append(parent)

    def commit(self) -> None:
        for fresh, target in self._staged:
            old = None
            if target.exists():
                old = _beside(target)
                shutil.copy2(target, old)
            self._placed.append((target, old))
            self._replace(fresh, target)

    def roll_back(self) -> None:
        for target, old in reversed(self._placed):
            if old is None:
                target.unlink(missing_ok=True)
            else:
                os.replace(old, target)
        for fresh, _ in self._staged:
            fresh.unlink(missing_ok=True)
        for folder in reversed(self._folders):
            with contextlib.suppress(OSError):  # somebody put a file there meanwhile
                folder.rmdir()

    def finish(self) -> None:
        for _, old in self._placed:
            if old is not None:
                old.unlink(missing_ok=True)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
