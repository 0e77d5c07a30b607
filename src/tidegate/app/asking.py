"""Asking a ``consume`` function who gets a message, and what is taken for an answer.

The tenant is always the message's own: an audience of another one is refused like any other
failure of the function, with its trace in the log and the message among the dead letters.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Sequence
from typing import Any

from tidegate.app.cancelling import is_cancelled
from tidegate.app.consume import ConsumeRule
from tidegate.app.message import Audience, Message
from tidegate.app.paths import MessageParts
from tidegate.app.publisher import Publisher
from tidegate.app.rules import Entries, EntryMaker
from tidegate.app.targets import Target
from tidegate.errors import MessageRejected
from tidegate.events import Event, encode_payload
from tidegate.sources.message import IncomingMessage

__all__ = ["ConsumeRunner"]

log = logging.getLogger("tidegate.consume")

MAX_AUDIENCES = 1_000

_UNCHANGED: Any = object()


class ConsumeRunner:
    """Asks a user function for the audience, and takes no tenant but the message's own.

    Args:
        rule: The function, as it was declared.
        maker: Makes the entries.
        publisher: What the tenant that is handed to the function emits through.
    """

    def __init__(self, rule: ConsumeRule, maker: EntryMaker, publisher: Publisher) -> None:
        self._rule = rule
        self._maker = maker
        self._publisher = publisher

    def __call__(self, message: IncomingMessage) -> Entries | Awaitable[Entries]:
        """Return the entries; for an async function, what to await for them.

        Raises:
            MessageRejected: The payload does not fit, or the function failed.
        """
        rule = self._rule
        given: Message[Any] = Message(
            MessageParts(message, rule.fields),
            rule.sources,
            rule.data_type,
            self._maker.namespace,
            self._publisher,
        )
        try:
            if rule.data_type is not Any:
                given.data  # noqa: B018  # the declared type is a contract, looked at or not
            answer = rule.function(given)
            if inspect.isawaitable(answer):
                return self._finish_later(given, message, answer)
            return self._finish(given, message, answer)
        except MessageRejected:
            raise
        except Exception as error:
            raise self._failure(error) from error

    async def _finish_later(
        self, given: Message[Any], message: IncomingMessage, answer: Awaitable[Any]
    ) -> Entries:
        try:
            return self._finish(given, message, await answer)
        except MessageRejected:
            raise
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled():
                raise
            raise self._failure(error) from error

    def _failure(self, error: BaseException) -> MessageRejected:
        log.error("%r failed; its message goes to the dead letters", self._rule, exc_info=error)
        return MessageRejected("handler_failed", f"{self._rule!r} raised {type(error).__name__}")

    def _finish(self, given: Message[Any], message: IncomingMessage, answer: Any) -> Entries:
        audiences, changed = _read_answer(answer)
        if not audiences:
            return ()
        tenant = given.tenant_id
        for audience in audiences:
            if audience.tenant_id != tenant:
                raise ValueError(
                    f"a message of tenant {tenant!r} can't have an audience of tenant "
                    f"{audience.tenant_id!r}: return message.tenant, or a user or room of it"
                )
        name, data, known = self._read_payload(message, changed)
        self._maker.check(name, data, known=known)
        message_id = given.id
        return [
            self._maker.make(
                message,
                name,
                data,
                tenant=tenant,
                user=audience.user_id,
                room=audience.room_name,
                message_id=_id_for(message_id, audience, is_only=len(audiences) == 1),
            )
            for audience in audiences
        ]

    def _read_payload(self, message: IncomingMessage, changed: Any) -> tuple[str, bytes, Any]:
        """Return the event's name, its payload, and a type that the payload is known to fit."""
        name = self._rule.event or message.pattern
        if changed is _UNCHANGED:
            return name, message.data, self._rule.data_type
        if isinstance(changed, Event):
            name = changed.event_name or name
        payload = encode_payload(changed)
        if payload.attachments:
            raise TypeError("an event that comes from the broker can't have binary attachments")
        return name, payload.json, None


def _read_answer(answer: Any) -> tuple[Sequence[Audience], Any]:
    """Return the audiences that a function named, and the payload if it changed it.

    Raises:
        TypeError: It is no answer to who gets the event.
    """
    changed = _UNCHANGED
    if isinstance(answer, tuple):
        if len(answer) != 2 or isinstance(answer[1], Target):
            raise TypeError("return (audience, payload), or a list for several audiences")
        answer, changed = answer
    if answer is None:
        return (), changed
    audiences = answer if isinstance(answer, list) else [answer]
    for audience in audiences:
        if not isinstance(audience, Audience):
            kind = type(audience).__name__
            raise TypeError(f"an audience is message.tenant, or a user or room of it, not a {kind}")
    if len(audiences) > MAX_AUDIENCES:
        raise ValueError(f"a message has at most {MAX_AUDIENCES} audiences, not {len(audiences)}")
    return audiences, changed


def _id_for(message_id: str | None, audience: Audience, *, is_only: bool) -> str | None:
    """Return an id of its own for each audience: the window delivers the same id only once."""
    if message_id is None or is_only:
        return message_id
    if audience.user_id is not None:
        return f"{message_id} user {audience.user_id}"
    return message_id if audience.room_name is None else f"{message_id} room {audience.room_name}"
