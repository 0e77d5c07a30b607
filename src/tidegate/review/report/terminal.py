"""For people: grouped by file, the code line shown, the remedy in a sentence."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from tidegate.review.correct import corrected_lines
from tidegate.review.diagnostic import SEVERITIES, Finding
from tidegate.review.registry import rule_named
from tidegate.review.run import Report

__all__ = ["terminal"]

_COLORS = {"critical": "1;31", "high": "31", "medium": "33", "low": "36"}
_MAX_WIDTH = 110


def terminal(report: Report, *, color: bool = False, show_fix: bool = False) -> str:
    """Return the report as text.

    Args:
        color: With escape sequences.
        show_fix: With each finding's code corrected; where a rule can't, its good example, once.
    """
    parts = []
    shown: set[str] = set()
    for file, findings in groupby(report.findings, key=lambda each: each.file):
        parts.append(_paint(file, "1", color=color))
        for finding in findings:
            parts.append(_entry(finding, color=color))
            corrected = corrected_lines(finding, report.texts) if show_fix else []
            if corrected:
                parts.append(_corrected(corrected, color=color))
            elif show_fix and finding.rule not in shown:
                shown.add(finding.rule)
                parts.append(_good(finding))
        parts.append("")
    parts += [
        f"skipped {note.file}: {note.reason}".replace("skipped : ", "") for note in report.notes
    ]
    parts.append(_summary(report))
    return "\n".join(parts) + "\n"


def _entry(finding: Finding, *, color: bool) -> str:
    label = str(finding.severity) if finding.verdict == "fault" else "could not tell"
    place = f"{finding.line}:{finding.column}"
    label = _paint(label, _COLORS[finding.severity], color=color)
    code = finding.code.strip()
    shift = len(finding.code) - len(finding.code.lstrip())
    start = max(0, finding.column - 1 - shift)
    end = finding.end_column - 1 - shift if finding.end_line == finding.line else len(code)
    width = max(1, min(end, len(code), _MAX_WIDTH) - start)
    lines = [f"  {place}  {label}  {finding.rule}  {finding.message}"]
    if code and start < _MAX_WIDTH:
        lines += [f"      {code[:_MAX_WIDTH]}", "      " + " " * start + "^" * width]
    return "\n".join([*lines, f"      {finding.remedy}"])


def _corrected(lines: list[str], *, color: bool) -> str:
    colors = {"+": "32", "-": "31", "@": "36"}
    return "\n".join(
        ["      Corrected:"]
        + [
            "        " + (_paint(line, colors[line[0]], color=color) if line[0] in colors else line)
            for line in lines
        ]
    )


def _good(finding: Finding) -> str:
    rule = rule_named(finding.rule)
    suffix = finding.file.rsplit(".", 1)[-1]
    language = "python" if suffix == "py" else "typescript"
    examples = [each for each in rule.examples if each.language == language] if rule else []
    if not examples:
        return "      No example in this language; see `tidegate explain`."
    code = examples[0].good.rstrip().replace("\n", "\n        ")
    return f"      Such as:\n        {code}"


def _summary(report: Report) -> str:
    counts = Counter(each.severity for each in report.faults)
    faults = ", ".join(f"{counts[each]} {each}" for each in SEVERITIES if counts[each])
    unknown = len(report.findings) - len(report.faults)
    parts = [faults or "nothing found"]
    parts += [f"{unknown} could not be told"] if unknown else []
    parts += [f"{report.known} in the baseline"] if report.known else []
    parts += [f"{report.silenced} silenced"] if report.silenced else []
    fixable = sum(1 for each in report.faults if each.fix and each.fix.is_safe)
    parts += [f"{fixable} can be mended with --fix"] if fixable else []
    files = f"{report.files} files, {report.realtime_files} with realtime code"
    return f"{'; '.join(parts)} ({files}, {report.seconds:.1f} s)"


def _paint(text: str, code: str, *, color: bool) -> str:
    return f"\033[{code}m{text}\033[0m" if color else text
