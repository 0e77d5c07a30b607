"""Every name that is derived from a domain's name: one place, so that all files agree."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from pluralizer import Pluralizer

__all__ = ["Names", "camel", "kebab", "pascal", "plural", "snake", "words_of"]

_WORDS = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")

# Where the library's form is wrong, or not the one that software has.
_PLURALS = {
    "feedback": "feedback",
    "focus": "focuses",
    "index": "indexes",
    "info": "info",
    "lens": "lenses",
    "medium": "media",
    "schema": "schemas",
    "virus": "viruses",
}


@dataclass(frozen=True)
class Names:
    """The names of one domain, from ``ActivityFeed``.

    Attributes:
        words: ``("activity", "feed")``.
        pascal, camel, snake, kebab: ``ActivityFeed``, ``activityFeed``, ``activity_feed``,
            ``activity-feed``.
        plural_pascal, plural_camel: ``ActivityFeeds``, ``activityFeeds``: classes, variables, and
            the folder of NestJS and Next.js files.
        plural_snake: ``activity_feeds``: the Python package.
        plural_kebab: ``activity-feeds``: names of TypeScript files, the default namespace.
        label, plural_label: ``activity feed``, ``activity feeds``: for sentences.
    """

    words: tuple[str, ...]

    @classmethod
    def of(cls, name: str) -> Names:
        """Take a domain's name apart: ``ActivityFeed``, ``activity-feed`` and so on."""
        return cls(tuple(words_of(name)))

    @property
    def pascal(self) -> str:  # noqa: D102  # told above, as are all below
        return pascal(self.words)

    @property
    def camel(self) -> str:  # noqa: D102
        return camel(self.words)

    @property
    def snake(self) -> str:  # noqa: D102
        return snake(self.words)

    @property
    def kebab(self) -> str:  # noqa: D102
        return kebab(self.words)

    @property
    def label(self) -> str:  # noqa: D102
        return " ".join(self.words)

    @property
    def plural_words(self) -> tuple[str, ...]:
        """Return the words with the last one in its plural."""
        return (*self.words[:-1], plural(self.words[-1]))

    @property
    def plural_pascal(self) -> str:  # noqa: D102
        return pascal(self.plural_words)

    @property
    def plural_camel(self) -> str:  # noqa: D102
        return camel(self.plural_words)

    @property
    def plural_snake(self) -> str:  # noqa: D102
        return snake(self.plural_words)

    @property
    def plural_kebab(self) -> str:  # noqa: D102
        return kebab(self.plural_words)

    @property
    def plural_label(self) -> str:  # noqa: D102
        return " ".join(self.plural_words)

    @property
    def namespace(self) -> str:
        """Return the default namespace, ``/activity-feeds``."""
        return f"/{self.plural_kebab}"

    # NestJS

    @property
    def nest_gateway(self) -> str:
        """Return the gateway's class, ``ActivityFeedsGateway``."""
        return f"{self.plural_pascal}Gateway"

    @property
    def nest_gateway_file(self) -> str:
        """Return ``activity-feeds.gateway.ts``."""
        return f"{self.plural_kebab}.gateway.ts"

    @property
    def nest_consumer(self) -> str:
        """Return the consumer's class, ``ActivityFeedsWsConsumer``."""
        return f"{self.plural_pascal}WsConsumer"

    @property
    def nest_consumer_file(self) -> str:
        """Return ``activity-feeds-ws.consumer.ts``."""
        return f"{self.plural_kebab}-ws.consumer.ts"

    # Next.js

    @property
    def hook(self) -> str:
        """Return the hook's name, ``useActivityFeedsSocket``."""
        return f"use{self.plural_pascal}Socket"

    @property
    def hook_file(self) -> str:
        """Return ``use-activity-feeds-socket.ts``."""
        return f"use-{self.plural_kebab}-socket.ts"


def words_of(name: str) -> list[str]:
    """Return a name's words in lower case: ``markRead``, ``mark-read``, ``MarkRead`` have two."""
    return [word.lower() for word in _WORDS.findall(name)]


def pascal(words: tuple[str, ...] | list[str]) -> str:
    """Return ``MarkRead``."""
    return "".join(word.capitalize() for word in words)


def camel(words: tuple[str, ...] | list[str]) -> str:
    """Return ``markRead``."""
    return words[0] + pascal(words[1:])


def snake(words: tuple[str, ...] | list[str]) -> str:
    """Return ``mark_read``."""
    return "_".join(words)


def kebab(words: tuple[str, ...] | list[str]) -> str:
    """Return ``mark-read``."""
    return "-".join(words)


def plural(word: str) -> str:
    """Return the plural of a lower-case English noun; one that is plural already stays."""
    return _PLURALS.get(word) or _pluralizer().plural(word)


@functools.cache
def _pluralizer() -> Pluralizer:
    return Pluralizer()  # type: ignore[no-untyped-call]  # only this method lacks a "-> None"
