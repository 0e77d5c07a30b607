"""Text that comes from elsewhere, made fit for a terminal."""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str) -> str:
    """Leave out what could steer a terminal: the text comes from who may publish."""
    return "".join(each if each.isprintable() else "�" for each in text)
