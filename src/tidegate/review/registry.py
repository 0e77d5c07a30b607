'''The rules, by name; and how to write one.

A rule is one file, ``rules/<topic>/<rule_name>.py``. It is found by being there; it registers
once, by its decorator. Its docstring-like texts are data: ``tidegate explain``, the reports and the
page in ``docs/rules/`` are made from them. A complete rule:

    """``polling-enabled``."""

    from __future__ import annotations

    from collections.abc import Iterator

    from tidegate.review.diagnostic import Finding
    from tidegate.review.model import Model
    from tidegate.review.registry import Example, Rule, rule

    RULE = Rule(
        name="polling-enabled",
        topic="transport",
        severity="low",
        languages=("typescript", "python"),
        summary="A server accepts HTTP long polling.",
        why="Polling needs sticky load balancing, and one client costs a request per message.",
        remedy="Set transports to websocket only, on both sides.",
        examples=(
            Example(
                "typescript",
                bad="import { Server } from 'socket.io';\\nconst io = new Server(http);",
                good="import { Server } from 'socket.io';\\n"
                "const io = new Server(http, { transports: ['websocket'] });",
            ),
        ),
    )


    @rule(RULE)
    def check(model: Model) -> Iterator[Finding]:
        for server in model.servers:
            if server.options is None or "..." in server.options:
                yield RULE.could_not_tell(server.call.node, "The options are made elsewhere.")
            elif "transports" not in server.options:
                yield RULE.fault(server.call.node, "This server accepts polling.")

What a rule gets: ``model.gateways`` (handlers, guards, server names), ``.servers``,
``.middlewares``, ``.adapters``, ``.modules``, ``.broker_options``, ``.consumers``, ``.clients``
(``model/parts.py`` has their attributes), and ``model.files`` with ``file.calls`` for looser
searches. ``model.project`` follows names across files: ``reach(function)``, ``target(call)``,
``resolve(file, name)``, ``value(node)``, ``lineage(class)``. Helpers that several rules share
are in ``facts/`` (by topic; ``facts.emits.emits(model)`` yields each emit with the rooms it
addresses), corrections that several make in ``edits/``.

A finding shows the very code corrected: ``RULE.fault(node, message, fix=suggested(edit, …))``, or
``fix=safe(…)`` for what ``--fix`` may write unasked; ``fix.py`` tells the difference and has the
edits. A rule whose correction needs files that don't exist gives none.

A check returns early, yields nothing for what is right, a ``fault`` only when the code shows it,
and ``could_not_tell`` when the model can't know. Each example is tested: the bad one must be found,
the good one not. Near misses go to ``tests/unit/review/rules/test_<rule_name>.py``, with
``found`` from ``tests.unit.review.helpers``. ``python -m tidegate.review.pages docs/rules`` writes
its page.
'''

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from tidegate.review.diagnostic import Confidence, Finding, Severity, Verdict
from tidegate.review.fix import Fix
from tidegate.review.model import Model
from tidegate.review.source import Node

__all__ = ["Check", "Example", "Language", "Rule", "Topic", "all_rules", "rule", "rule_named"]

Topic = Literal["auth", "tenant", "transport", "broker", "client", "module"]
Language = Literal["typescript", "tsx", "python"]
"""Rules for TypeScript hold for JavaScript as well."""

Check = Callable[[Model], Iterable[Finding]]


@dataclass(frozen=True)
class Example:
    """Code that a rule finds fault with, and the same put right.

    Attributes:
        title: What is shown, if a rule has several examples in one language.
        file: Name that the code has when it is tried.
    """

    language: Language
    bad: str
    good: str
    title: str = ""
    file: str = ""

    @property
    def file_name(self) -> str:
        """Return the name to try it under."""
        return (
            self.file
            or "example" + {"typescript": ".ts", "tsx": ".tsx", "python": ".py"}[self.language]
        )


@dataclass(frozen=True)
class Rule:
    """One rule: its texts, and how to make a finding of it.

    Attributes:
        name: Makes sense after the word "allow".
        summary: One sentence: what it reports.
        why: A paragraph: what happens to whom.
        remedy: One sentence, imperative.
    """

    name: str
    topic: Topic
    severity: Severity
    languages: tuple[Language, ...]
    summary: str
    why: str
    remedy: str
    examples: tuple[Example, ...]
    _check: list[Check] = field(default_factory=list, compare=False, repr=False)

    def check(self, model: Model) -> Iterable[Finding]:
        """Return what it finds."""
        return self._check[0](model)

    def fault(
        self,
        node: Node,
        message: str,
        *,
        remedy: str = "",
        confidence: Confidence = "certain",
        severity: Severity | None = None,
        fix: Fix | None = None,
    ) -> Finding:
        """Return a finding at a node: the code shows that it is wrong."""
        return self._finding(node, message, remedy, confidence, severity, "fault", fix)

    def could_not_tell(self, node: Node, message: str) -> Finding:
        """Return a finding at a node that says what could not be known; never a failure."""
        return self._finding(node, message, "", "likely", None, "could-not-tell")

    def _finding(
        self,
        node: Node,
        message: str,
        remedy: str,
        confidence: Confidence,
        severity: Severity | None,
        verdict: Verdict,
        fix: Fix | None = None,
    ) -> Finding:
        place = node.raw.range()
        line = place.start.line + 1
        return Finding(
            rule=self.name,
            severity=severity or self.severity,
            confidence=confidence,
            file=node.file.name,
            line=line,
            column=place.start.column + 1,
            end_line=place.end.line + 1,
            end_column=place.end.column + 1,
            message=message,
            remedy=remedy or self.remedy,
            code=node.file.line(line),
            verdict=verdict,
            fix=fix,
        )


_rules: dict[str, Rule] = {}


def rule(described: Rule) -> Callable[[Check], Check]:
    """Register a rule with the function that checks it."""

    def register(check: Check) -> Check:
        if described.name in _rules:
            raise ValueError(f"two rules are named {described.name}")
        described._check.append(check)  # noqa: SLF001  # a rule is a value; its check comes after
        _rules[described.name] = described
        return check

    return register


@functools.cache
def all_rules() -> tuple[Rule, ...]:
    """Return all rules, by topic and name."""
    from tidegate.review import rules

    for module in pkgutil.walk_packages(rules.__path__, f"{rules.__name__}."):
        if not module.name.rpartition(".")[2].startswith("_"):
            importlib.import_module(module.name)
    return tuple(sorted(_rules.values(), key=lambda each: (each.topic, each.name)))


def rule_named(name: str) -> Rule | None:
    """Return a rule, or None if there is none of that name."""
    return next((each for each in all_rules() if each.name == name), None)
