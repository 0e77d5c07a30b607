"""What judges contracts: programs in Node, installed by ``scripts/prepare_tests.sh``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "node"
ROOT = Path(__file__).parents[2]

Judged = subprocess.CompletedProcess[str]


def node(*command: str, given: str = "") -> Judged:
    path = f"{os.environ['PATH']}:{ROOT / '.venv' / 'bin'}"
    return subprocess.run(
        command,
        cwd=FOLDER,
        env={**os.environ, "PATH": path},
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def parse_asyncapi(document: str) -> dict[str, Any]:
    """Return what the official parser says: ``isValid``, ``found``, ``operations``."""
    done = node("node", "validate.mjs", given=document)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def tidegate(*arguments: str, cwd: Path = ROOT, **environ: str) -> Judged:
    """Run the command as a user does."""
    clean = {key: v for key, v in os.environ.items() if not key.startswith("TIDEGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "tidegate", *arguments],
        cwd=cwd,
        env={**clean, "COLUMNS": "200", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
