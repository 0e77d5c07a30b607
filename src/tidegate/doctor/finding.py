"""What one check found: one line of the report."""

from __future__ import annotations

from typing import Literal

import msgspec

from tidegate.errors import ConfigError

__all__ = ["Finding", "failed", "ok", "refused", "warning"]


class Finding(msgspec.Struct, frozen=True):
    """One line; it holds no secret.

    Attributes:
        check: What was tried.
        result: ``ok``, ``warning`` (the gateway runs, but look at it) or ``failed``.
        text: What was found.
        remedy: What to do; empty if there is nothing to do.
    """

    check: str
    result: Literal["ok", "warning", "failed"]
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> Finding:
    """Return a finding that is as it should be."""
    return Finding(check, "ok", text)


def warning(check: str, text: str, remedy: str) -> Finding:
    """Return a finding that does not keep a gateway from running."""
    return Finding(check, "warning", text, remedy)


def failed(check: str, text: str, remedy: str) -> Finding:
    """Return a finding that keeps a gateway from running, or its clients from getting events."""
    return Finding(check, "failed", text, remedy)


def refused(check: str, error: ConfigError) -> Finding:
    """Return the finding that a setting is wrong."""
    return failed(check, f"{error.key}: {error.problem}", error.remedy)
