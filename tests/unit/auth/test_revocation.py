from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tidegate.auth import Identity, RevocationList
from tidegate.errors import AuthError
from tidegate.ids import TenantId, UserId

if TYPE_CHECKING:
    from tests.unit.auth.conftest import Clock


def identity(
    tenant: str = "acme",
    user: str = "42",
    issued_at: float | None = 900.0,
    token_id: str | None = "jti-1",
) -> Identity:
    return Identity(TenantId(tenant), UserId(user), 5_000.0, issued_at, token_id)


def is_revoked(revocations: RevocationList, who: Identity, now: float = 1_000.0) -> bool:
    try:
        revocations.check(who, now)
    except AuthError:
        return True
    return False


@pytest.fixture
def clock(clock: Clock) -> Clock:
    clock.now = 1_000.0
    return clock


@pytest.fixture
def revocations(clock: Clock) -> RevocationList:
    return RevocationList(clock=clock)


def test_nothing_is_revoked_at_first(revocations: RevocationList) -> None:
    assert not is_revoked(revocations, identity())


def test_a_refusal_has_its_code(revocations: RevocationList) -> None:
    revocations.revoke_token("acme", "jti-1", until=2_000.0)
    with pytest.raises(AuthError) as caught:
        revocations.check(identity(), 1_000.0)
    assert caught.value.code == "token_revoked"


def test_a_token_is_revoked_by_its_id_until_it_would_expire(revocations: RevocationList) -> None:
    revocations.revoke_token("acme", "jti-1", until=2_000.0)
    assert is_revoked(revocations, identity(), 1_999.9)
    assert not is_revoked(revocations, identity(), 2_000.0)
    assert not is_revoked(revocations, identity(token_id="jti-2"))
    assert not is_revoked(revocations, identity(token_id=None))


def test_one_tenants_token_id_does_not_block_anothers(revocations: RevocationList) -> None:
    revocations.revoke_token("acme", "jti-1", until=2_000.0)
    assert not is_revoked(revocations, identity(tenant="globex"))


def test_a_user_is_revoked_for_tokens_issued_up_to_then(revocations: RevocationList) -> None:
    revocations.revoke_user("acme", "42", at=1_000.0, until=2_000.0)
    assert is_revoked(revocations, identity(issued_at=900.0))
    assert is_revoked(revocations, identity(issued_at=1_000.0))
    assert is_revoked(revocations, identity(issued_at=None))
    assert not is_revoked(revocations, identity(issued_at=1_001.0))
    assert not is_revoked(revocations, identity(user="43"))
    assert not is_revoked(revocations, identity(tenant="globex"))
    assert not is_revoked(revocations, identity(issued_at=900.0), 2_000.0)


def test_a_tenant_is_revoked_with_all_its_users(revocations: RevocationList) -> None:
    revocations.revoke_tenant("acme", at=1_000.0, until=2_000.0)
    assert is_revoked(revocations, identity(user="42"))
    assert is_revoked(revocations, identity(user="43", token_id=None))
    assert not is_revoked(revocations, identity(issued_at=1_000.5))
    assert not is_revoked(revocations, identity(tenant="globex"))


def test_a_user_named_as_a_token_id_is_not_mixed_up(revocations: RevocationList) -> None:
    revocations.revoke_token("acme", "42", until=2_000.0)
    assert not is_revoked(revocations, identity(user="42", token_id="jti-1"))


def test_a_second_revocation_never_takes_back_the_first(revocations: RevocationList) -> None:
    revocations.revoke_user("acme", "42", at=1_000.0, until=3_000.0)
    revocations.revoke_user("acme", "42", at=500.0, until=2_000.0)
    assert is_revoked(revocations, identity(issued_at=900.0), 2_500.0)


def test_entries_that_ended_are_forgotten(revocations: RevocationList, clock: Clock) -> None:
    revocations.revoke_token("acme", "old", until=1_500.0)
    clock.now = 1_500.0
    revocations.revoke_token("acme", "new", until=2_500.0)
    assert len(revocations) == 1


def test_a_revocation_that_is_over_is_not_kept(revocations: RevocationList) -> None:
    revocations.revoke_token("acme", "jti-1", until=1_000.0)
    assert len(revocations) == 0


def test_when_full_the_first_to_end_makes_place_and_it_is_logged(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    revocations = RevocationList(max_entries=2, clock=clock)
    revocations.revoke_token("acme", "long", until=9_000.0)
    revocations.revoke_token("acme", "short", until=2_000.0)
    with caplog.at_level(logging.WARNING):
        revocations.revoke_token("acme", "new", until=1_500.0)
    assert len(revocations) == 2
    assert not is_revoked(revocations, identity(token_id="short"))
    assert is_revoked(revocations, identity(token_id="long"))
    assert is_revoked(revocations, identity(token_id="new"))
    assert "revoked tokens is full (2)" in caplog.text


def test_repeating_a_revocation_does_not_grow_the_list(clock: Clock) -> None:
    revocations = RevocationList(max_entries=2, clock=clock)
    revocations.revoke_user("acme", "other", at=1_000.0, until=1_500.0)
    for second in range(1_000):
        revocations.revoke_user("acme", "42", at=1_000.0 + second, until=2_000.0 + second)
    assert len(revocations) == 2
    assert len(revocations._users._ends) < 50
    assert is_revoked(revocations, identity(issued_at=1_999.0), 2_900.0)
    assert is_revoked(revocations, identity(user="other"), 1_200.0)
