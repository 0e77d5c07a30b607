"""A plan is written whole or not at all, and over nobody's work."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

import pytest

from tidegate.errors import FileConflict, TemplateError
from tidegate.scaffold.plan import FileKind, Plan, PlannedFile
from tidegate.scaffold.writer import DirectoryProject, Status, compare, write


def planned(path: str, content: str = "new\n", kind: FileKind = "create") -> PlannedFile:
    return PlannedFile(PurePosixPath(path), content, kind)


def statuses(plan: Plan, project: DirectoryProject) -> list[Status]:
    return [change.status for change in compare(plan, project)]


def tree(root: Path) -> dict[str, str | None]:
    """Every file with its text, every folder."""
    return {
        str(path.relative_to(root)): path.read_text() if path.is_file() else None
        for path in sorted(root.rglob("*"))
    }


PLAN = Plan(
    (
        planned("a/deep/one.py"),
        planned("a/edited.py", "after\n", "edit"),
        planned("b/two.py"),
        planned("same.py", "same\n"),
    )
)


@pytest.fixture
def project(tmp_path: Path) -> DirectoryProject:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/edited.py").write_text("before\n")
    (tmp_path / "same.py").write_text("same\n")
    return DirectoryProject(tmp_path)


def test_files_are_created_edited_and_left(project: DirectoryProject) -> None:
    assert statuses(PLAN, project) == ["create", "edit", "create", "unchanged"]
    write(compare(PLAN, project), project)
    assert tree(project.root) == {
        "a": None,
        "a/deep": None,
        "a/deep/one.py": "new\n",
        "a/edited.py": "after\n",
        "b": None,
        "b/two.py": "new\n",
        "same.py": "same\n",
    }


def test_a_second_run_changes_nothing(project: DirectoryProject) -> None:
    write(compare(PLAN, project), project)
    times = {path: path.stat().st_mtime_ns for path in project.root.rglob("*")}
    assert statuses(PLAN, project) == ["unchanged"] * 4
    write(compare(PLAN, project), project)
    assert {path: path.stat().st_mtime_ns for path in project.root.rglob("*")} == times


def test_nothing_is_overwritten_unasked(project: DirectoryProject) -> None:
    (project.root / "b").mkdir()
    (project.root / "b/two.py").write_text("ours\n")
    before = tree(project.root)
    changes = compare(PLAN, project)
    with pytest.raises(FileConflict) as conflict:
        write(changes, project)
    assert conflict.value.paths == ["b/two.py"]
    assert tree(project.root) == before
    write(changes, project, overwrite={PurePosixPath("b/two.py")})
    assert (project.root / "b/two.py").read_text() == "new\n"


def test_force_overwrites_all(project: DirectoryProject) -> None:
    (project.root / "b").mkdir()
    (project.root / "b/two.py").write_text("ours\n")
    write(compare(PLAN, project), project, overwrite=True)
    assert (project.root / "b/two.py").read_text() == "new\n"


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_failure_half_way_leaves_nothing_behind(project: DirectoryProject, failing: int) -> None:
    before = tree(project.root)
    calls = 0

    def replace(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(28, "No space left on device")
        os.replace(source, target)

    with pytest.raises(TemplateError, match="nothing was written"):
        write(compare(PLAN, project), project, replace=replace)
    assert tree(project.root) == before


def test_an_interrupt_leaves_nothing_behind(project: DirectoryProject) -> None:
    before = tree(project.root)

    def replace(source: Path, target: Path) -> None:
        os.replace(source, target)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(compare(PLAN, project), project, replace=replace)
    assert tree(project.root) == before


def test_a_text_that_can_not_be_written_leaves_nothing_behind(project: DirectoryProject) -> None:
    before = tree(project.root)
    plan = Plan((planned("c/good.py"), planned("c/bad.py", "\ud800")))
    with pytest.raises(TemplateError, match="nothing was written"):
        write(compare(plan, project), project)
    assert tree(project.root) == before


def test_a_file_that_changed_since_is_not_overwritten(project: DirectoryProject) -> None:
    changes = compare(PLAN, project)
    (project.root / "a/edited.py").write_text("meanwhile\n")
    before = tree(project.root)
    with pytest.raises(FileConflict, match=r"a/edited\.py"):
        write(changes, project)
    assert tree(project.root) == before


def test_the_mode_of_a_file_is_kept(project: DirectoryProject) -> None:
    file = project.root / "a/edited.py"
    file.chmod(0o750)
    write(compare(PLAN, project), project)
    assert stat.S_IMODE(file.stat().st_mode) == 0o750


def test_line_ends_are_written_as_planned(project: DirectoryProject) -> None:
    plan = Plan((planned("crlf.py", "a\r\nb\r\n"),))
    write(compare(plan, project), project)
    assert (project.root / "crlf.py").read_bytes() == b"a\r\nb\r\n"
    assert statuses(plan, project) == ["unchanged"]


def test_a_link_out_of_the_project_is_refused(project: DirectoryProject, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (project.root / "out").symlink_to(outside)
    with pytest.raises(TemplateError, match="outside the project"):
        compare(Plan((planned("out/file.py"),)), project)


def test_a_link_inside_the_project_is_followed(project: DirectoryProject) -> None:
    (project.root / "link.py").symlink_to("a/edited.py")
    write(compare(Plan((planned("link.py", "after\n", "edit"),)), project), project)
    assert (project.root / "link.py").is_symlink()
    assert (project.root / "a/edited.py").read_text() == "after\n"


def test_a_file_in_place_of_a_folder_is_refused(project: DirectoryProject) -> None:
    with pytest.raises(TemplateError, match="no folder"):
        compare(Plan((planned("same.py/inner.py"),)), project)


def test_what_is_no_text_is_refused(project: DirectoryProject) -> None:
    (project.root / "b").mkdir()
    (project.root / "b/two.py").write_bytes(b"\xff\xfe")
    with pytest.raises(TemplateError, match="can't be read as text"):
        compare(PLAN, project)


def test_a_project_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(TemplateError):
        DirectoryProject(tmp_path / "missing")
