"""Silencing in place: ``// tidegate-ignore rule-name: reason``, ``# tidegate-ignore …``.

The comment holds for its own line, or for the next line of code if it stands alone. Without a
reason it silences nothing, and a note says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tidegate.review.diagnostic import Finding, Note
from tidegate.review.source import SourceFile

__all__ = ["without_silenced"]

_COMMENT = re.compile(
    r"tidegate-ignore\s+([a-z][a-z0-9-]*(?:\s*,\s*[a-z][a-z0-9-]*)*)\s*(?::\s*(.*))?"
)


def without_silenced(
    findings: Iterable[Finding], files: dict[str, SourceFile], notes: list[Note]
) -> tuple[list[Finding], int]:
    """Return what is left, and how many were silenced."""
    findings = list(findings)
    silenced: dict[str, dict[int, set[str]]] = {}
    left = []
    for finding in findings:
        if finding.file not in silenced:
            silenced[finding.file] = _silenced_in(files[finding.file], notes)
        if finding.rule not in silenced[finding.file].get(finding.line, ()):
            left.append(finding)
    return left, len(findings) - len(left)


def _silenced_in(file: SourceFile, notes: list[Note]) -> dict[int, set[str]]:
    if "tidegate-ignore" not in file.text:
        return {}
    lines: dict[int, set[str]] = {}
    for comment in file.comments:
        match = _COMMENT.search(comment.text)
        if match is None:
            continue
        reason = (match[2] or "").removesuffix("*/").strip().removesuffix("*/}").strip()
        if not reason:
            notes.append(Note(file.name, f"line {comment.line}: tidegate-ignore without a reason"))
            continue
        names = set(re.split(r"\s*,\s*", match[1]))
        start = comment.raw.range().start
        line = start.line + 1
        lines.setdefault(line, set()).update(names)
        if not file.line(line)[: start.column].strip(" \t{"):
            lines.setdefault(_next_code(file, comment.raw.range().end.line + 2), set()).update(
                names
            )
    return lines


def _next_code(file: SourceFile, line: int) -> int:
    while line <= len(file.lines) and re.match(r"\s*(?://|#|/?\*|$)", file.line(line)):
        line += 1
    return line
