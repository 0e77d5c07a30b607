"""Draws one workload's result: a bar for each server, thin lines from its worst to its best round.

Run by ``report.py`` in the private environment, which has matplotlib; reads nothing but the JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found, unused-ignore]
import matplotlib.pyplot as plt  # type: ignore[import-not-found, unused-ignore]

WIDE_RANGE = 20
"""From this ratio of largest to smallest on, a linear axis would hide the small bars."""

OWN_COLOUR, LIMIT_COLOUR, OTHER_COLOUR = "#0f766e", "#475569", "#94a3b8"
LIMITS = ("c-loop", "pika", "rstream")


def draw(result: dict[str, Any], target: Path) -> None:
    """Write the plot as SVG."""
    plotted, names = result["plotted"], list(result["servers"])
    rounds = {name: _values(result, name) for name in names}
    medians = [statistics.median(rounds[name]) for name in names]
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "tidegate", "font.family": "DejaVu Sans", "font.size": 9})
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
    if min(medians) > 0 and max(medians) / min(medians) >= WIDE_RANGE:
        axes.set_xscale("log")
        axes.set_xlim(min(medians) / 3, max(medians) * 4)
    else:
        axes.set_xlim(0, max(medians) * 1.2)
    axes.invert_yaxis()
    axes.set_title(result["title"], loc="left", fontsize=10)
    axes.set_xlabel(plotted["heading"])
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, metadata={"Date": None})


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
