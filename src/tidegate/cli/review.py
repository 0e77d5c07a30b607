"""``tidegate review`` and ``tidegate explain``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tidegate.review import Options, Report

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
    fix: Annotated[
        bool, typer.Option("--fix", help="Write the fixes that are safe; report what is left.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print what --fix changes; alone, nothing is written.")
    ] = False,
    show_fix: Annotated[
        bool, typer.Option("--show-fix", help="With the code of each finding corrected.")
    ] = False,
    checklist: Annotated[
        bool, typer.Option("--checklist", help="For each gateway: what holds, what doesn't, where.")
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

    _check_format(output_format, ("terminal", *FORMATS))
    _check_paths(paths)
    if checklist:
        _print_checklists(paths, output_format)
        return
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
    if write_baseline is not None:
        if fix or diff:
            raise typer.BadParameter(
                "goes with neither --fix nor --diff", param_hint="--write-baseline"
            )
        report = run(paths, options)
        files.write_baseline(write_baseline, report.findings)
        count = len(report.faults)
        is_or_are = "is" if count == 1 else "are"
        print(f"{_many(count, 'finding')} {is_or_are} in {write_baseline}")
        return
    mended = 0
    if fix or diff:
        report, mended = _corrected(paths, options, fix=fix, diff=diff)
    else:
        report = run(paths, options)
    if diff and not fix:
        pass  # the diff is all that was asked for, so that it can be piped into `git apply`
    elif output_format == "terminal":
        print(terminal(report, color=sys.stdout.isatty(), show_fix=show_fix), end="")
    else:
        print(FORMATS[output_format](report), end="")
    if report.faults or (diff and not fix and mended):
        raise typer.Exit(1)


def _check_format(name: str, known: Iterable[str]) -> None:
    if name not in known:
        told = f"{name} is none of {', '.join(known)}"
        raise typer.BadParameter(told, param_hint="--format")


def _check_paths(paths: Iterable[Path]) -> None:
    for path in paths:
        if not path.exists():
            raise typer.BadParameter(f"there is no {path}", param_hint="PATHS")


def _print_checklists(paths: list[Path], output_format: str) -> None:
    """Print the checklist of each gateway; exit with 1 if an item failed."""
    from tidegate.review import Options
    from tidegate.review import review as run
    from tidegate.review import settings as files
    from tidegate.review.checklist import FORMATS, checklists

    _check_format(output_format, FORMATS)
    exclude = files.read_settings(Path()).exclude
    lists = checklists(run(paths, Options(exclude=exclude, could_not_tell=True)))
    print(FORMATS[output_format](lists), end="")
    if any(item.outcome == "failed" for each in lists for item in each.items):
        raise typer.Exit(1)


def _corrected(paths: list[Path], options: Options, *, fix: bool, diff: bool) -> tuple[Report, int]:
    """Correct the code, print the diff, write the files; return what is left, and the count."""
    from tidegate.review.correct import correct, write

    correction = correct(paths, options)
    if diff:
        print(correction.diff(), end="")
    if fix:
        written = write(correction, options.root)
        told = f"mended {_many(correction.count, 'finding')} in {_many(len(written), 'file')}"
        print(told if written else "nothing to mend unasked", file=sys.stderr)
    return correction.report, correction.count


def _many(count: int, thing: str) -> str:
    """Return ``1 finding``, ``2 findings``."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def explain(
    rule: Annotated[
        str | None, typer.Argument(help="Name of a rule; without it, all are listed.")
    ] = None,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files and folders: where it finds faults there, and the corrections."),
    ] = None,
) -> None:
    """Tell what a rule of `tidegate review` finds, why, and how to put it right."""
    from tidegate.review import Options, all_rules, rule_named
    from tidegate.review import review as run
    from tidegate.review.pages import page
    from tidegate.review.report import terminal

    if rule is None:
        width = max(len(each.name) for each in all_rules())
        for each in all_rules():
            print(f"{each.name:{width}}  {each.severity:8}  {each.summary}")
        return
    found = rule_named(rule)
    if found is None:
        raise typer.BadParameter(f"there is no rule {rule}", param_hint="RULE")
    print(page(found), end="")
    if paths:
        _check_paths(paths)
        report = run(paths, Options(select=(found.name,)))
        told = terminal(report, color=sys.stdout.isatty(), show_fix=True)
        print(f"\n## In your code\n\n{told}", end="")
