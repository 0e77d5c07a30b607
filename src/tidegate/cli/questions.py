"""The scaffolder's questions, one at a time; a bad answer is told why, and asked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import typer

from tidegate.errors import AnswersError, BadAnswer
from tidegate.scaffold import Answers, domain_from
from tidegate.scaffold.answers import STANDALONE, TARGETS
from tidegate.scaffold.names import Names

__all__ = ["ask"]

ReadSchema = Callable[[str], str | None]


def ask(given: Answers, questions: Sequence[str], read: ReadSchema) -> Answers:
    """Return the answers with those filled in that flags did not give.

    Args:
        given: What flags say, and the defaults.
        questions: Names of the answers to ask for.
        read: Gives the text of a JSON Schema file, or None.

    Raises:
        AnswersError: Flags can't be; nothing was asked.
    """
    asked = {question.removesuffix("s") for question in questions}
    wrong = [problem for problem in _problems(given, read) if problem.question not in asked]
    if wrong:
        raise AnswersError(wrong)
    return _Conversation(given, read).run(questions)


class _Conversation:
    def __init__(self, given: Answers, read: ReadSchema) -> None:
        self._answers = given
        self._read = read

    def run(self, questions: Sequence[str]) -> Answers:
        ways: dict[str, Callable[[], None]] = {
            "name": lambda: self._one("name", "Domain (Notification, ActivityFeed)", None),
            "events": lambda: self._several("events", self._event_text(), needs_one=True),
            "commands": lambda: self._several("commands", self._command_text(), needs_one=False),
            "gateway": lambda: self._one(
                "gateway", f"Folder of the gateway, or {STANDALONE}", self._answers.gateway
            ),
            "has_frontend": self._frontend,
            "namespace": lambda: self._one(
                "namespace", "Namespace", Names.of(self._answers.name).namespace
            ),
            "rooms": self._rooms,
            "target": lambda: self._one("target", f"Server side ({', '.join(TARGETS)})", "python"),
        }
        for question, way in ways.items():
            if question in questions:
                way()
        return self._answers

    def _event_text(self) -> str:
        example = Names.of(self._answers.name).camel
        return f"Event to the client ({example}.created:id,message,note?:string)"

    def _command_text(self) -> str:
        example = Names.of(self._answers.name).camel
        return f"Event from the client ({example}.markRead:id)"

    def _one(self, question: str, text: str, default: str | None) -> None:
        while True:
            answer = typer.prompt(text, default=default)
            if self._take(**{question: answer.strip()}):
                return

    def _several(self, question: str, text: str, *, needs_one: bool) -> None:
        taken: list[str] = []
        while True:
            ending = "" if needs_one and not taken else "; empty to go on"
            answer = typer.prompt(f"{text}{ending}", default="", show_default=False).strip()
            if answer and self._take(**{question: [*taken, answer]}):
                taken.append(answer)
            elif not answer and (taken or not needs_one):
                return

    def _rooms(self) -> None:
        while True:
            text = "Rooms (tenantId, userId, resourceId, or chat:{chatId}; commas between)"
            answer = typer.prompt(text, default="tenantId")
            if self._take(rooms=[room.strip() for room in answer.split(",") if room.strip()]):
                return

    def _frontend(self) -> None:
        self._take(has_frontend=typer.confirm("Hook and Zustand slice for Next.js?", default=True))

    def _take(self, **changes: Any) -> bool:
        """Keep an answer if nothing is wrong with it; else say what is."""
        changed = replace(self._answers, **changes)
        questions = {question.removesuffix("s") for question in changes}
        problems = [p for p in _problems(changed, self._read) if p.question in questions]
        for problem in problems:
            typer.echo(f"  {problem.reason}", err=True)
        if not problems:
            self._answers = changed
        return not problems


def _problems(answers: Answers, read: ReadSchema) -> list[BadAnswer]:
    try:
        domain_from(answers, read)
    except AnswersError as error:
        return error.problems
    return []
