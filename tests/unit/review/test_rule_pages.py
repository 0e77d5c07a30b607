"""The pages in docs/rules say what the rules say."""

from __future__ import annotations

from pathlib import Path

from tidegate.review.pages import pages

FOLDER = Path(__file__).parents[3] / "docs" / "rules"


def test_pages_are_those_of_the_rules() -> None:
    written = {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()}
    assert written == pages(), "run: python -m tidegate.review.pages docs/rules"
