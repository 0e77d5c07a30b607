from __future__ import annotations

import pytest

from tidegate.auth import Identity, TokenCache
from tidegate.ids import TenantId, UserId

ADA = Identity(TenantId("acme"), UserId("ada"))
BOB = Identity(TenantId("acme"), UserId("bob"))


def test_gives_back_the_same_identity_object() -> None:
    cache = TokenCache()
    cache.put("token", ADA, until=100.0, now=0.0)
    assert cache.get("token", 99.9) is ADA


def test_an_entry_ends_when_its_token_does() -> None:
    cache = TokenCache()
    cache.put("token", ADA, until=100.0, now=0.0)
    assert cache.get("token", 100.0) is None
    assert len(cache) == 0


def test_an_entry_ends_at_the_max_age() -> None:
    cache = TokenCache(max_age=300.0)
    cache.put("token", ADA, until=9_999.0, now=0.0)
    assert cache.get("token", 299.9) is ADA
    assert cache.get("token", 300.0) is None


def test_the_least_recently_used_goes_first() -> None:
    cache = TokenCache(max_entries=2)
    cache.put("first", ADA, until=100.0, now=0.0)
    cache.put("second", BOB, until=100.0, now=0.0)
    cache.get("first", 1.0)
    cache.put("third", BOB, until=100.0, now=1.0)
    assert len(cache) == 2
    assert cache.get("first", 2.0) is ADA
    assert cache.get("second", 2.0) is None


def test_clear_forgets_everything() -> None:
    cache = TokenCache()
    cache.put("token", ADA, until=100.0, now=0.0)
    cache.clear()
    assert cache.get("token", 1.0) is None


@pytest.mark.parametrize(("max_entries", "until"), [(0, 100.0), (10, 0.0)])
def test_keeps_nothing_that_it_could_not_use(max_entries: int, until: float) -> None:
    cache = TokenCache(max_entries)
    cache.put("token", ADA, until=until, now=0.0)
    assert len(cache) == 0


def test_does_not_keep_the_token_itself() -> None:
    cache = TokenCache()
    cache.put("my-secret-token", ADA, until=100.0, now=0.0)
    assert "my-secret-token" not in repr(vars(cache))
