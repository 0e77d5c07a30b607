"""Workflow commands of GitHub Actions: each finding becomes an annotation of its line."""

from __future__ import annotations

from tidegate.review.run import Report

__all__ = ["github"]

_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "notice"}


def github(report: Report) -> str:
    """Return one line for each finding."""
    lines = []
    for each in report.findings:
        level = _LEVELS[each.severity] if each.verdict == "fault" else "notice"
        place = (
            f"file={_property(each.file)},line={each.line},endLine={each.end_line},"
            f"col={each.column},endColumn={each.end_column},title={_property(each.rule)}"
        )
        lines.append(f"::{level} {place}::{_data(f'{each.message} {each.remedy}')}\n")
    return "".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
