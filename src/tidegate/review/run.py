"""One review: files, model, rules, what is silenced, in this order."""

from __future__ import annotations

import gc
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tidegate.review.diagnostic import SEVERITIES, Finding, Note
from tidegate.review.discover import discover, is_minified, is_realtime, read
from tidegate.review.facts.module.made import of_what_is_made
from tidegate.review.model import Model, Project, build
from tidegate.review.registry import Rule, all_rules
from tidegate.review.suppress import without_silenced

__all__ = ["Options", "Report", "model_of", "review"]


@dataclass(frozen=True)
class Options:
    """What to review, and how.

    Attributes:
        root: Names of files are relative to it.
        select: Names of rules or topics; empty for all.
        ignore: Names of rules or topics, stronger than ``select``.
        exclude: Patterns as in ``.gitignore``.
        baseline: Fingerprints of findings that are known.
        could_not_tell: Keep findings with that verdict.
        texts: Files that are taken from here, by name, and not from the disk.
    """

    root: Path = Path()
    select: Collection[str] = ()
    ignore: Collection[str] = ()
    exclude: Sequence[str] = ()
    baseline: Collection[str] = ()
    could_not_tell: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Report:
    """What was found.

    Attributes:
        findings: In the order of files and lines.
        notes: Files that were skipped, comments that silence nothing, rules that failed.
        files: How many files were looked at.
        realtime_files: How many of them were parsed for their realtime code.
        silenced: Findings that a comment silenced.
        known: Findings that the baseline has.
        texts: Of the files that the findings' fixes edit, by name.
        model: What was read of the project.
    """

    findings: list[Finding] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    rules: tuple[Rule, ...] = ()
    files: int = 0
    realtime_files: int = 0
    silenced: int = 0
    known: int = 0
    seconds: float = 0.0
    texts: dict[str, str] = field(default_factory=dict)
    model: Model | None = field(default=None, repr=False)

    @property
    def faults(self) -> list[Finding]:
        """Return the findings that are faults."""
        return [each for each in self.findings if each.verdict == "fault"]

    def worst_first(self) -> list[Finding]:
        """Return the findings by severity."""
        return sorted(self.findings, key=lambda each: (SEVERITIES.index(each.severity), each.order))


def review(paths: Sequence[Path], options: Options = Options()) -> Report:  # frozen
    """Return what the rules find in files and folders; nothing of the code is run."""
    started = time.perf_counter()
    report = Report(rules=_selected(options))
    model = report.model = model_of(paths, options, report)
    found: set[Finding] = set()
    for rule in report.rules:
        try:
            found.update(rule.check(model))
        except Exception as error:  # a rule that fails must not hide the others' findings
            told = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            report.notes.append(Note("", f"rule {rule.name} failed: {told}"))
    judged = of_what_is_made(found, model)
    kept = [each for each in judged if options.could_not_tell or each.verdict == "fault"]
    kept, report.silenced = without_silenced(kept, model.project.files, report.notes)
    report.findings = sorted(
        (each for each in kept if each.fingerprint not in options.baseline),
        key=lambda each: each.order,
    )
    report.known = len(kept) - len(report.findings)
    edits = [edit for each in report.findings if each.fix for edit in each.fix.edits]
    report.texts = {edit.file: model.project.files[edit.file].text for edit in edits}
    report.seconds = time.perf_counter() - started
    return report


def model_of(paths: Sequence[Path], options: Options, report: Report) -> Model:
    """Return the model of a project; counts and notes go to the report."""
    root = options.root.resolve()
    project = Project(root, (), report.notes, options.texts)
    # Parsed trees live as long as the review: to look for garbage among them is waste.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for path in discover(
            [path.absolute() for path in paths], root, options.exclude, report.notes
        ):
            name = _name(path, root)
            report.files += 1
            given = options.texts.get(name)
            data = read(path, name, report.notes) if given is None else given.encode()
            if data is None:
                continue
            project.names.add(name)
            if not is_realtime(data):
                continue
            if is_minified(data):
                report.notes.append(Note(name, "minified"))
                continue
            file = project.add(name, data)
            report.realtime_files += 1
            if "\ufffd" in file.text:
                report.notes.append(Note(name, "not UTF-8; read as far as it could be"))
        return build(project)
    finally:
        if was_enabled:
            gc.enable()


def _name(path: Path, root: Path) -> str:
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()


def _selected(options: Options) -> tuple[Rule, ...]:
    return tuple(
        rule
        for rule in all_rules()
        if (not options.select or {rule.name, rule.topic} & set(options.select))
        and not {rule.name, rule.topic} & set(options.ignore)
    )
