"""Draws one workload's result: a bar for each server, thin lines from its worst to its best round;
or lines over what grows.

Run by ``report.py`` in the private environment, which has matplotlib; reads nothing but the JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import textwrap
from pathlib import Path
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found, unused-ignore]
import matplotlib.pyplot as plt  # type: ignore[import-not-found, unused-ignore]

WIDE_RANGE = 20
"""From this ratio of largest to smallest on, a linear axis would hide the small bars."""

TITLE_WIDTH = 100
"""Characters of a title that fit beside each other."""

OWN_COLOUR, LIMIT_COLOUR, OTHER_COLOUR = "#0f766e", "#475569", "#94a3b8"
LIMITS = ("c-loop", "pika", "rstream")


def draw(result: dict[str, Any], target: Path) -> None:
    """Write the plot as SVG."""
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "tidegate", "font.family": "DejaVu Sans", "font.size": 9})
    figure = _lines(result) if result["sweeps"] else _bars(result)
    figure.savefig(target, metadata={"Date": None})


def _bars(result: dict[str, Any]) -> Any:
    plotted, names = result["plotted"], list(result["servers"])
    rounds = {name: _values(result, name) for name in names}
    medians = [statistics.median(rounds[name]) for name in names]
    figure, axes = plt.subplots(figsize=(7, 0.7 + 0.45 * len(names)), layout="constrained")
    bars = axes.barh(
        [result["servers"][name] for name in names],
        medians,
        xerr=[
            [middle - min(rounds[name]) for name, middle in zip(names, medians, strict=True)],
            [max(rounds[name]) - middle for name, middle in zip(names, medians, strict=True)],
        ],
        color=[_colour(name) for name in names],
        error_kw={"elinewidth": 1, "ecolor": "#0f172a"},
    )
    axes.bar_label(bars, [_label(middle) for middle in medians], padding=6)
    largest = max(map(max, rounds.values()))
    if min(medians) > 0 and max(medians) / min(medians) >= WIDE_RANGE:
        axes.set_xscale("log")
        axes.set_xlim(min(medians) / 3, largest * 4)
    else:
        axes.set_xlim(0, largest * 1.2)
    axes.invert_yaxis()
    figure.suptitle(textwrap.fill(result["title"], TITLE_WIDTH), x=0.01, ha="left", fontsize=10)
    axes.set_xlabel(plotted["heading"])
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _lines(result: dict[str, Any]) -> Any:
    sweeps = result["sweeps"]
    figure, panels = plt.subplots(
        1, len(sweeps), figsize=(7, 2.6), layout="constrained", squeeze=False
    )
    for axes, sweep in zip(panels[0], sweeps, strict=True):
        for name in result["servers"]:
            axes.plot(
                *_points(result, name, sweep),
                marker="o",
                markersize=3,
                label=result["servers"][name],
                color=_colour(name),
            )
        axes.set_ylim(bottom=0)
        points = sweep["points"]
        if points[-1][0] > WIDE_RANGE * points[0][0] and len(points) < WIDE_RANGE:
            axes.set_xscale("log")  # a few points, each a multiple of the one before
        axes.set_xlabel(sweep["axis"])
        axes.set_title(sweep["heading"], loc="left", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    first = panels[0][0]
    first.set_ylim(top=first.get_ylim()[1] * 1.35)  # room for the legend above the lines
    first.legend(frameon=False, loc="upper left", ncols=2)
    figure.suptitle(result["title"], x=0.01, ha="left", fontsize=10)
    return figure


def _points(
    result: dict[str, Any], server: str, sweep: dict[str, Any]
) -> tuple[list[float], list[float]]:
    medians = result["medians"][server]
    known = [(x, medians[key]) for x, key in sweep["points"] if key in medians]
    return [x for x, _ in known], [value * sweep["scale"] for _, value in known]


def _colour(name: str) -> str:
    if name.startswith("tidegate"):
        return OWN_COLOUR
    return LIMIT_COLOUR if name in LIMITS else OTHER_COLOUR


def _label(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _values(result: dict[str, Any], server: str) -> list[float]:
    key, scale = result["plotted"]["key"], result["plotted"]["scale"]
    figures = (round_.get(server, {}) for round_ in result["rounds"])
    return [figure[key] * scale for figure in figures if key in figure]


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
