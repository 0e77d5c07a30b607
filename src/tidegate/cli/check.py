"""``tidegate check``."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tidegate.app.config import describe
from tidegate.app.safety import setting_warnings, unsafe_settings
from tidegate.cli.loading import load

__all__ = ["check_settings"]


def check_settings(config: Path | None, *, dev: bool) -> bool:
    """Print the settings and what is unsafe; False if ``serve`` would refuse them.

    Raises:
        ConfigErrors: They are wrong.
    """
    loaded = load(config, {"dev": dev or None})
    console = Console()
    table = Table("setting", "value", "source", box=None, pad_edge=False)
    for key, value, source in describe(loaded):
        table.add_row(key, Text(value), Text(source), style=None if source == "default" else "bold")
    console.print(table)
    problems = unsafe_settings(loaded)
    for problem in problems:
        console.print(f"\nunsafe: {problem}", style="red", markup=False, highlight=False)
    for warning in setting_warnings(loaded):
        console.print(f"\nwarning: {warning}", style="yellow", markup=False, highlight=False)
    if not problems:
        console.print("\nThese settings can be served.", style="green")
    return not problems or loaded.settings.dev
