"""Counts by callgrind, and the comparison with stored ones.

Counts depend on how Python and the libraries were built, so what is stored is divided by a
yardstick that is counted in the same run: work of the same kind (calls, dictionaries, JSON, bytes)
that does not change with the gateway. What is left between machines is in the tolerance.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.instructions.work import CALLS, SOCKETS

__all__ = ["TOLERANCE", "CountError", "compare", "count", "load", "store"]

HERE = Path(__file__).parent
STORED = HERE / "stored.json"
TOLERANCE = 0.10
"""What a figure may differ by from what is stored, up or down."""

TIMEOUT = 300.0


class CountError(Exception):
    """It can't be counted here; says what is missing."""


def count() -> dict[str, float]:
    """Return instructions per event, delivery, handshake, ack, and of the yardstick.

    Raises:
        CountError: valgrind or a compiler is missing, or the program failed.
    """
    with tempfile.TemporaryDirectory(prefix="tidegate-count-") as folder:
        counter = _build(Path(folder))
        _run(Path(folder), counter)
        totals = dict(map(_read, Path(folder).glob("counts.*")))
    missing = CALLS.keys() - totals.keys()
    if missing:
        raise CountError(f"callgrind wrote no counts of {', '.join(sorted(missing))}")
    each = {name: totals[name] / times for name, times in CALLS.items()}
    delivery = (each["events-to-many"] - each["events-to-one"]) / (SOCKETS - 1)
    return {
        "event": each["events-to-one"] - delivery,
        "delivery": delivery,
        "handshake": each["handshakes"],
        "ack": each["acks"],
        "yardstick": each["yardstick"],
    }


def compare(counts: Mapping[str, float], stored: Mapping[str, float]) -> list[str]:
    """Return what differs by more than the tolerance, in sentences."""
    problems = []
    for name, ratio in stored.items():
        change = counts[name] / counts["yardstick"] / ratio - 1
        if change > TOLERANCE:
            problems.append(f"{name}: {change:+.1%} instructions; find what costs, or --store")
        elif change < -TOLERANCE:
            problems.append(f"{name}: {change:+.1%} instructions: a gain; keep it with --store")
    return problems


def load() -> dict[str, float]:
    """Return the stored figures, in yardsticks."""
    figures: dict[str, float] = json.loads(STORED.read_text("utf-8"))
    return figures


def store(counts: Mapping[str, float]) -> None:
    """Keep counts as what it may cost from here on."""
    figures = {
        name: round(figure / counts["yardstick"], 4)
        for name, figure in counts.items()
        if name != "yardstick"
    }
    STORED.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


def _build(folder: Path) -> Path:
    for tool in ("gcc", "valgrind"):
        if shutil.which(tool) is None:
            raise CountError(f"{tool} is not installed; Debian's package has the same name")
    library = folder / "counter.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "counter.c")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CountError(f"the counter can't be built: {done.stderr.strip()}")
    return library


def _run(folder: Path, counter: Path) -> None:
    command = [
        *("valgrind", "--tool=callgrind", "--collect-atstart=no", "--compress-strings=no"),
        f"--callgrind-out-file={folder / 'counts'}",
        *(sys.executable, "-m", "benchmarks.instructions.work", str(counter)),
    ]
    environment = os.environ | {
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(HERE.parents[1]),
        # What the compiler of regular expressions and the imports do is not what is counted.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    if done.returncode:
        raise CountError(f"the counted program failed: {done.stderr.strip()[-2_000:]}")


def _read(dump: Path) -> tuple[str, int]:
    text = dump.read_text("utf-8", "replace")
    name = re.search(r"^desc: Trigger: Client Request: (\S+)$", text, re.MULTILINE)
    total = re.search(r"^(?:summary|totals): (\d+)$", text, re.MULTILINE)
    return name[1] if name else "", int(total[1]) if total else 0
