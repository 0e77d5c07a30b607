"""Markdown, for a comment on a pull request or a job's summary."""

from __future__ import annotations

from tidegate.review.run import Report

__all__ = ["markdown"]


def markdown(report: Report) -> str:
    """Return a table, most severe first."""
    if not report.findings:
        return f"`tidegate review` found nothing in {report.files} files.\n"
    lines = ["| severity | rule | where | what | remedy |", "| --- | --- | --- | --- | --- |"]
    for each in report.worst_first():
        severity = each.severity if each.verdict == "fault" else "could not tell"
        cells = (
            severity,
            f"`{each.rule}`",
            f"`{each.file}:{each.line}`",
            each.message,
            each.remedy,
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
