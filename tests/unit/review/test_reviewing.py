"""Bad input, silencing, settings, exit codes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.unit.review.helpers import review_project
from typer.testing import CliRunner

from tidegate.cli.main import app
from tidegate.errors import ConfigError
from tidegate.review import Options, review
from tidegate.review.settings import read_settings

BAD = "import socketio\nsio = socketio.AsyncServer()\nasync def f():\n    await sio.emit('x')\n"
LINE = "    await sio.emit('x')"
ROOT = Path(__file__).parents[3]


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / f"{name}.py").write_text(text)


# Bad input


def test_bad_files_are_skipped_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "huge.ts").write_bytes(b"// socket.io\n" * 100_000)
    (tmp_path / "minified.js").write_bytes(b"var a='socket.io';" * 2_000)
    (tmp_path / "latin.py").write_bytes("# socketio: é\n".encode("latin-1"))
    (tmp_path / "gone.ts").symlink_to(tmp_path / "nowhere")
    (tmp_path / "pipe.py").symlink_to("/dev/null")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "a.ts").symlink_to(tmp_path / "a.ts")
    report = review([tmp_path], Options(root=tmp_path))
    notes = {note.file: note.reason for note in report.notes}
    assert set(notes) == {"huge.ts", "minified.js", "latin.py", "gone.ts", "pipe.py", "a.ts"}
    assert not report.findings


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_a_note(tmp_path: Path) -> None:
    write(tmp_path, secret=BAD)
    (tmp_path / "secret.py").chmod(0)
    assert review([tmp_path], Options(root=tmp_path)).notes[0].reason.startswith("can't be read")


@pytest.mark.parametrize(
    "text",
    [
        "// socket.io\n" + "(\n" * 50_000,
        "// socket.io\nx = " + "[\n" * 20_000 + "]\n" * 20_000,
        "// socket.io\n" + "a.\n" * 20_000 + "emit('x')",
        "// socket.io\n" + "a()\n." * 5_000 + "emit('x')",
        "// socket.io\nio.emit(\ud83d)".encode("utf-8", "replace").decode(),
        "// socket.io\n@WebSocketGateway(\nclass { @SubscribeMessage( on(",
        "// socket.io\0\0\0",
        "",
    ],
)
def test_no_text_ends_a_review(text: str) -> None:
    for name in ("a.ts", "a.tsx", "a.js", "a.py"):
        report = review_project({name: text.replace("//", "#") if name == "a.py" else text})
        assert not [note for note in report.notes if "failed" in note.reason]


# What is looked at


def test_ignored_folders_are_left_out(tmp_path: Path) -> None:
    for folder in ("node_modules/x", ".venv/x", "src/generated", "src/keep", "old"):
        (tmp_path / folder).mkdir(parents=True)
        write(tmp_path / folder, a=BAD)
    (tmp_path / ".gitignore").write_text("# made\n/old\n")
    (tmp_path / "src" / ".gitignore").write_text("generated/\n")
    report = review([tmp_path], Options(root=tmp_path))
    assert {each.file for each in report.findings} == {"src/keep/a.py"}
    report = review([tmp_path], Options(root=tmp_path, exclude=["keep"]))
    assert not report.findings
    named = tmp_path / "old" / "a.py"
    assert review([named], Options(root=tmp_path)).findings


def test_tests_are_not_reviewed() -> None:
    files = {"tests/test_a.py": BAD, "a.spec.ts": "import 'socket.io';\nio.emit('x');"}
    assert not review_project(files).findings


def test_a_project_outside_the_root_is_reviewed_too(tmp_path: Path) -> None:
    write(tmp_path, a=BAD)
    (tmp_path / "elsewhere").mkdir()
    assert review([tmp_path / "a.py"], Options(root=tmp_path / "elsewhere")).findings


# Silencing


@pytest.mark.parametrize(
    ("code", "count"),
    [
        (f"{LINE}  # tidegate-ignore global-emit: public", 0),
        (f"    # tidegate-ignore global-emit: public\n    # and more\n{LINE}", 0),
        (f"    # tidegate-ignore any-origin, global-emit: public\n{LINE}", 0),
        (f"{LINE}  # tidegate-ignore global-emit", 1),
        (f"{LINE}  # tidegate-ignore any-origin: public", 1),
        (f"    # tidegate-ignore global-emit: public\n    pass\n{LINE}", 1),
        (f"    '# tidegate-ignore global-emit: public'\n{LINE}", 1),
    ],
)
def test_a_comment_with_a_reason_silences(code: str, count: int) -> None:
    report = review_project({"a.py": BAD.replace(LINE, code)}, "global-emit")
    assert len(report.findings) == count
    assert report.silenced == 1 - count
    assert bool(report.notes) == code.endswith("global-emit")


# Settings


def test_settings_are_read_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text('[tool.tidegate.review]\nignore = ["tenant"]\nbaseline = "known.json"\n')
    assert read_settings(tmp_path).ignore == ("tenant",)
    (tmp_path / "tidegate.toml").write_text('[review]\nselect = ["global-emit"]\n')
    assert read_settings(tmp_path).source == "tidegate.toml"
    for text in ("[review]\nlevitate = 1", "[review]\nselect = 'x'", "review = 1", "[review"):
        (tmp_path / "tidegate.toml").write_text(text)
        with pytest.raises(ConfigError):
            read_settings(tmp_path)
    (tmp_path / "tidegate.toml").write_text('[review]\nselect = ["no-such"]\n')
    with pytest.raises(ConfigError, match="no-such"):
        read_settings(tmp_path)


# The command


def test_exit_codes_and_the_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, a=BAD)
    run = CliRunner().invoke
    assert run(app, ["review", ".", "--ignore", "global-emit", "--select", "tenant"]).exit_code == 0
    assert run(app, ["review", ".", "--select", "global-emit"]).exit_code == 1
    assert run(app, ["review", "nowhere"]).exit_code == 2
    assert run(app, ["review", ".", "--format", "xml"]).exit_code == 2
    assert isinstance(run(app, ["review", ".", "--select", "x"]).exception, ConfigError)
    assert run(app, ["review", ".", "--write-baseline", "known.json"]).exit_code == 0
    assert run(app, ["review", ".", "--baseline", "known.json"]).exit_code == 0
    write(tmp_path, a="\n\n" + BAD, b=BAD)
    report = run(app, ["review", ".", "--baseline", "known.json", "--format", "github"])
    assert "file=b.py" in report.output and "file=a.py" not in report.output


def test_explain_tells_a_rule_and_lists_all() -> None:
    run = CliRunner().invoke
    assert "## Why" in run(app, ["explain", "global-emit"]).output
    assert "global-emit" in run(app, ["explain"]).output
    assert run(app, ["explain", "levitate"]).exit_code == 2


# Our own


@pytest.mark.parametrize(
    "folder",
    [*sorted((ROOT / "tests" / "golden").glob("[a-z]*")), ROOT / "examples"],
    ids=lambda p: p.name,
)
def test_what_tidegate_new_writes_has_no_finding(folder: Path) -> None:
    report = review([folder], Options(root=folder))
    assert report.realtime_files
    assert not report.findings
    assert not report.notes
