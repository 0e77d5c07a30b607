"""Precision and recall of the reviewer's rules on the corpus.

    python -m tests.review.measure FOLDER [--clone] [--part tuning|held-out|all] [--rule RULE] [-v]

``FOLDER`` has the code, as ``<owner>__<name>/<commit>/``; ``--clone`` gets what is missing from
GitHub. How findings are counted is told in ``README.md``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.review.rule_names import NOT_JUDGED, SEVERITIES
from tidegate.review import Finding, Options, review

CORPUS = Path(__file__).parent / "corpus.jsonl"
NEAR = 3

Entry = dict[str, Any]
Place = tuple[str, str, int]


@dataclass
class Count:
    """What was found of one rule; places are (repository, path, line)."""

    right: set[Place] = field(default_factory=set)
    missed: dict[Place, str] = field(default_factory=dict)
    wrong: dict[Place, str] = field(default_factory=dict)

    @property
    def precision(self) -> float | None:
        """Return the share of reports that were right."""
        reports = len(self.right) + len(self.wrong)
        return len(self.right) / reports if reports else None

    @property
    def recall(self) -> float | None:
        """Return the share of labels that were found."""
        labels = len(self.right) + len(self.missed)
        return len(self.right) / labels if labels else None


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clone", action="store_true")
    parser.add_argument("--part", choices=("tuning", "held-out", "all"), default="tuning")
    parser.add_argument("--rule", default="")
    parser.add_argument("-v", "--verbose", action="store_true", help="name the places")
    args = parser.parse_args()
    entries = [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()]
    wanted = {"tuning": (False,), "held-out": (True,), "all": (False, True)}[args.part]
    entries = [entry for entry in entries if entry["held_out"] in wanted]
    counts = measure(args.folder, entries, clone=args.clone)
    _print(counts, args.rule, verbose=args.verbose)


def measure(folder: Path, entries: Iterable[Entry], *, clone: bool = False) -> dict[str, Count]:
    """Review each repository once and compare with its labels."""
    counts: dict[str, Count] = defaultdict(Count)
    repositories: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        repositories[entry["repository"], entry["commit"]].append(entry)
    for (repository, commit), labelled in repositories.items():
        root = folder / repository.replace("/", "__") / commit
        if not root.is_dir() and clone:
            _clone(repository, commit, root)
        if not root.is_dir():
            print(f"not here: {repository} at {commit}")
            continue
        findings = review([root], Options(root=root)).findings
        for entry in labelled:
            _compare(counts, repository, entry, findings)
    return counts


def _compare(
    counts: dict[str, Count], repository: str, entry: Entry, findings: list[Finding]
) -> None:
    accepted: set[Finding] = set()
    for label in entry["findings"]:
        path = label.get("path", entry["path"])
        places = [(path, label["line"]), *((p["path"], p["line"]) for p in label.get("also", ()))]
        names = {label["rule"], *label.get("or", ())}
        matching = {
            finding
            for finding in findings
            if finding.rule in names
            and any(
                finding.file == file and abs(finding.line - line) <= NEAR for file, line in places
            )
        }
        place = (repository, path, label["line"])
        count = counts[label["rule"]]
        if matching:
            accepted |= matching
            count.right.add(place)
            count.missed.pop(place, None)
        elif place not in count.right:
            count.missed[place] = label["why"]
    excused = {label["rule"] for label in entry["could_not_tell"]} | NOT_JUDGED
    labels = {(label["rule"], label.get("path", entry["path"])) for label in entry["findings"]}
    for finding in findings:
        if finding.file != entry["path"] or finding in accepted or finding.rule in excused:
            continue
        place = (repository, finding.file, finding.line)
        note = "" if (finding.rule, finding.file) not in labels else " (has labels elsewhere)"
        counts[finding.rule].wrong[place] = finding.message + note


def _clone(repository: str, commit: str, root: Path) -> None:
    root.parent.mkdir(parents=True, exist_ok=True)
    url = f"https://github.com/{repository}"
    subprocess.run(["git", "clone", "--quiet", "--filter=blob:none", url, root], check=True)
    subprocess.run(["git", "-C", root, "checkout", "--quiet", commit], check=True)


def _print(counts: dict[str, Count], only: str, *, verbose: bool) -> None:
    print(f"{'rule':36} {'severity':8} {'right':>5} {'wrong':>5} {'missed':>6}  precision  recall")
    for rule in sorted(SEVERITIES, key=lambda name: (list(SEVERITIES).index(name),)):
        if rule in counts and (not only or rule == only):
            print(_row(rule, SEVERITIES[rule], counts[rule]))
            for sign, places in (("+", counts[rule].wrong), ("-", counts[rule].missed)):
                for place, text in places.items() if verbose else ():
                    print(f"  {sign} {place[0]}:{place[1]}:{place[2]}  {text}")
    for name, severities in (
        ("critical and high", ("critical", "high")),
        ("medium and low", ("medium", "low")),
    ):
        total = Count()
        for rule, count in counts.items():
            if SEVERITIES[rule] in severities and rule not in NOT_JUDGED:
                total.right |= {(rule + place[0], *place[1:]) for place in count.right}
                total.wrong |= {(rule + p[0], *p[1:]): t for p, t in count.wrong.items()}
                total.missed |= {(rule + p[0], *p[1:]): t for p, t in count.missed.items()}
        print(_row(f"all {name}", "", total))


def _row(name: str, severity: str, count: Count) -> str:
    shares = ["    -" if s is None else f"{s:5.2f}" for s in (count.precision, count.recall)]
    numbers = f"{len(count.right):5} {len(count.wrong):5} {len(count.missed):6}"
    return f"{name:36} {severity:8} {numbers}      {shares[0]}   {shares[1]}"


if __name__ == "__main__":
    main()
