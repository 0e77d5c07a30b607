"""What the gateway tells Prometheus; read from plain counters at each scrape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from tidegate.app.broker import Broker
    from tidegate.app.gateway import Gateway

__all__ = ["GatewayCollector", "render_metrics"]

_BATCH_BUCKETS = (1, 2, 5, 10, 25, 50, 100, 256)


class GatewayCollector(Collector):
    """Gives the metrics of one gateway; nothing is counted twice or kept besides."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterator[Metric]:
        """Yield every metric with its value now."""
        yield from self._connections()
        yield from self._deliveries()
        yield from self._refusals()
        yield from self._log()
        if self._gateway.broker is not None:
            yield from self._broker(self._gateway.broker)

    def _connections(self) -> Iterator[Metric]:
        gateway, listener = self._gateway, self._gateway.listener
        open_now = len(listener.connections) if listener else 0
        yield _gauge("connections", "Open TCP connections.", open_now)
        waiting = listener.doorkeeper.waiting if listener else 0
        yield _gauge("connections_waiting", "Connections not let in yet.", waiting)
        yield _gauge("tenants", "Tenants with a connection.", len(gateway.hub.tenants()))
        yield _counter("connects", "CONNECT packets accepted.", gateway.reception.door.accepted)
        sessions = gateway.hub.sessions.dropped
        yield _gauge("sessions_waiting", "Dropped sessions that may come back.", sessions)
        stats = gateway.hub.stats
        outcomes = {"recovered": stats.recovered, "not_recovered": stats.not_recovered}
        yield _labelled("recoveries", "Clients that came back.", "outcome", outcomes.items())
        closes = listener.closes.items() if listener else ()
        yield _labelled("closes", "Connections that ended.", "reason", closes)

    def _deliveries(self) -> Iterator[Metric]:
        stats, turns = self._gateway.hub.stats, self._gateway.hub.turns.stats
        paths = {"live": turns.deliveries, "window": stats.caught_up_deliveries}
        yield _labelled("deliveries", "Writes to sockets.", "path", paths.items())
        yield _counter("slow_clients", "Clients that fell behind.", turns.slow)
        yield _counter("lagging_clients", "Clients disconnected as lagging.", stats.lagging)
        yield _counter("duplicates", "Events dropped as already published.", stats.duplicates)
        yield _counter("published", "Events appended here.", self._gateway.publisher.published)
        yield _batch_histogram(turns.batch_sizes)
        counts = self._gateway.reception.dispatcher.counts.items()
        yield _labelled("client_events", "Events from clients.", "outcome", counts)
        tokens = self._gateway.reception.token_life.counts.items()
        yield _labelled("tokens", "What happened to tokens of open sockets.", "event", tokens)

    def _refusals(self) -> Iterator[Metric]:
        gateway, listener = self._gateway, self._gateway.listener
        reception = gateway.reception
        yield _labelled("refusals", "CONNECTs refused.", "code", reception.door.refusals.items())
        upgrades = listener.doorkeeper.refusals.items() if listener else ()
        yield _labelled("upgrade_refusals", "Upgrades refused.", "reason", upgrades)
        limits = {
            **reception.quota.refusals,
            "rooms": reception.builtin.rooms_limited,
            "namespaces": reception.door.namespaces_limited,
            "events": reception.dispatcher.counts["rate_limited"],
            "payload": listener.closes["payload too large"] if listener else 0,
            "write_buffer": gateway.hub.turns.stats.slow,
        }
        yield _labelled("limits_reached", "Limits that somebody ran into.", "limit", limits.items())

    def _log(self) -> Iterator[Metric]:
        hub = self._gateway.hub
        positions = {str(number): offset for number, offset in hub.positions.items()}
        yield _labelled_gauge(
            "log_position", "Offset that was read up to.", "partition", positions.items()
        )
        yield _gauge("window_events", "Events in the window.", len(hub.window))
        yield _gauge("window_bytes", "Bytes of the window.", hub.window.bytes)
        yield _gauge(
            "log_available", "Whether the log is reached.", int(self._gateway.log.is_available)
        )
        yield _gauge("ready", "Whether new clients should come.", int(self._gateway.is_ready))

    def _broker(self, broker: Broker) -> Iterator[Metric]:
        queues = broker.source.stats
        consumed = CounterMetricFamily(
            "tidegate_queue_messages",
            "Messages consumed from a queue and acknowledged, by what became of them.",
            labels=["queue", "outcome"],
        )
        for name, stats in queues.items():
            consumed.add_metric([name, "consumed"], stats.consumed)
            consumed.add_metric([name, "already_in_log"], stats.already_in_log)
            for reason, count in sorted(stats.rejected.items()):
                consumed.add_metric([name, reason], count)
        yield consumed
        consuming = {name: int(stats.is_consuming) for name, stats in queues.items()}
        text = "Whether a queue is consumed, or stood by for."
        yield _labelled_gauge("queue_consuming", text, "queue", consuming.items())
        text = "Messages in the log's streams that could not become events."
        yield _counter("stream_rejected", text, broker.rejected)
        forwarder = broker.forwarder
        outcomes = forwarder.counts.items() if forwarder is not None else ()
        yield _labelled("forwards", "Client events to services.", "outcome", outcomes)
        text = "Replies of services that nobody waited for any more."
        yield _counter("late_replies", text, broker.requests.counts["late_replies"])


def render_metrics(gateway: Gateway) -> bytes:
    """Return the text format of all metrics (OpenMetrics' predecessor, version 0.0.4)."""
    registry = CollectorRegistry()
    registry.register(GatewayCollector(gateway))
    return generate_latest(registry)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tidegate_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"tidegate_{name}", text, value=value)


def _labelled_gauge(
    name: str, text: str, label: str, values: Iterable[tuple[str, float]]
) -> Metric:
    family = GaugeMetricFamily(f"tidegate_{name}", text, labels=[label])
    for key, value in sorted(values):
        family.add_metric([key], value)
    return family


def _labelled(name: str, text: str, label: str, values: Iterable[tuple[str, int]]) -> Metric:
    family = CounterMetricFamily(f"tidegate_{name}", text, labels=[label])
    for key, value in sorted(values):
        family.add_metric([key], value)
    return family


def _batch_histogram(sizes: dict[int, int]) -> Metric:
    buckets: list[tuple[str, float]] = [
        (str(bound), sum(count for size, count in sizes.items() if size <= bound))
        for bound in _BATCH_BUCKETS
    ]
    buckets.append(("+Inf", sum(sizes.values())))
    total = sum(size * count for size, count in sizes.items())
    return HistogramMetricFamily(
        "tidegate_batch_events", "Events in one delivered batch.", buckets=buckets, sum_value=total
    )
