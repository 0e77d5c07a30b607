"""What happens to a batch of deliveries: translated, appended, the bad ones buried, then acked.

Invariants, in the order in which they matter:

- Nothing is acked before the log has confirmed it or the dead-letter queue has.
- Acks go up to a delivery, so a batch that can't be finished holds up what follows; it is tried
  again until it succeeds or the channel is gone, and then the broker delivers it again.
- A message that can't be translated holds up nothing.
- Nothing is ever requeued by us: a requeued message would come back behind its followers.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from tidegate.backoff import Backoff
from tidegate.errors import LogError, MessageRejected
from tidegate.log.entry import EventEntry
from tidegate.sources.message import AMQPContent
from tidegate.sources.rabbitmq.burial import Burial
from tidegate.sources.rabbitmq.config import QueueConfig
from tidegate.sources.rabbitmq.content import Delivery, content_of, fingerprint
from tidegate.sources.rabbitmq.deliveries import Deliveries

__all__ = ["Pipeline", "QueueStats", "Steps"]

_QUIET_SECONDS = 10.0  # between two log lines about rejected messages of a queue

_logger = logging.getLogger(__name__)

Translated = Sequence[EventEntry]


class Steps(msgspec.Struct, frozen=True):
    """What the application does with messages.

    Attributes:
        translate: Turns a message of the queue named into entries, none if it means nothing;
            raises MessageRejected for what can never become any. May return an awaitable.
        append: Appends entries as one batch and returns once they are confirmed; raises LogError.
        is_known: Tells whether an entry with this fingerprint has been read from the log, and uses
            it up: `KnownOrigins.take`.
        synchronise: Returns once this node has read everything that is in the log now.
        max_entry_size: Returns the bytes of payload and attachments that the log takes now; more
            is rejected.
    """

    translate: Callable[[AMQPContent, str], Translated | Awaitable[Translated]]
    append: Callable[[Translated], Awaitable[object]]
    is_known: Callable[[int], bool]
    synchronise: Callable[[], Awaitable[object]]
    max_entry_size: Callable[[], int] | None = None


class QueueStats:
    """Counts of one queue since the start, for metrics.

    Attributes:
        consumed: Messages that became entries (or none, if they mean nothing) and were acked.
        rejected: Messages that became dead letters, by reason.
        already_in_log: Messages without an id that were delivered again and left out.
        is_consuming: Whether a consumer is registered with the broker now.
    """

    __slots__ = ("already_in_log", "consumed", "is_consuming", "rejected")

    def __init__(self) -> None:
        self.consumed = 0
        self.rejected: Counter[str] = Counter()
        self.already_in_log = 0
        self.is_consuming = False


class Pipeline:
    """Works on the batches of one queue, one at a time."""

    def __init__(
        self, queue: QueueConfig, steps: Steps, burial: Burial, retry_delay: float
    ) -> None:
        self.stats = QueueStats()
        self._queue = queue
        self._steps = steps
        self._burial = burial
        self._retry_delay = retry_delay
        self._quiet_until = 0.0

    async def work(self, batch: Sequence[Delivery], deliveries: Deliveries) -> None:
        """Finish a batch and ack it.

        Raises:
            AMQPChannelClosed: The channel is gone; the broker will deliver the batch again.
        """
        entries: list[EventEntry] = []
        rejected: list[tuple[AMQPContent, MessageRejected]] = []
        known = 0
        for delivery in batch:
            content = content_of(*delivery)
            try:
                made = self._steps.translate(content, self._queue.name)
                if not isinstance(made, list | tuple):  # quicker than to ask for Awaitable
                    made = await made if isinstance(made, Awaitable) else made
                made = self._checked(made, content)
            except MessageRejected as error:
                rejected.append((content, error))
                continue
            except Exception as error:
                rejected.append((content, self._failed(error)))
                continue
            if delivery.method.redelivered and await self._is_known(made, deliveries):
                known += 1
            else:
                entries += made
        if entries:
            await self._insist(lambda: self._steps.append(entries), deliveries, "appended to")
        if rejected:
            if self._may_speak():
                text = "Messages of queue %s go to the dead letters (%d now): %s"
                _logger.warning(text, self._queue.name, len(rejected), rejected[0][1])
            await self._burial.bury(rejected, deliveries)
        deliveries.ack(batch[-1])
        self.stats.already_in_log += known
        self.stats.consumed += len(batch) - len(rejected) - known
        self.stats.rejected.update(error.reason for _, error in rejected)

    # Translating

    def _checked(self, made: Translated, content: AMQPContent) -> Translated:
        """Return the entries if all fit the log, with a fingerprint where they have no id."""
        max_size = self._steps.max_entry_size
        limit = None if max_size is None else max_size()
        marked = []
        origin: int | None = None
        for entry in made:
            if limit is not None and _size(entry) > limit:
                detail = f"the payload has {_size(entry)} bytes, and the log takes {limit}"
                raise MessageRejected("too_large", detail)
            if entry.message_id is None:
                if origin is None:
                    origin = fingerprint(self._queue.name, content)
                entry = msgspec.structs.replace(entry, origin=origin)
            marked.append(entry)
        return marked

    async def _is_known(self, made: Translated, deliveries: Deliveries) -> bool:
        """Tell whether a message that was delivered before is in the log, with all its entries."""
        origins = [entry.origin for entry in made if entry.origin is not None]
        if not origins:
            return False  # the log knows it by its message id
        if not deliveries.is_synchronised:
            await self._insist(self._steps.synchronise, deliveries, "read up to its end")
            deliveries.is_synchronised = True
        return all(self._steps.is_known(origin) for origin in origins)

    def _failed(self, error: Exception) -> MessageRejected:
        if self._may_speak():
            _logger.error(
                "Translating a message of queue %s failed; it goes to the dead letters",
                self._queue.name,
                exc_info=error,
            )
        return MessageRejected("handler_failed", f"{type(error).__name__}: {error}")

    # The log

    async def _insist(
        self, step: Callable[[], Awaitable[object]], deliveries: Deliveries, what: str
    ) -> None:
        """Do a step on the log again until it succeeds; meanwhile consumption stands still."""
        backoff = Backoff(self._retry_delay)
        has_spoken = False
        while True:
            try:
                await step()
            except Exception as error:
                if not has_spoken:
                    text = "The log can't be %s, so queue %s waits: %s"
                    is_expected = isinstance(error, LogError)
                    trace = None if is_expected else error
                    _logger.warning(text, what, self._queue.name, error, exc_info=trace)
                    has_spoken = True
                await deliveries.pause(backoff.next_pause())
            else:
                if has_spoken:
                    _logger.info("Queue %s goes on", self._queue.name)
                return

    def _may_speak(self) -> bool:
        """Tell whether a line about bad messages is due: a flood of them shall not fill the log."""
        now = time.monotonic()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + _QUIET_SECONDS
        return True


def _size(entry: EventEntry) -> int:
    return len(entry.data) + sum(map(len, entry.attachments))
