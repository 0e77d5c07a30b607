"""The pre-commit hook and the GitHub Action run the reviewer as they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
BAD = "import socketio\nsio = socketio.AsyncServer(cors_allowed_origins='*')\n"


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def test_the_hook_reviews_the_project(tmp_path: Path) -> None:
    [hook] = load(".pre-commit-hooks.yaml")
    assert hook["language"] == "python" and not hook["pass_filenames"]
    (tmp_path / "a.py").write_text(BAD)
    command = [*hook["entry"].split(), *hook["args"]]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "any-origin" in done.stdout


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """Give the environment of a runner where the action is installed."""
    binaries = tmp_path / "temporary/tidegate/bin"
    binaries.mkdir(parents=True)
    (binaries / "tidegate").write_text(f'#!/bin/sh\nexec {sys.executable} -m tidegate "$@"\n')
    (binaries / "tidegate").chmod(0o755)
    (tmp_path / "code").mkdir()
    (tmp_path / "code/a.py").write_text(BAD)
    return os.environ | {
        "RUNNER_TEMP": str(tmp_path / "temporary"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "PATHS": "a.py",
        "ARGUMENTS": "--select any-origin",
        "SARIF_FILE": "found.sarif",
        "FAIL_ON_FINDINGS": "true",
    }


def step(runner: dict[str, str], **changes: str) -> subprocess.CompletedProcess[str]:
    script = load("action.yml")["runs"]["steps"][-1]["run"]
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=Path(runner["RUNNER_TEMP"]).parent / "code",
        env=runner | changes,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_action_annotates_and_fails(runner: dict[str, str], tmp_path: Path) -> None:
    done = step(runner)
    assert done.returncode == 1, done.stderr
    assert "::error file=a.py,line=2" in done.stdout
    assert "any-origin" in (tmp_path / "summary").read_text()
    assert '"2.1.0"' in (tmp_path / "code/found.sarif").read_text()
    assert (tmp_path / "output").read_text() == "exit-code=1\n"


def test_the_action_need_not_fail(runner: dict[str, str]) -> None:
    assert step(runner, FAIL_ON_FINDINGS="false").returncode == 0


def test_the_action_fails_on_misuse_whatever_was_asked(runner: dict[str, str]) -> None:
    assert step(runner, PATHS="nowhere", FAIL_ON_FINDINGS="false").returncode == 2


def test_inputs_are_not_run_as_code(runner: dict[str, str], tmp_path: Path) -> None:
    step(runner, PATHS="$(touch pwned); touch pwned")
    assert not (tmp_path / "code/pwned").exists()
    steps = load("action.yml")["runs"]["steps"]
    assert not any("${{" in each.get("run", "") for each in steps)
