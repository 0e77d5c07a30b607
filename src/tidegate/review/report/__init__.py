"""Reports: a function from a ``Report`` to text for each format; none of them prints."""

from __future__ import annotations

from collections.abc import Callable

from tidegate.review.report.github import github
from tidegate.review.report.json import to_json
from tidegate.review.report.markdown import markdown
from tidegate.review.report.sarif import sarif
from tidegate.review.report.terminal import terminal
from tidegate.review.run import Report

__all__ = ["FORMATS", "terminal"]

FORMATS: dict[str, Callable[[Report], str]] = {
    "json": to_json,
    "sarif": sarif,
    "github": github,
    "markdown": markdown,
}
"""Formats for other programs; ``terminal`` is for people."""
