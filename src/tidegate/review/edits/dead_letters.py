"""Dead-letter exchanges of queues, for corrections: what is refused without one is discarded."""

from __future__ import annotations

import re

from tidegate.review.facts.broker.queues import queues_of
from tidegate.review.fix import Edit, Fix, inserted_after, with_entry
from tidegate.review.model import Consumer, Model, Queue
from tidegate.review.source import Call

__all__ = ["dead_lettering", "is_last", "keeping", "may_dead_letter"]

_TOLD = re.compile(r"dead.?letter|\bdl[qx]\b|polic(?:y|ies)|set_policy", re.IGNORECASE)
_LAST = re.compile(r"dead|dl[qx]|fail|error|poison|parking", re.IGNORECASE)


def keeping(model: Model, consumer: Consumer, fix: Fix | None) -> Fix | None:
    """Return a fix that refuses messages with the edit that keeps them as dead letters.

    None if the queue is known to discard what is refused, and there is no place to change that.
    """
    queues = queues_of(model, consumer)
    if fix is None or not queues or may_dead_letter(model, consumer, queues):
        return fix
    if any(queue.has_dead_letter or is_last(queue) for queue in queues):
        return fix
    edit = dead_lettering(queues[0])
    return Fix((*fix.edits, edit)) if edit is not None else None


def is_last(queue: Queue) -> bool:
    """Tell a queue of dead letters: there is nothing behind it."""
    name = queue.name.text if queue.name is not None else ""
    return bool(_LAST.search(f"{name} {queue.holder}"))


def may_dead_letter(model: Model, consumer: Consumer, queues: list[Queue]) -> bool:
    """Tell whether a declaration is computed, or a comment speaks of dead letters."""
    if any(queue.has_dead_letter is None for queue in queues):
        return True
    files = {queue.node.file for queue in queues} | {consumer.file}
    if any(_TOLD.search(comment.text) for file in files for comment in file.comments):
        return True
    if consumer.framework != "golevelup":
        return False
    # The library's module may have options for all queues.
    return any(
        "RabbitMQModule" in file.text and re.search(r"dead.?letter", file.text, re.IGNORECASE)
        for file in model.files
    )


def dead_lettering(queue: Queue) -> Edit | None:
    """Return the edit that declares a queue with a dead-letter exchange, if it can be there."""
    name = queue.name.string if queue.name is not None else None
    exchange = f"{name}.dead" if name else "dead-letters"
    if queue.node.file.is_python:
        settings = queue.settings
        if settings is None or "arguments" in settings.pairs():
            return None
        return with_entry(settings, "arguments", f'{{"x-dead-letter-exchange": "{exchange}"}}')
    text = f"'{exchange}'"
    if queue.settings is not None:
        return with_entry(queue.settings, "deadLetterExchange", text)
    if queue.framework in ("nest", "golevelup"):
        return with_entry(
            queue.node, "queueOptions", f"{{ durable: true, deadLetterExchange: {text} }}"
        )
    if queue.name is not None and len(Call(queue.node).args) == 1:
        return inserted_after(queue.name, f", {{ deadLetterExchange: {text} }}")
    return None
