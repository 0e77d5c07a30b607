"""Whether a gateway thinks of the expiry of the tokens that its clients came with."""

from __future__ import annotations

import re

from tidegate.review.facts.auth.jwt_checks import Check
from tidegate.review.model import Function, Gateway, Model

__all__ = ["knows_expiry"]

_EXPIRY = re.compile(
    r"\.exp\b|['\"]exp['\"]|\bexp\b\s*[,}:]|expires?_?at\b|\bexpiry|token_?expir(?:y|es|ation)|expireTime",
    re.IGNORECASE,
)
_TIMERS = re.compile(
    r"(?:setTimeout|setInterval|call_later|call_at|start_background_task|create_task|wait_for"
    r"|Cron|SchedulerRegistry)\b"
)
_ENDS = re.compile(r"\bdisconnect\w*\(|\.close\(|verify|expire")


def knows_expiry(model: Model, gateway: Gateway, checks: list[Check]) -> bool:
    """Tell whether what runs for a gateway's clients ends their sockets at some time."""
    functions: list[Function] = [each.function for each in checks]
    functions += [handler.function for handler in gateway.handlers]
    texts = {gateway.file.text} | {each.file.text for each in functions}
    for function in functions:
        texts |= {each.node.text for each in model.project.reach(function)}
    for text in texts:
        if _EXPIRY.search(text):
            return True
        for timer in _TIMERS.finditer(text):
            if _ENDS.search(text[timer.start() : timer.start() + 400]):
                return True
    return False
