"""Turns rounds of figures into medians, ratios, a JSON file, a Markdown table and a plot."""

from __future__ import annotations

import dataclasses
import json
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.prepare import ROOT, VENV_PYTHON
from benchmarks.servers import SERVERS
from benchmarks.workload import Column, Figures, Goal, Workload

__all__ = ["Result", "markdown", "write"]

_REFERENCES = (
    "c-loop",
    "node",
    "node-key-object",
    "centrifugo",
    "node-recovery",
    "node-recovery-key-object",
    "nest",
    "pika",
    "rstream",
    "tidegate-1-worker",
)


@dataclass
class Result:
    """What was measured of one workload.

    Attributes:
        workload: Which one.
        rounds: Per round, each server's figures.
        context: Date, command, machine, versions.
    """

    workload: Workload
    context: dict[str, Any]
    rounds: list[dict[str, Figures]] = field(default_factory=list)

    @property
    def servers(self) -> list[str]:
        """The servers that were measured, in the workload's order."""
        return [name for name in self.workload.servers if any(name in r for r in self.rounds)]

    def values(self, server: str, key: str) -> list[float]:
        """Return a figure of a server in each round that has it."""
        figures = (round_.get(server, {}) for round_ in self.rounds)
        return [figure[key] for figure in figures if key in figure]

    def median(self, server: str, key: str) -> float | None:
        """Return the median over the rounds."""
        values = self.values(server, key)
        return statistics.median(values) if values else None

    def ratios(self, server: str, beside: str, key: str) -> list[float]:
        """Return a server's figure over another's, round by round: neighbours in time."""
        return [
            round_[server][key] / round_[beside][key]
            for round_ in self.rounds
            if key in round_.get(server, {}) and round_.get(beside, {}).get(key)
        ]


def write(result: Result, folder: Path) -> None:
    """Write ``<workload>.json``, ``.md`` and ``.svg``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.workload.name}.json"
    path.write_text(json.dumps(_as_json(result), indent=2) + "\n")
    path.with_suffix(".md").write_text(markdown(result))
    plot = [str(VENV_PYTHON), str(ROOT / "plot.py"), str(path), str(path.with_suffix(".svg"))]
    subprocess.run(plot, check=True)


def markdown(result: Result) -> str:
    """Return heading, table, goals and context."""
    parts = [f"## {result.workload.title}", _table(result), _goals(result), _context(result)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(result: Result) -> str:
    first = result.workload.columns[0]
    references = [name for name in _REFERENCES if name in result.servers]
    headings = ["server", *(column.heading for column in result.workload.columns)]
    headings += [f"ratio to {SERVERS[name].title}" for name in references] + ["faults"]
    lines = [_row(headings), _row(["---", *["---:"] * (len(headings) - 1)])]
    for server in result.servers:
        cells = [_cell(result, server, column) for column in result.workload.columns]
        cells += [_ratio_cell(result.ratios(server, name, first.key)) for name in references]
        faults = sum(result.values(server, "faults"))
        lines.append(_row([SERVERS[server].title, *cells, f"{faults:.0f}"]))
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(result: Result, server: str, column: Column) -> str:
    value = result.median(server, column.key)
    return "" if value is None else column.form.format(value * column.scale)


def _ratio_cell(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.3g}" if ratios else ""


def _goals(result: Result) -> str:
    lines = [_goal_line(result, goal) for goal in result.workload.goals]
    return "\n".join(line for line in lines if line)


def _goal_line(result: Result, goal: Goal) -> str:
    column = next(c for c in result.workload.columns if c.key == goal.key)
    values = _goal_values(result, goal)
    if not values:
        return ""
    value = statistics.median(values)
    is_reached = value <= goal.bound if goal.is_ceiling else value >= goal.bound
    unit = 1.0 if goal.beside else column.scale
    whose = "" if goal.of == "tidegate" else f"{SERVERS[goal.of].title}: "
    what = (
        whose + column.heading + (f", ratio to {SERVERS[goal.beside].title}" if goal.beside else "")
    )
    each = ", ".join(f"{one * unit:.3g}" for one in values)
    return (
        f"- {what}: **{value * unit:.3g}** (rounds: {each}); "
        f"the goal is {'at most' if goal.is_ceiling else 'at least'} {goal.bound * unit:.3g}: "
        f"{'reached' if is_reached else 'not reached'}"
    )


def _goal_values(result: Result, goal: Goal) -> list[float]:
    if goal.beside is None:
        return result.values(goal.of, goal.key)
    return result.ratios(goal.of, goal.beside, goal.key)


def _context(result: Result) -> str:
    context, machine = result.context, result.context["machine"]
    versions = (f"{name} {version}" for name, version in sorted(context["versions"].items()))
    return (
        f"Medians of {len(result.rounds)} rounds, the servers in turn in each; ratios are taken "
        f"round by round. {context['date']}, `{context['command']}`, {machine['cpu']}, "
        f"{machine['cores']} cores, Linux {machine['kernel']}; {', '.join(versions)}."
    )


def _as_json(result: Result) -> dict[str, Any]:
    first = result.workload.columns[0]
    return {
        "workload": result.workload.name,
        "title": result.workload.title,
        **result.context,
        "plotted": {"key": first.key, "heading": first.heading, "scale": first.scale},
        "sweeps": [dataclasses.asdict(sweep) for sweep in result.workload.sweeps],
        "servers": {name: SERVERS[name].title for name in result.servers},
        "medians": {name: _medians(result, name) for name in result.servers},
        "ratios": {
            beside: {name: result.ratios(name, beside, first.key) for name in result.servers}
            for beside in _REFERENCES
            if beside in result.servers
        },
        "rounds": result.rounds,
    }


def _medians(result: Result, server: str) -> dict[str, float | None]:
    keys = {key for round_ in result.rounds for key in round_.get(server, {})}
    return {key: result.median(server, key) for key in sorted(keys)}
