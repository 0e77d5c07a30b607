"""What is known on a way through a function, where ways end, and what a rule tells of calls."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from tidegate.review.facts.broker.path_facts import Fact
from tidegate.review.source import Call, Node

__all__ = ["Exit", "Meaning", "State", "Step", "Ways"]


@dataclass(frozen=True)
class State:
    """What is known on one way.

    Attributes:
        marks: What happened, in words of the rule's choice.
        facts: Conditions that hold or don't.
        failure: The catch that the way went through, if nothing was done since.
        why: Where it left early or passed by what others did, for the message.
        swallowed: Where a failure was passed over before what the rule looks for.
    """

    marks: frozenset[str] = frozenset()
    facts: frozenset[Fact] = frozenset()
    failure: Node | None = None
    why: Node | None = None
    swallowed: Node | None = None

    def marked(self, *marks: str) -> State:
        """Return the state with more marks."""
        return replace(self, marks=self.marks | set(marks))


@dataclass(frozen=True)
class Exit:
    """An end of a way; ``is_explicit`` tells a throw or a return from a call that may fail."""

    kind: Literal["end", "return", "raise"]
    node: Node
    state: State
    is_explicit: bool = True


@dataclass
class Step:
    """What a call may do: states after it, and states with which it fails."""

    after: list[State]
    raised: list[Exit] = field(default_factory=list)


class Meaning(Protocol):
    """What the rule knows of the code."""

    def call(self, call: Call, state: State, *, in_try: bool, in_catch: bool) -> Step | None:
        """Return what a call does; None if nothing that matters."""

    def inner(self, function: Node, state: State) -> State:
        """Return the state after a function was written down that runs later, or never."""

    def known(self, condition: Node) -> bool | None:
        """Return whether a condition is always true or false for ways that matter."""

    def managed(self, node: Node) -> bool:
        """Tell whether a ``with`` statement does something at its end."""

    def leaves(self, node: Node, exit_: Exit) -> State:
        """Return the state after such a ``with`` statement was left."""


@dataclass
class Ways:
    """What comes out of a statement: ways that go on, and ways that leave it."""

    normal: list[State]
    exits: list[Exit] = field(default_factory=list)
    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)

    def take(self, other: Ways) -> None:
        """Add what leaves another flow; where that goes on normally is the caller's affair."""
        self.exits += other.exits
        self.breaks += other.breaks
        self.continues += other.continues
