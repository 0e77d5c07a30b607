"""``--fix`` writes what is safe and nothing else; what it writes parses and stays as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tidegate.cli.main import app
from tidegate.review import Finding, Options
from tidegate.review.correct import correct, corrected_lines, write
from tidegate.review.fix import Edit, replaced, safe, suggested
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule

NAME = "port-in-code"
RULE = Rule(
    name=NAME,
    topic="transport",
    severity="low",
    languages=("python",),
    summary="A port stands in the code.",
    why="For the tests of corrections only.",
    remedy="Read it.",
    examples=(Example("python", bad="a = 1", good="a = 2"),),
    _check=[lambda model: ports(model)],
)
CODE = "import socketio\n\nserve(8000)  # a comment\nserve( 'é😀', 9000 )\n"


REPLACEMENTS = {"8000": "PORT", "9000": "OTHER", "7000": "((", "1": "2", "2": "3"}


def ports(model: Model) -> Iterator[Finding]:
    """Find ports: 8000 can be mended, 9000 only be shown, 7000 breaks the code."""
    for file in model.files:
        for call in file.calls:
            for arg in call.args if call.name == "serve" else ():
                if arg.text in REPLACEMENTS:
                    edit = replaced(arg, REPLACEMENTS[arg.text])
                    fix = suggested(edit) if arg.text == "9000" else safe(edit)
                    yield RULE.fault(arg, "This is a port.", fix=fix)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tidegate.review.run.all_rules", lambda: (RULE,))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options(folder: Path) -> Options:
    return Options(root=folder)


def test_safe_fixes_are_written_and_the_rest_is_kept(folder: Path) -> None:
    file = folder / "a.py"
    file.write_bytes(CODE.encode())
    file.chmod(0o640)
    correction = correct([folder], options(folder))
    assert correction.count == 1
    assert [each.line for each in correction.report.findings] == [4]
    assert write(correction, folder) == [file.resolve()]
    assert file.read_bytes().decode() == CODE.replace("8000", "PORT")
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in folder.iterdir()] == ["a.py"]


def test_a_second_time_there_is_nothing_to_do(folder: Path) -> None:
    (folder / "a.py").write_text(CODE)
    write(correct([folder], options(folder)), folder)
    again = correct([folder], options(folder))
    assert not again.count and not again.after and not again.diff()


def test_a_fix_that_makes_another_possible_is_followed_by_it(folder: Path) -> None:
    (folder / "a.py").write_text("import socketio\nserve(1)\n")
    correction = correct([folder], options(folder))
    assert correction.after["a.py"] == "import socketio\nserve(3)\n"
    assert not correction.report.findings


def test_what_would_not_parse_is_not_made(folder: Path) -> None:
    (folder / "a.py").write_text("import socketio\nserve(7000)\nserve(8000)\n")
    correction = correct([folder], options(folder))
    assert correction.after["a.py"] == "import socketio\nserve(7000)\nserve(PORT)\n"
    assert [each.line for each in correction.report.findings] == [2]


def test_line_ends_and_a_byte_order_mark_are_kept(folder: Path) -> None:
    data = b"\xef\xbb\xbf" + CODE.replace("\n", "\r\n").encode()
    (folder / "a.py").write_bytes(data)
    write(correct([folder], options(folder)), folder)
    assert (folder / "a.py").read_bytes() == data.replace(b"8000", b"PORT")


def test_a_file_that_is_not_utf_8_is_left_with_a_note(folder: Path) -> None:
    data = CODE.encode("utf-16")
    (folder / "a.py").write_bytes(data)
    (folder / "b.py").write_bytes(CODE.encode("latin-1", "replace") + b"# \xe9\n")
    correction = correct([folder], options(folder))
    assert not write(correction, folder)
    assert (folder / "a.py").read_bytes() == data
    assert any("not UTF-8" in note.reason for note in correction.report.notes)


def test_a_silenced_finding_is_not_mended(folder: Path) -> None:
    text = f"import socketio\nserve(8000)  # tidegate-ignore {NAME}: so it is\n"
    (folder / "a.py").write_text(text)
    assert not correct([folder], options(folder)).after


def test_a_finding_shows_its_own_lines_corrected(folder: Path) -> None:
    (folder / "a.py").write_text(CODE)
    report = correct([folder], options(folder)).report
    [finding] = report.findings
    lines = corrected_lines(finding, report.texts)
    assert "-serve( 'é😀', 9000 )" in lines and "+serve( 'é😀', OTHER )" in lines


def test_an_edit_of_another_file_is_named(folder: Path) -> None:
    (folder / "a.py").write_text(CODE)
    report = correct([folder], options(folder)).report
    [finding] = report.findings
    other = replace(finding, fix=suggested(Edit("b.py", 0, 1, "y")))
    assert corrected_lines(other, {"b.py": "x\n"})[0] == "in b.py:"


# The command


def test_diff_alone_writes_nothing(folder: Path) -> None:
    (folder / "a.py").write_text(CODE)
    done = CliRunner().invoke(app, ["review", ".", "--diff"])
    assert done.exit_code == 1
    assert done.stdout.startswith("--- a/a.py\n+++ b/a.py\n@@")
    assert "-serve(8000)  # a comment\n+serve(PORT)  # a comment\n" in done.stdout
    assert (folder / "a.py").read_text() == CODE


def test_fix_with_diff_writes_shows_and_reports_the_rest(folder: Path) -> None:
    (folder / "a.py").write_text(CODE)
    done = CliRunner().invoke(app, ["review", ".", "--fix", "--diff"])
    assert done.exit_code == 1
    assert "+serve(PORT)" in done.stdout and "4:14  low" in done.stdout
    assert "mended 1 finding in 1 file" in done.stderr
    assert "PORT" in (folder / "a.py").read_text()


def test_fix_ends_with_0_if_nothing_is_left(folder: Path) -> None:
    (folder / "a.py").write_text("import socketio\nserve(8000)\n")
    assert CliRunner().invoke(app, ["review", ".", "--fix"]).exit_code == 0
    assert CliRunner().invoke(app, ["review", ".", "--fix"]).stderr == "nothing to mend unasked\n"


def test_fix_and_a_new_baseline_exclude_each_other(folder: Path) -> None:
    (folder / "a.py").write_text(CODE)
    done = CliRunner().invoke(app, ["review", ".", "--fix", "--write-baseline", "b.json"])
    assert done.exit_code == 2
    assert (folder / "a.py").read_text() == CODE


def test_json_has_the_edits(folder: Path) -> None:
    (folder / "a.py").write_text("import socketio\nserve(8000)\n")
    done = CliRunner().invoke(app, ["review", ".", "--format", "json"])
    [finding] = json.loads(done.stdout)["findings"]
    edit = {"file": "a.py", "start": 22, "end": 26, "text": "PORT"}
    assert finding["fix"] == {"edits": [edit], "is_safe": True}
