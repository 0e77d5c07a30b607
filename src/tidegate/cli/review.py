"""``tidegate review`` and ``tidegate explain``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["explain", "review"]


def review(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    output_format: Annotated[
        str, typer.Option("--format", help="terminal, json, sarif, github or markdown.")
    ] = "terminal",
    select: Annotated[
        list[str] | None, typer.Option("--select", help="Only these rules or topics; repeatable.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", help="Not these rules or topics; repeatable.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", help="Leave out the findings of this file.")
    ] = None,
    write_baseline: Annotated[
        Path | None, typer.Option("--write-baseline", help="Write what is found there; exit 0.")
    ] = None,
    show_fix: Annotated[
        bool, typer.Option("--show-fix", help="With the right way to write it, once a rule.")
    ] = False,
    could_not_tell: Annotated[
        bool, typer.Option("--could-not-tell", help="Also show what could not be judged.")
    ] = False,
) -> None:
    """Find realtime mistakes in TypeScript, JavaScript and Python; nothing of the code is run.

    Files are named relative to the current folder, where pyproject.toml or tidegate.toml may have
    settings. Exit code 0: nothing found; 1: findings; 2: it was asked for what can't be.
    """
    from tidegate.review import Options
    from tidegate.review import review as run
    from tidegate.review import settings as files
    from tidegate.review.report import FORMATS, terminal

    if output_format not in ("terminal", *FORMATS):
        raise typer.BadParameter(f"{output_format} is none of the formats", param_hint="--format")
    for path in paths:
        if not path.exists():
            raise typer.BadParameter(f"there is no {path}", param_hint="PATHS")
    files.check_names([*(select or ()), *(ignore or ())], "select, ignore", "flag")
    settings = files.read_settings(Path())
    if baseline is None and settings.baseline and write_baseline is None:
        baseline = Path(settings.baseline)
    options = Options(
        root=Path(),
        select=tuple(select or settings.select),
        ignore=(*(ignore or ()), *settings.ignore),
        exclude=settings.exclude,
        baseline=files.read_baseline(baseline) if baseline else (),
        could_not_tell=could_not_tell,
    )
    report = run(paths, options)
    if write_baseline is not None:
        files.write_baseline(write_baseline, report.findings)
        print(f"{len(report.faults)} findings are in {write_baseline}")
        return
    if output_format == "terminal":
        text = terminal(report, color=sys.stdout.isatty(), show_fix=show_fix)
    else:
        text = FORMATS[output_format](report)
    print(text, end="")
    if report.faults:
        raise typer.Exit(1)


def explain(
    rule: Annotated[
        str | None, typer.Argument(help="Name of a rule; without it, all are listed.")
    ] = None,
) -> None:
    """Tell what a rule of `tidegate review` finds, why, and how to put it right."""
    from tidegate.review import all_rules, rule_named
    from tidegate.review.pages import page

    if rule is None:
        width = max(len(each.name) for each in all_rules())
        for each in all_rules():
            print(f"{each.name:{width}}  {each.severity:8}  {each.summary}")
        return
    found = rule_named(rule)
    if found is None:
        raise typer.BadParameter(f"there is no rule {rule}", param_hint="RULE")
    print(page(found), end="")
