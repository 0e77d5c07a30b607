"""Unit costs: from ``benchmarks/results`` and ``measured.json`` where they are, else stored ones.

Every figure says where it is from and what it is worth: *measured*, *derived* from what was
measured, a *setting's* default, or *assumed*.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, NamedTuple

__all__ = ["RESULTS", "SETTINGS", "Figure", "Kind", "Units", "load_units"]

RESULTS = Path(__file__).parents[1] / "results"
MEASURED = Path(__file__).parent / "measured.json"

Kind = Literal["measured", "derived", "setting", "assumed"]


class Figure(NamedTuple):
    """A number with its unit and its origin."""

    value: float
    unit: str
    kind: Kind
    source: str


class _Result(NamedTuple):
    """A median in a workload's result; ``stored`` is what it was on 2026-11-25."""

    stored: float
    unit: str
    workload: str
    server: str
    key: str


class _Own(NamedTuple):
    """A figure of ``benchmarks.scale.measure``."""

    stored: float
    unit: str
    key: str


RESULT_FIGURES = {
    "follow_batched": _Result(2.85, "us", "stream", "tidegate-stream", "server_cpu_us"),
    "follow_single": _Result(5.91, "us", "stream", "tidegate-stream-single", "server_cpu_us"),
    "follow_foreign": _Result(14.65, "us", "stream", "tidegate-stream-foreign", "server_cpu_us"),
    "consume": _Result(26.9, "us", "queue", "tidegate-queue", "server_cpu_us"),
    "consume_rate": _Result(29_590, "events/s", "queue", "tidegate-queue", "events_per_s"),
    "bare_queue_rate": _Result(77_337, "events/s", "queue", "pika", "events_per_s"),
    "delivery": _Result(6.98, "us", "single", "tidegate", "server_cpu_us"),
    "handshake": _Result(300, "us", "handshakes", "tidegate", "server_cpu_us"),
    "comeback": _Result(312, "us", "recovery", "tidegate-rabbitmq", "server_cpu_us"),
    "socket_bytes": _Result(2_919, "B", "idle", "tidegate", "pss_per_socket"),
    "process_bytes": _Result(42_786_816, "B", "idle", "tidegate", "pss_before"),
    "through_log": _Result(4.03, "ms", "broker_latency", "tidegate-queue", "p50_ms"),
    "without_log": _Result(0.85, "ms", "broker_latency", "tidegate-queue-memory", "p50_ms"),
}

OWN_FIGURES = {
    "turn": _Own(8.52, "us", "turn_us"),
    "heartbeat": _Own(15.8, "us", "heartbeat_us"),
    "refusal": _Own(81.2, "us", "refusal_us"),
    "kernel_socket_bytes": _Own(4_482, "B", "kernel_socket_bytes"),
    "kept_bytes_200": _Own(826, "B", "kept_bytes_200"),
    "kept_bytes_1000": _Own(1_626, "B", "kept_bytes_1000"),
    "frame_bytes_200": _Own(310, "B", "frame_bytes_200"),
    "frame_bytes_1000": _Own(1_110, "B", "frame_bytes_1000"),
    "id_bytes": _Own(178, "B", "id_bytes_200"),
    "stored_bytes_200": _Own(322, "B", "stored_bytes_200"),
    "stored_bytes_1000": _Own(1_123, "B", "stored_bytes_1000"),
    "wire_bytes_200": _Own(277, "B", "wire_bytes_200"),
    "wire_bytes_1000": _Own(1_077, "B", "wire_bytes_1000"),
}

SETTINGS = {
    "window_bytes": Figure(64 * 1024**2, "B", "setting", "window.bytes"),
    "window_tenant_bytes": Figure(8 * 1024**2, "B", "setting", "window.tenant_bytes"),
    "window_age": Figure(120.0, "s", "setting", "window.age"),
    "log_max_bytes": Figure(2 * 1024**3, "B", "setting", "log.max_bytes"),
    "ping_interval": Figure(25.0, "s", "setting", "ping_interval"),
    "ping_timeout": Figure(20.0, "s", "setting", "ping_timeout"),
    "waiting": Figure(1_000, "connections", "setting", "limits.unauthenticated"),
    "tenant_connections": Figure(10_000, "connections", "setting", "limits.tenant_connections"),
    "max_partitions": Figure(64, "streams", "setting", "log.partitions, its upper bound"),
}

CODE = {
    "flat_size": Figure(860, "B", "setting", "log/entry.py FLAT_SIZE"),
    "id_size": Figure(210, "B", "setting", "log/entry.py ID_SIZE"),
    "read_back": Figure(1.5, "ages", "setting", "app/following.py READ_BACK"),
    "remembered_bytes": Figure(720, "B", "setting", "app/event_log.py REMEMBERED_BYTES"),
    "remembered_least": Figure(100_000, "", "setting", "app/event_log.py REMEMBERED_AT_LEAST"),
    "buried_each": Figure(2, "", "setting", "hub/rooms.py BURIED_PER_SESSION"),
    "max_append": Figure(500, "events", "setting", "sources/rabbitmq/consumer.py _MAX_BATCH"),
}

