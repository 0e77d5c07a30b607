"""A review of code that a test holds as text."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from tidegate.review import Finding, Options, Report, review

__all__ = ["found", "review_project", "review_text"]


def review_project(files: Mapping[str, str], *rules: str, could_not_tell: bool = False) -> Report:
    """Review files that are given by name."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return review([root], Options(root=root, select=rules, could_not_tell=could_not_tell))


def review_text(
    text: str, *rules: str, name: str = "example.ts", could_not_tell: bool = False
) -> list[Finding]:
    """Review one file and return what some rules found; no rule may fail."""
    report = review_project({name: text}, *rules, could_not_tell=could_not_tell)
    assert not report.notes, report.notes
    return report.findings


def found(text: str, rule: str, name: str = "example.ts") -> list[int]:
    """Return the lines of a file where a rule found a fault."""
    return [finding.line for finding in review_text(text, rule, name=name)]
