from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.auth import OriginPolicy
from tidegate.errors import ConfigError

_LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("entry", "origin"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("HTTPS://App.Example.com/", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("https://app.example.com", "https://app.example.com:443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("https://*.example.com", "https://app.example.com"),
        ("https://*.example.com:8443", "https://app.example.com:8443"),
        ("http://*.localhost", "http://acme.localhost"),
        ("null", "null"),
        ("*", "https://anything.example"),
        (" https://app.example.com ", "https://app.example.com"),
    ],
)
def test_allows(entry: str, origin: str) -> None:
    assert OriginPolicy([entry]).allows(origin)


@pytest.mark.parametrize(
    ("entry", "origin"),
    [
        ("https://example.com", "https://example.com.evil.com"),
        ("https://example.com", "https://evil-example.com"),
        ("https://example.com", "http://example.com"),
        ("https://example.com", "https://example.com:8443"),
        ("https://example.com", "https://example.com@evil.com"),
        ("https://example.com", "https://example.com/path"),
        ("https://example.com", "https://example.com\nhttps://evil.com"),
        ("https://example.com", "https://example.com, https://evil.com"),
        ("https://example.com", ""),
        ("https://example.com", "null"),
        ("https://*.example.com", "https://example.com"),
        ("https://*.example.com", "https://a.b.example.com"),
        ("https://*.example.com", "https://.example.com"),
        ("https://*.example.com", "https://*.example.com"),
        ("https://*.example.com", "https://app.example.com.evil.com"),
        ("https://*.example.com", "https://appexample.com"),
        ("https://*.example.com", "https://evil.com#.example.com"),
        ("https://*.example.com", "https://evil.com\\.example.com"),
        ("*", "null"),
        ("*", "no origin at all"),
        ("http://localhost:3000", "http://localhost:99999"),
    ],
)
def test_refuses(entry: str, origin: str) -> None:
    assert not OriginPolicy([entry]).allows(origin)


def test_a_client_without_origin_is_no_browser_and_may_connect() -> None:
    assert OriginPolicy([]).allows(None)


def test_without_entries_no_page_may_connect() -> None:
    assert not OriginPolicy([]).allows("https://example.com")


def test_says_whether_any_origin_is_allowed() -> None:
    assert OriginPolicy(["*"]).is_any
    assert not OriginPolicy(["https://*.example.com"]).is_any


@pytest.mark.parametrize(
    ("entry", "problem", "remedy"),
    [
        ("app.example.com", "has no scheme", "Write https://app.example.com"),
        ("https://example.com/app", "has a path", "Write https://example.com only"),
        ("https://example.com?x=1", "has a path", "Write https://example.com only"),
        ("https://a.*.example.com", "wildcard in the wrong place", "first label"),
        ("https://app-*.example.com", "wildcard in the wrong place", "first label"),
        ("https://*", "wildcard in the wrong place", "first label"),
        ("https://*.com", "top-level domain", "domain of yours"),
        ("https://bücher.example", "non-ASCII", "Punycode"),
        ("https://user@example.com", "user information", "scheme://host"),
        ("https://example.com:99999", "is not an origin", "scheme://host"),
        ("https://", "is not an origin", "scheme://host"),
        ("", "is empty", "Remove it"),
    ],
)
def test_a_bad_entry_is_refused_with_a_remedy(entry: str, problem: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        OriginPolicy([entry])
    assert caught.value.key == "origins"
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


@given(st.lists(_LABELS, min_size=2, max_size=5), st.lists(_LABELS, min_size=1, max_size=5))
def test_a_listed_host_allows_no_other_host(listed: list[str], asking: list[str]) -> None:
    policy = OriginPolicy(["https://" + ".".join(listed)])
    assert policy.allows("https://" + ".".join(asking)) == (listed == asking)


@given(st.lists(_LABELS, min_size=2, max_size=4), st.lists(_LABELS, max_size=3))
def test_a_wildcard_allows_exactly_one_label(parent: list[str], below: list[str]) -> None:
    policy = OriginPolicy(["https://*." + ".".join(parent)])
    assert policy.allows("https://" + ".".join(below + parent)) == (len(below) == 1)


@given(st.text())
def test_no_text_is_taken_for_a_listed_origin(text: str) -> None:
    policy = OriginPolicy(["https://example.com", "https://*.example.com"])
    assert not policy.allows(text)
    assert not policy.allows("https://example.com" + "." + text)
