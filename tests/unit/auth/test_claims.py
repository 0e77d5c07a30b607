from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.auth.claims import claim_at, identifier_at, numeric_date
from tidegate.errors import AuthError


@pytest.mark.parametrize(
    ("claims", "path", "value"),
    [
        ({"tenantId": "acme"}, "tenantId", "acme"),
        ({"app": {"tenant": {"id": "acme"}}}, "app.tenant.id", "acme"),
        ({"https://example.com/tenant": "acme"}, "https://example.com/tenant", "acme"),
        ({"https://example.com/c": {"t": "acme"}}, "https://example.com/c.t", "acme"),
        ({"app": {"a.b": "acme"}}, "app.a.b", "acme"),
        ({"a.b": "name", "a": {"b": "path"}}, "a.b", "name"),
        ({"a.b": None, "a": {"b": "path"}}, "a.b", None),
        ({"a.b": {"x": 1}, "a": {"b": {"c": "acme"}}}, "a.b.c", "acme"),
        ({"app": "acme"}, "app.tenant", None),
        ({"app": ["acme"]}, "app.0", None),
        ({}, "tenantId", None),
        ({"": "odd"}, "", "odd"),
    ],
)
def test_finds_a_claim_by_name_then_by_path(claims: Any, path: str, value: Any) -> None:
    assert claim_at(claims, path) == value


@given(st.lists(st.text(min_size=1), min_size=1, max_size=6), st.integers())
def test_finds_any_nesting_by_its_joined_names(names: list[str], value: int) -> None:
    claims: Any = value
    for name in reversed(names):
        claims = {name: claims}
    assert claim_at(claims, ".".join(names)) == value


@given(st.dictionaries(st.text(), st.integers(), min_size=1), st.data())
def test_an_exact_name_is_always_found(claims: dict[str, int], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(claims)))
    assert claim_at(claims, name) == claims[name]


@pytest.mark.parametrize(
    ("value", "identifier"),
    [
        ("acme", "acme"),
        ("Zoë GmbH & Co", "Zoë GmbH & Co"),
        ("x" * 256, "x" * 256),
        (42, "42"),
        (0, "0"),
        (-7, "-7"),
        ("", None),
        (None, None),
    ],
)
def test_reads_an_identifier(value: Any, identifier: str | None) -> None:
    assert identifier_at({"tenantId": value}, "tenantId") == identifier


@pytest.mark.parametrize(
    "value",
    [True, False, 4.2, ["acme"], {"id": "acme"}, "x" * 257, "a\nb", "a\x00", "a\x7f", "a\x9b"],
)
def test_refuses_what_is_no_identifier(value: Any) -> None:
    with pytest.raises(AuthError) as caught:
        identifier_at({"tenantId": value}, "tenantId")
    assert caught.value.code == "token_invalid"
    assert "tenantId" not in caught.value.detail


@pytest.mark.parametrize(("value", "date"), [(0, 0.0), (1.5, 1.5), (1_800_000_000, 1.8e9)])
def test_reads_a_date(value: Any, date: float) -> None:
    assert numeric_date({"exp": value}, "exp") == date


def test_an_absent_date_is_none() -> None:
    assert numeric_date({}, "exp") is None


@pytest.mark.parametrize(
    "value",
    [None, "1800000000", True, [], float("nan"), float("inf"), 10**400, 1_800_000_000_000],
    ids=str,
)
def test_refuses_a_date_that_is_no_number_or_in_milliseconds(value: Any) -> None:
    with pytest.raises(AuthError) as caught:
        numeric_date({"exp": value}, "exp")
    assert caught.value.code == "token_invalid"
