"""Builds and installs what is measured: the C programs, Node's packages, the private venv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = [
    "BUILD",
    "ROOT",
    "VENV_PYTHON",
    "MissingToolError",
    "prepare",
]

ROOT = Path(__file__).resolve().parent
BUILD = ROOT / "build"
VENV_PYTHON = BUILD / "venv" / "bin" / "python"


class MissingToolError(Exception):
    """A program that the benchmarks need is not installed."""


def prepare(server_names: Iterable[str]) -> None:
    """Build and install what the servers need, as far as that is out of date.

    Raises:
        MissingToolError: A compiler, Node or npm is not installed.
        subprocess.CalledProcessError: A step failed; it has said why.
    """
    BUILD.mkdir(exist_ok=True)
    _compile("load", sorted((ROOT / "load").glob("*.c")), sorted((ROOT / "load").glob("*.h")))
    _install_venv()
    steps: dict[str, Callable[[], None]] = {
        "c-loop": lambda: _compile("c_loop", [ROOT / "peers" / "c_loop" / "server.c"]),
        "node": lambda: _install_node_packages("node"),
        "nest": _build_nest,
    }
    for name in server_names:
        step = steps.get("node" if name.startswith("node-") else name)
        if step is not None:
            step()


def _compile(program: str, sources: list[Path], headers: Iterable[Path] = ()) -> None:
    target = BUILD / program
    if _is_newer(target, [*sources, *headers]):
        return
    flags = ["-O2", "-Wall", "-Wextra"]
    _run([_tool("gcc"), *flags, "-o", str(target), *map(str, sources)])


def _install_node_packages(peer: str) -> None:
    folder = ROOT / "peers" / peer
    stamp = folder / "node_modules" / ".package-lock.json"
    if not _is_newer(stamp, [folder / "package-lock.json"]):
        _run([_tool("npm"), "ci", "--no-audit", "--no-fund"], cwd=folder)
        stamp.touch()


def _build_nest() -> None:
    _install_node_packages("nest")
    folder = ROOT / "peers" / "nest"
    source = folder / "src" / "server.ts"
    if not _is_newer(folder / "dist" / "server.js", [source, folder / "package-lock.json"]):
        _run([_tool("npm"), "run", "--silent", "build"], cwd=folder)


def _install_venv() -> None:
    requirements = [
        ROOT / "peers" / "python_socketio" / "requirements.txt",
        ROOT / "plot-requirements.txt",
    ]
    stamp = BUILD / "venv" / ".ready"
    if _is_newer(stamp, requirements):
        return
    _run([sys.executable, "-m", "venv", str(BUILD / "venv")])
    files = [argument for path in requirements for argument in ("-r", str(path))]
    _run([str(VENV_PYTHON), "-m", "pip", "install", "--quiet", *files])
    stamp.touch()


def _is_newer(target: Path, sources: Iterable[Path]) -> bool:
    if not target.exists():
        return False
    made = target.stat().st_mtime
    return all(source.stat().st_mtime <= made for source in sources)


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise MissingToolError(
            f"{name} is not installed; the benchmarks need gcc, and Node with npm"
        )
    return path


def _run(command: list[str], cwd: Path | None = None) -> None:
    print("+", os.path.relpath(command[0]), *command[1:], file=sys.stderr)
    subprocess.run(command, cwd=cwd, check=True, stdout=sys.stderr)
