"""The labels have the form that `README.md` tells."""

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tests.review.rule_names import NOT_JUDGED, RULES, SEVERITIES

CORPUS = Path(__file__).parent / "corpus.jsonl"
KEYS = {
    "repository",
    "path",
    "commit",
    "files",
    "language",
    "framework",
    "kind",
    "difficulty",
    "findings",
    "clean_of",
    "could_not_tell",
    "held_out",
}
SUFFIXES = {
    "typescript": (".ts",),
    "tsx": (".tsx",),
    "javascript": (".js", ".jsx"),
    "python": (".py",),
}

Entry = dict[str, Any]


def read() -> list[Entry]:
    """Give the entries, one a line."""
    return [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


ENTRIES = read()


def name(entry: Entry) -> str:
    return f"{entry['repository']}:{entry['path']}"


def is_relative(path: str) -> bool:
    parts = PurePosixPath(path)
    return bool(path) and not parts.is_absolute() and ".." not in parts.parts and "\\" not in path


def is_line(value: object) -> bool:
    return type(value) is int and value > 0


@pytest.mark.parametrize("entry", ENTRIES, ids=name)
class TestEntry:
    def test_has_the_keys(self, entry: Entry) -> None:
        assert set(entry) == KEYS

    def test_names_a_file_at_a_commit(self, entry: Entry) -> None:
        assert re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", entry["repository"])
        assert re.fullmatch(r"[0-9a-f]{40}", entry["commit"])
        assert all(map(is_relative, [entry["path"], *entry["files"]]))
        assert entry["path"] not in entry["files"]
        assert len(set(entry["files"])) == len(entry["files"])
        assert entry["path"].endswith(SUFFIXES[entry["language"]])

    def test_says_what_it_is(self, entry: Entry) -> None:
        assert entry["difficulty"] in {1, 2, 3}
        assert entry["kind"]
        assert entry["framework"]
        assert isinstance(entry["held_out"], bool)
        assert entry["findings"] or entry["clean_of"] or entry["could_not_tell"]

    def test_findings(self, entry: Entry) -> None:
        considered = {entry["path"], *entry["files"]}
        for finding in entry["findings"]:
            assert (
                {"rule", "line", "why"}
                <= set(finding)
                <= {
                    "rule",
                    "line",
                    "why",
                    "path",
                    "also",
                    "or",
                }
            )
            assert finding["rule"] in SEVERITIES
            assert set(finding.get("or", [])) <= set(SEVERITIES) - {finding["rule"]}
            assert is_line(finding["line"])
            assert finding["why"].endswith(".")
            assert finding.get("path", entry["path"]) in considered
            for place in finding.get("also", []):
                assert set(place) == {"path", "line"}
                assert place["path"] in considered
                assert is_line(place["line"])

    def test_no_finding_twice(self, entry: Entry) -> None:
        places = [(f.get("path", entry["path"]), f["line"], f["rule"]) for f in entry["findings"]]
        assert len(set(places)) == len(places)

    def test_rules_that_do_not_apply(self, entry: Entry) -> None:
        found = {
            f["rule"] for f in entry["findings"] if f.get("path", entry["path"]) == entry["path"]
        }
        for label in entry["clean_of"]:
            assert {"rule", "why"} <= set(label) <= {"rule", "why", "line"}
            assert label["rule"] in SEVERITIES
            assert label["why"].endswith(".")
            assert label["rule"] not in found or is_line(label.get("line"))
        for label in entry["could_not_tell"]:
            assert set(label) == {"rule", "why"}
            assert label["rule"] in SEVERITIES
            assert label["why"].endswith(".")


def test_rule_names_are_unique_and_known() -> None:
    assert sum(map(len, RULES.values())) == len(SEVERITIES)
    assert set(SEVERITIES.values()) == {"critical", "high", "medium", "low"}
    assert set(SEVERITIES) >= NOT_JUDGED


def test_no_file_twice() -> None:
    assert len({name(entry) for entry in ENTRIES}) == len(ENTRIES)


def test_one_commit_for_each_repository() -> None:
    commits = {(entry["repository"], entry["commit"]) for entry in ENTRIES}
    assert len(commits) == len({entry["repository"] for entry in ENTRIES})


def test_is_wide_enough() -> None:
    assert len(ENTRIES) >= 40
    assert len({entry["repository"] for entry in ENTRIES}) >= 40
    assert {entry["language"] for entry in ENTRIES} == set(SUFFIXES)
    assert {entry["difficulty"] for entry in ENTRIES} == {1, 2, 3}
    assert any(not entry["findings"] for entry in ENTRIES)


def test_enough_is_held_out_whole_repositories_at_a_time() -> None:
    held_out = [entry for entry in ENTRIES if entry["held_out"]]
    assert len({entry["repository"] for entry in held_out}) >= 20
    assert 25 <= len(held_out) <= 0.6 * len(ENTRIES)
    ours = {entry["repository"] for entry in ENTRIES if not entry["held_out"]}
    assert not ours & {entry["repository"] for entry in held_out}
