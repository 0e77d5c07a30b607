"""What a service publishes to RabbitMQ, on its way into the log: as from a queue, without one."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from tidegate.app.gateway import Gateway
from tidegate.app.routing import Router
from tidegate.errors import MessageRejected
from tidegate.events import encode_payload
from tidegate.log import EventEntry
from tidegate.sources.envelopes import open_envelope
from tidegate.sources.message import AMQPContent

__all__ = ["Deliveries"]


class Deliveries:
    """Takes messages as the gateway's queues would, by its consume rules and bindings.

    Args:
        gateway: A started one.

    Raises:
        ConfigError: A binding can't be used.
    """

    def __init__(self, gateway: Gateway) -> None:
        settings = gateway.settings
        self._gateway = gateway
        self._router = Router(
            gateway.namespaces,
            settings.bindings,
            gateway.publisher,
            max_payload=settings.limits.payload,
        )
        self._envelopes = {queue.name: queue.envelope for queue in settings.rabbitmq.queues}

    async def deliver(
        self,
        body: Any,
        *,
        routing_key: str,
        exchange: str,
        headers: Mapping[str, Any],
        properties: Mapping[str, Any],
        queue: str | None,
    ) -> list[str]:
        """Append what the message means, and return the offsets; see `TestGateway.deliver`."""
        data = body if isinstance(body, bytes) else encode_payload(body).json
        content = AMQPContent(data, exchange, routing_key, headers, properties)
        entries = await self._translated(content, self._envelope_of(queue))
        limit = self._gateway.log.max_entry_size
        for size in map(_size, entries):
            if size > limit:
                detail = f"the payload has {size} bytes, and the log takes {limit}"
                raise MessageRejected("too_large", detail)
        return await self._gateway.publish(entries) if entries else []

    async def _translated(self, content: AMQPContent, envelope: str) -> Sequence[EventEntry]:
        try:
            made = self._router.route(open_envelope(content, envelope))
            return await made if isinstance(made, Awaitable) else made
        except MessageRejected:
            raise
        except Exception as error:
            raise MessageRejected("handler_failed", f"{type(error).__name__}: {error}") from error

    def _envelope_of(self, queue: str | None) -> str:
        if queue is None:
            return "auto"
        if queue not in self._envelopes:
            known = ", ".join(sorted(self._envelopes)) or "none"
            raise ValueError(
                f"there is no queue {queue!r} in the settings (rabbitmq.queues has: {known}); "
                "give TestGateway the settings that name it, or leave out `queue`"
            )
        return self._envelopes[queue]


def _size(entry: EventEntry) -> int:
    return len(entry.data) + sum(map(len, entry.attachments))
