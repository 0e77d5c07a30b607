"""Offsets as clients see them: opaque strings that name the log's life and a place in it."""

from __future__ import annotations

__all__ = ["MAX_OFFSET_LENGTH", "format_offset", "parse_offset"]

MAX_OFFSET_LENGTH = 64


def format_offset(epoch: str, offset: int) -> str:
    """Return the string that goes out as the last argument of an event."""
    return f"{epoch}.{offset:x}"


def parse_offset(text: object, epoch: str) -> int | None:
    """Return the offset in ``text``, or None if it is not one of this epoch's."""
    if not isinstance(text, str) or len(text) > MAX_OFFSET_LENGTH:
        return None
    prefix, _, digits = text.rpartition(".")
    if prefix != epoch or not digits or digits.strip("0123456789abcdef"):
        return None
    return int(digits, 16)
