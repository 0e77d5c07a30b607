"""What a rule says about a place in the code."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from tidegate.review.fix import Fix

__all__ = ["SEVERITIES", "Confidence", "Finding", "Note", "Severity", "Verdict"]

Severity = Literal["critical", "high", "medium", "low"]
Confidence = Literal["certain", "likely"]
Verdict = Literal["fault", "could-not-tell"]

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
"""Most severe first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule is broken, or where that could not be told.

    Attributes:
        rule: Name of the rule.
        file: Path relative to the reviewed project, with forward slashes.
        line: First line; lines and columns start at 1, columns count characters.
        end_column: The column after the last character.
        message: One sentence on this very place.
        remedy: One sentence on what to do.
        code: The first line as it is in the file, for reports.
        verdict: ``could-not-tell`` is shown only when asked for, and never fails a review.
        fix: The very code corrected, if the rule knows how.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    remedy: str
    code: str = ""
    verdict: Verdict = "fault"
    fix: Fix | None = field(default=None, compare=False)

    @property
    def fingerprint(self) -> str:
        """Return what stays the same when lines are added above: rule, file and the code line."""
        text = "\0".join((self.rule, self.file, " ".join(self.code.split())))
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    @property
    def order(self) -> tuple[str, int, int, str]:
        """Return by what findings are sorted: file, place, rule."""
        return self.file, self.line, self.column, self.rule


@dataclass(frozen=True, slots=True)
class Note:
    """A file that was not reviewed, or not as asked, and why."""

    file: str
    reason: str
