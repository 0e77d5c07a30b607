"""JSON: every finding with all that is known of it."""

from __future__ import annotations

import json
from dataclasses import asdict

from tidegate.review.run import Report

__all__ = ["to_json"]


def to_json(report: Report) -> str:
    """Return one object; ``version`` changes when a field changes its meaning."""
    document = {
        "version": 1,
        "findings": [
            {key: value for key, value in asdict(each).items()}
            | {"fingerprint": each.fingerprint}
            for each in report.findings
        ],
        "notes": [asdict(note) for note in report.notes],
        "files": report.files,
        "realtime_files": report.realtime_files,
        "silenced": report.silenced,
        "known": report.known,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
