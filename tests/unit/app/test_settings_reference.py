"""The reference page has one row per setting, and says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tidegate.app.config import describe, load_settings
from tidegate.app.settings import FIELDS
from tidegate.app.settings_sources import variable_name

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "settings.md"
DEFAULTS = {row.key: row.value for row in describe(load_settings(file=None, environ={}, flags={}))}


@pytest.mark.parametrize("key", FIELDS)
def test_setting_has_its_row_in_the_reference(key: str) -> None:
    default = "`HS256` or `RS256`" if key == "auth.algorithms" else DEFAULTS[key]
    if default not in ("not set", "none") and "`" not in default:
        default = f"`{default}`"
    row = f"| `{key}` | `{variable_name(key)}` | {default} | {FIELDS[key].description} |"
    assert row in REFERENCE.read_text(encoding="utf-8").splitlines()


def test_reference_has_no_row_of_a_setting_that_is_gone() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \|", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(FIELDS)
