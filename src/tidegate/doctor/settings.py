"""The settings, judged as ``tidegate check`` does."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tidegate.app.config import LoadedSettings
from tidegate.app.safety import setting_warnings, unsafe_settings
from tidegate.doctor.finding import Finding, failed, ok, warning
from tidegate.errors import ConfigError

__all__ = ["SETTINGS", "check_settings"]

SETTINGS = "settings"


async def check_settings(loaded: LoadedSettings) -> AsyncIterator[Finding]:
    """Yield what is unsafe, which ``dev`` permits, and what is worth a word."""
    problems = unsafe_settings(loaded)
    unsafe = warning if loaded.settings.dev else failed
    for problem in problems:
        yield unsafe(SETTINGS, _told(problem), problem.remedy)
    for problem in setting_warnings(loaded):
        yield warning(SETTINGS, _told(problem), problem.remedy)
    if not problems:
        yield ok(SETTINGS, "they can be served")


def _told(problem: ConfigError) -> str:
    return f"{problem.key} ({problem.source}): {problem.problem}"
