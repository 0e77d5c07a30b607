"""JSON: every finding with all that is known of it."""

from __future__ import annotations

import json
from dataclasses import asdict

from tidegate.review.run import Report

__all__ = ["to_json"]


def to_json(report: Report) -> str:
    """Return one object; ``version`` changes when a field changes its meaning.

    A finding's ``fix`` is null, or has ``is_safe`` and ``edits``: the characters of ``file`` from
    ``start`` up to ``end``, counted from 0, become ``text``.
    """
    document = {
        "version": 1,
        "findings": [asdict(each) | {"fingerprint": each.fingerprint} for each in report.findings],
        "notes": [asdict(note) for note in report.notes],
        "files": report.files,
        "realtime_files": report.realtime_files,
        "silenced": report.silenced,
        "known": report.known,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