ASSUMED = {
    "partition_rate": Figure(
        50_000, "events/s", "assumed", "a third of the 170,000/s confirmed that one stream took"
    ),
    "broker_network": Figure(1.25e9, "B/s", "assumed", "10 Gbit/s for each broker"),
    "look": Figure(0.005, "s", "assumed", "a look at the log's end: an append, read back"),
    "packet_bytes": Figure(66, "B", "assumed", "Ethernet, IP and TCP around each write"),
    "control_bytes": Figure(150, "B", "assumed", "a socket's rooms, told in the log"),
}


class Units:
    """All figures by name; ``units["turn"]`` is the number, ``units.figures["turn"]`` its story."""

    def __init__(self, figures: dict[str, Figure]) -> None:
        self.figures = figures

    def __getitem__(self, name: str) -> float:
        return self.figures[name].value

    # What depends on the payload is a line through the two sizes that were measured.

    def kept_bytes(self, payload: float, *, is_delivered: bool) -> float:
        """Return real bytes of an event in the window, with its message id."""
        kept = self._line("kept_bytes", payload) + self["id_bytes"]
        return kept + (self._line("frame_bytes", payload) if is_delivered else 0)

    def counted_bytes(self, payload: float) -> float:
        """Return what the window's bounds count for an event with its id: ``EventEntry.size``."""
        return self["flat_size"] + self["id_size"] + 2 * payload

    def remembered(self, window: float) -> float:
        """Return tenants and other nodes' sockets that a node with such a window remembers."""
        return max(self["remembered_least"], window / self["remembered_bytes"])

    def stored_bytes(self, payload: float) -> float:
        """Return bytes of an event in the log's stream."""
        return self._line("stored_bytes", payload)

    def wire_bytes(self, payload: float) -> float:
        """Return bytes of an event's frame."""
        return self._line("wire_bytes", payload)

    def _line(self, name: str, payload: float) -> float:
        small, large = self[f"{name}_200"], self[f"{name}_1000"]
        return small + (large - small) * (payload - 200) / 800

    # What depends on how many events lie in one message of the stream.

    @property
    def message(self) -> float:
        """Microseconds of a node for each message of the stream, whatever is in it."""
        return (self["follow_single"] - self["follow_batched"]) / (1 - 1 / 256)

    def follow(self, batch: float) -> float:
        """Return microseconds of a node for an event that it reads in batches of ``batch``."""
        return self["follow_single"] - self.message * (1 - 1 / batch)

    def broker_read(self, batch: float) -> float:
        """Return microseconds of the broker for an event that one node reads."""
        single, batched = self["broker_read_single"], self["broker_read_batched"]
        return single - (single - batched) / (1 - 1 / 256) * (1 - 1 / batch)


def load_units(results: Path = RESULTS, measured: Path = MEASURED) -> Units:
    """Read what was measured; what is missing is taken as it was on 2026-11-25."""
    figures = dict(SETTINGS | CODE | ASSUMED)
    for name, where in RESULT_FIGURES.items():
        figures[name] = _from_result(where, results)
    own = _read(measured)
    for name, its in OWN_FIGURES.items():
        figures[name] = _from_own(its, own)
    tenants = _Result(0, "us", "tenants-single", "tidegate", "event_cpu_us")
    found = _from_result(tenants, results)
    if found.value:  # only to check the turn by: the workload's events are emitted here as well
        figures["tenant_event"] = found
    return Units(figures | _broker_figures(results))


def _from_result(where: _Result, results: Path) -> Figure:
    found = _read(results / f"{where.workload}.json")
    value = (found or {}).get("medians", {}).get(where.server, {}).get(where.key)
    if found is None or value is None:
        return Figure(where.stored, where.unit, "measured", f"{where.workload}, 2026-11-25, stored")
    return Figure(value, where.unit, "measured", f"results/{where.workload}.json, {found['date']}")


def _from_own(own: _Own, found: dict[str, Any] | None) -> Figure:
    value = (found or {}).get("figures", {}).get(own.key)
    if found is None or value is None:
        return Figure(own.stored, own.unit, "measured", "scale/measured.json, 2026-11-25, stored")
    return Figure(value, own.unit, "measured", f"scale/measured.json, {found['date']}")


def _broker_figures(results: Path) -> dict[str, Figure]:
    """Return the broker's CPU: how busy its core was, over the events that went by."""
    cores = {
        "broker_read_batched": ("stream", "tidegate-stream", 0.18),
        "broker_read_single": ("stream", "tidegate-stream-single", 4.0),
        "broker_read_foreign": ("stream", "tidegate-stream-foreign", 1.66),
        "broker_queue": ("queue", "tidegate-queue", 21.0),
    }
    figures = {}
    for name, (workload, server, stored) in cores.items():
        found = _read(results / f"{workload}.json") or {}
        medians = found.get("medians", {}).get(server, {})
        share, rate = medians.get("client_cpu_share"), medians.get("events_per_s")
        source = f"results/{workload}.json: the broker's core over events/s"
        if share is None or not rate:
            figures[name] = Figure(stored, "us", "derived", f"{source}, 2026-11-25, stored")
        else:
            figures[name] = Figure(share / rate * 1e6, "us", "derived", source)
    return figures


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found
