"""The checklists as text, Markdown or JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from tidegate.review.checklist.judge import GatewayChecklist, Judged

__all__ = ["FORMATS"]

_SIGNS = {
    "passed": "passed        ",
    "failed": "failed        ",
    "could not tell": "could not tell",
}
_NONE = "No gateway was found.\n"
_MAX_WIDTH = 100


def _terminal(lists: Sequence[GatewayChecklist]) -> str:
    parts = []
    for each in lists:
        parts.append(f"{_title(each)}  {each.place}")
        for item in each.items:
            parts.append(f"  {_SIGNS[item.outcome]}  {item.text}")
            parts += [f"                  {line}" for line in _proof(item)]
        parts += [f"  {_counts(each)}", ""]
    return "\n".join(parts) if parts else _NONE


def _markdown(lists: Sequence[GatewayChecklist]) -> str:
    parts = []
    for each in lists:
        parts += [f"## {_title(each)}", "", f"`{each.place}`. {_counts(each)}.", ""]
        parts += ["| item | outcome | where | what |", "| --- | --- | --- | --- |"]
        for item in each.items:
            place = f"`{item.place}`" if item.place else ""
            what = f"`{item.reason}`" if item.outcome == "passed" else item.reason
            cells = (item.text, item.outcome, place, what[:_MAX_WIDTH].replace("|", "\\|"))
            parts.append("| " + " | ".join(cells) + " |")
        parts.append("")
    return "\n".join(parts) if parts else _NONE


def _json(lists: Sequence[GatewayChecklist]) -> str:
    document = {"version": 1, "gateways": [asdict(each) for each in lists]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _title(checklist: GatewayChecklist) -> str:
    namespace = f" {checklist.namespace}" if checklist.namespace else ""
    return f"{checklist.name}{namespace} ({checklist.framework})"


def _proof(item: Judged) -> list[str]:
    if item.place:
        return [f"{item.place}  {item.reason}"[:_MAX_WIDTH]]
    return [item.reason]


def _counts(checklist: GatewayChecklist) -> str:
    counts: Counter[str] = Counter(item.outcome for item in checklist.items)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in _SIGNS if counts[outcome])


FORMATS: Mapping[str, Callable[[Sequence[GatewayChecklist]], str]] = {
    "terminal": _terminal,
    "markdown": _markdown,
    "json": _json,
}
