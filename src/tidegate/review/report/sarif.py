"""SARIF 2.1.0, with what GitHub code scanning asks for.

Source: OASIS SARIF 2.1.0; GitHub, "SARIF support for code scanning".
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from urllib.parse import quote

from tidegate.review.diagnostic import Finding
from tidegate.review.fix import Fix
from tidegate.review.registry import Rule
from tidegate.review.run import Report

__all__ = ["sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.5"}


def sarif(report: Report) -> str:
    """Return a log with one run."""
    positions = {rule.name: position for position, rule in enumerate(report.rules)}
    seen: Counter[str] = Counter()
    results = []
    for each in report.findings:
        results.append(_result(each, positions[each.rule], seen[each.fingerprint]))
        seen[each.fingerprint] += 1
    driver = {
        "name": "tidegate review",
        "rules": [_rule(rule) for rule in report.rules],
    }
    notes = [
        {
            "level": "note",
            "message": {"text": f"{note.file}: {note.reason}" if note.file else note.reason},
        }
        for note in report.notes
    ]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    example = rule.examples[0]
    return {
        "id": rule.name,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "help": {
            "text": f"{rule.why} {rule.remedy}",
            "markdown": f"{rule.why}\n\n**{rule.remedy}**\n\n```\n{example.good.rstrip()}\n```",
        },
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["security", rule.topic],
            "precision": "high",
            "security-severity": _SCORES[rule.severity],
        },
    }


def _result(finding: Finding, position: int, repeated: int) -> dict[str, Any]:
    is_fault = finding.verdict == "fault"
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
        "snippet": {"text": finding.code},
    }
    return {
        "ruleId": finding.rule,
        "ruleIndex": position,
        "kind": "fail" if is_fault else "review",
        "level": _LEVELS[finding.severity] if is_fault else "none",
        "message": {"text": f"{finding.message} {finding.remedy}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(finding.file)},
                    "region": region,
                }
            }
        ],
        "partialFingerprints": {"tidegate/v1": f"{finding.fingerprint}:{repeated}"},
        "properties": {"confidence": finding.confidence},
        **({"fixes": [_fix(finding.fix, finding.remedy)]} if finding.fix else {}),
    }


def _fix(fix: Fix, remedy: str) -> dict[str, Any]:
    files: dict[str, list[dict[str, Any]]] = {}
    for edit in fix.edits:
        region = {"charOffset": edit.start, "charLength": edit.end - edit.start}
        files.setdefault(edit.file, []).append(
            {"deletedRegion": region, "insertedContent": {"text": edit.text}}
        )
    return {
        "description": {"text": remedy},
        "artifactChanges": [
            {"artifactLocation": {"uri": quote(file)}, "replacements": replacements}
            for file, replacements in files.items()
        ],
    }
