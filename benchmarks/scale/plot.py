"""``python -m benchmarks.scale.plot FILE.svg``: nodes by events per second, and the window's reach.

Run it by a Python that has matplotlib, such as the private environment's (``benchmarks/build``).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found, unused-ignore]
import matplotlib.pyplot as plt  # type: ignore[import-not-found, unused-ignore]
from benchmarks.scale.demand import Demand
from benchmarks.scale.model import Plan, Setup
from benchmarks.scale.report import variants
from benchmarks.scale.sizing import plan
from benchmarks.scale.storm import storm
from benchmarks.scale.units import Units, load_units

EVENTS = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 130_000, 160_000, 180_000, 190_000)
LOOKS = {  # colour and end of the line's name
    "as it is, clients anywhere": ("#0f766e", "as it is"),
    "a machine's nodes share follower and window": ("#475569", "one window per machine"),
    "nodes follow only what their tenants live in": ("#94a3b8", "own partitions only"),
}
WINDOWS = {64 * 1024**2: ("64 MiB", "#0f766e"), 1024**3: ("1 GiB", "#475569")}


def draw(target: str) -> None:
    """Write the plot as SVG."""
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "tidegate", "font.family": "DejaVu Sans", "font.size": 9})
    units = load_units()
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.2), layout="constrained")
    _draw_nodes(left, units)
    _draw_windows(right, units)
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("events/s, with ten sockets for each")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, metadata={"Date": None})


def _draw_nodes(axes: Any, units: Units) -> None:
    plans = {events: variants(_plan(events, units)) for events in EVENTS}
    for what, (colour, name) in LOOKS.items():
        counts = [plans[events][what].nodes for events in EVENTS]
        axes.plot(EVENTS, counts, color=colour, marker="o", markersize=3, label=name)
    made = plans[EVENTS[-1]]["as it is, clients anywhere"]
    wall = made.demand.events * made.setup.target / made.follow_share
    axes.axvline(wall, color="#0f766e", linewidth=1, linestyle=":")
    axes.annotate(
        "following alone\nfills a node",
        (wall, 0.06),
        xycoords=("data", "axes fraction"),
        xytext=(-4, 0),
        textcoords="offset points",
        ha="right",
        color="#0f766e",
        fontsize=8,
    )
    axes.legend(frameon=False, loc="upper left")
    axes.set_ylim(bottom=1)
    axes.set_title("nodes (a core each, 60 % busy)", loc="left", fontsize=9)


def _draw_windows(axes: Any, units: Units) -> None:
    made = _plan(100_000, units)
    counted = units.counted_bytes(made.demand.payload)
    for size, (name, colour) in WINDOWS.items():
        reach = [min(units["window_age"], size / counted / events) for events in EVENTS]
        axes.plot(EVENTS, reach, color=colour, marker="o", markersize=3, label=f"window of {name}")
    for seconds, what, place, side in (
        (storm(made, "process").last, "a process is lost", EVENTS[0], "left"),
        (storm(made, "machine").last, "a machine is lost", EVENTS[-1], "right"),
    ):
        axes.axhline(seconds, color="#94a3b8", linewidth=1, linestyle="--")
        axes.text(place, seconds * 1.08, what, ha=side, color="#64748b", fontsize=8)
    axes.legend(frameon=False, loc="lower left")
    axes.set_ylim(bottom=0.3)
    axes.set_title("seconds that the window reaches back", loc="left", fontsize=9)


def _plan(events: int, units: Units) -> Plan:
    demand = replace(Demand(), events=events, sockets=10 * events, tenants=events)
    return plan(demand, Setup(), units)


if __name__ == "__main__":
    draw(sys.argv[1])
