"""A page for each rule, from its own texts; ``python -m tidegate.review.pages docs/rules``."""

from __future__ import annotations

import sys
from pathlib import Path

from tidegate.review.registry import Rule, all_rules

__all__ = ["index", "page", "pages"]

_FENCES = {"typescript": "ts", "tsx": "tsx", "python": "python"}
_NAMES = {"typescript": "TypeScript", "tsx": "React", "python": "Python"}


def page(rule: Rule) -> str:
    """Return a rule's page in Markdown."""
    comment = "#" if rule.languages == ("python",) else "//"
    parts = [
        f"# {rule.name}",
        f"{rule.summary}\n\nTopic: {rule.topic}. Severity: {rule.severity}.",
        f"## Why\n\n{rule.why}\n\n## Remedy\n\n{rule.remedy}",
    ]
    for example in rule.examples:
        fence = _FENCES[example.language]
        title = f"{_NAMES[example.language]}{f': {example.title}' if example.title else ''}"
        parts.append(f"## {title}\n\nBad:\n\n```{fence}\n{example.bad.rstrip()}\n```")
        parts.append(f"Good:\n\n```{fence}\n{example.good.rstrip()}\n```")
    silence = f"{comment} tidegate-ignore {rule.name}: why it is right here"
    parts.append(
        f"## Silence\n\nOn the line, or the line above, with the reason:\n\n```\n{silence}\n```\n\n"
        f'For a project: `ignore = ["{rule.name}"]` under `[tool.tidegate.review]` in '
        "`pyproject.toml`, or under `[review]` in `tidegate.toml`."
    )
    return "\n\n".join(parts) + "\n"


def index() -> str:
    """Return the page that lists all rules."""
    lines = ["# Rules of `tidegate review`", "", "Made from the rules; do not edit.", ""]
    lines += ["| rule | topic | severity | reports |", "| --- | --- | --- | --- |"]
    lines += [
        f"| [{rule.name}]({rule.name}.md) | {rule.topic} | {rule.severity} | {rule.summary} |"
        for rule in all_rules()
    ]
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """Return all pages, by file name."""
    return {f"{rule.name}.md": page(rule) for rule in all_rules()} | {"index.md": index()}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, "utf-8")
