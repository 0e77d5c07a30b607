"""The arrows between layers point one way."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "tidegate"
ALLOWED = {
    "errors": set(),
    "ids": set(),
    "backoff": set(),
    "deadlines": set(),
    "protocol": {"errors", "ids"},
    "events": {"errors", "ids", "protocol"},
    "auth": {"errors", "ids"},
    "log": {"errors", "ids", "backoff"},
    "hub": {"errors", "ids", "auth", "log", "protocol"},
    "sources": {"errors", "ids", "backoff", "events", "log"},
    "transports": {"errors", "ids", "deadlines", "auth", "hub", "protocol"},
    "app": {
        *{"errors", "ids", "deadlines", "protocol", "events", "auth", "log", "hub"},
        *{"sources", "transports", "api"},
    },
    "doctor": {"errors", "app", "auth", "log", "sources", "transports"},
    "contract": {"errors", "app", "events"},
    "scaffold": {"errors"},
    "review": {"errors"},
    "testing": {"errors", "ids", "protocol", "events", "log", "sources", "transports", "app"},
    "api": {"errors", "ids", "app", "events", "hub", "log", "sources", ""},
}


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tidegate":
            found.add(".".join((node.module or "").split(".")[1:2]))
    return found


@pytest.mark.parametrize("layer", sorted(ALLOWED))
def test_a_layer_imports_only_what_is_below_it(layer: str) -> None:
    files = [SOURCE / f"{layer}.py"]
    if not files[0].exists():
        files = sorted((SOURCE / layer).rglob("*.py"))
    assert files
    for file in files:
        assert imports_of(file) <= ALLOWED[layer] | {layer}, file.name


def test_nothing_that_runs_in_production_imports_what_is_for_tests() -> None:
    for_tests = {SOURCE / "testing", SOURCE / "transports" / "memory.py"}
    imports = re.compile(
        r"^\s*(?:from|import) tidegate\.(?:testing|transports\.memory)", re.MULTILINE
    )
    for file in sorted(SOURCE.rglob("*.py")):
        if not for_tests & {file, *file.parents}:
            assert not imports.search(file.read_text()), file


# Inside of the reviewer: the model reads, facts follow from it, rules judge by facts and correct.
_BELOW_RULES = {"edits", "facts", "model", "source", "fix", "diagnostic", "discover"}
REVIEW = {
    "model": {"model", "source", "discover", "diagnostic"},
    "facts": _BELOW_RULES,
    "edits": _BELOW_RULES,
    "rules": _BELOW_RULES | {"registry"},
}


@pytest.mark.parametrize("layer", REVIEW)
def test_a_layer_of_the_reviewer_imports_only_what_is_below_it(layer: str) -> None:
    files = sorted((SOURCE / "review" / layer).rglob("*.py"))
    assert files
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tidegate."):
                part = (node.module or "").split(".")[2:3]
                assert part and part[0] in REVIEW[layer], f"{file.name}: {node.module}"
