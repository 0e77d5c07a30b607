"""Topic patterns as RabbitMQ has them: words between dots, ``*`` for one, ``#`` for any number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.sources.envelopes import canonical_pattern

__all__ = ["TopicPattern"]


class TopicPattern:
    """What a rule takes: a topic pattern, or exactly one NestJS object pattern.

    As in RabbitMQ, ``*`` and ``#`` are wildcards only as whole words, and the empty pattern of a
    message has no words. Matching takes time in words times words, with any number of ``#``.

    Args:
        pattern: A topic pattern; or a NestJS object pattern, as an object or as its JSON.

    Raises:
        ValueError: It is empty.
    """

    def __init__(self, pattern: str | Mapping[str, Any]) -> None:
        self.text = canonical_pattern(pattern)
        if not self.text:
            raise ValueError("a pattern can't be empty; '#' takes every message")
        is_object = self.text.startswith("{") and self.text.endswith("}")
        self._words = () if is_object else tuple(self.text.split("."))
        self._is_exact = not {"*", "#"} & set(self._words)

    def __repr__(self) -> str:
        return f"TopicPattern({self.text!r})"

    def matches(self, pattern: str) -> bool:
        """Tell whether a message's pattern is one of these."""
        if self._is_exact:
            return pattern == self.text
        return _matches(self._words, pattern.split(".") if pattern else ())


def _matches(wanted: Sequence[str], words: Sequence[str]) -> bool:
    """Follow all ways through ``wanted`` at once: the places reached after each word."""
    reached = _past_hashes({0}, wanted)
    for word in words:
        reached = _past_hashes(
            {
                place if wanted[place] == "#" else place + 1
                for place in reached
                if place < len(wanted) and wanted[place] in ("#", "*", word)
            },
            wanted,
        )
        if not reached:
            return False
    return len(wanted) in reached


def _past_hashes(places: set[int], wanted: Sequence[str]) -> set[int]:
    """Return the places, and those behind each ``#`` at them, for it may stand for no word."""
    for place in sorted(places):
        while place < len(wanted) and wanted[place] == "#":
            place += 1
            places.add(place)
    return places
