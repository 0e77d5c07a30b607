from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from tidegate.auth import Identity, JWKSKeys, JWTAuthenticator, JWTConfig
from tidegate.errors import AuthError, ConfigError

if TYPE_CHECKING:
    from tests.unit.auth.conftest import Clock, Issuer, KeyServer

NOW = 1_800_000_000.0


class Door:
    """An authenticator on JWKS keys, asked for users and refusal codes."""

    def __init__(self, keys: JWKSKeys, clock: Clock) -> None:
        config = JWTConfig(algorithms=("RS256", "ES256"))
        self.keys = keys
        self.authenticator = JWTAuthenticator(config, keys, clock=clock)

    async def identity(self, token: str) -> Identity:
        answer = self.authenticator.verify(token)
        return answer if isinstance(answer, Identity) else await answer

    async def ask(self, token: str) -> str:
        """Return the user, or the code of the refusal."""
        try:
            return (await self.identity(token)).user
        except AuthError as error:
            return error.code


@pytest.fixture
async def door(key_server: KeyServer, clock: Clock) -> AsyncIterator[Door]:
    door = Door(JWKSKeys(key_server.url), clock)
    yield door
    await door.authenticator.aclose()


async def until_asked(key_server: KeyServer) -> None:
    assert await asyncio.to_thread(key_server.asked.wait, 10)


async def test_keys_are_fetched_once_and_then_at_hand(
    door: Door, key_server: KeyServer, rsa_issuer: Issuer
) -> None:
    key_server.publish(rsa_issuer)
    assert await door.ask(rsa_issuer.token()) == "42"
    assert isinstance(door.authenticator.verify(rsa_issuer.token(sub="43")), Identity)
    assert key_server.requests == 1


async def test_nothing_is_fetched_before_the_first_token(door: Door, key_server: KeyServer) -> None:
    assert key_server.requests == 0


async def test_a_token_that_cannot_be_valid_fetches_nothing(
    door: Door, key_server: KeyServer, rsa_issuer: Issuer
) -> None:
    assert await door.ask("not.a.token") == "token_invalid"
    assert await door.ask(rsa_issuer.token(algorithm="RS512")) == "token_invalid"
    assert key_server.requests == 0


async def test_a_storm_shares_one_fetch_and_one_identity(
    door: Door, key_server: KeyServer, rsa_issuer: Issuer
) -> None:
    key_server.publish(rsa_issuer)
    token = rsa_issuer.token()
    identities = await asyncio.gather(*(door.identity(token) for _ in range(100)))
    assert key_server.requests == 1
    assert len({id(identity) for identity in identities}) == 1


async def test_one_that_gives_up_waiting_does_not_stop_the_fetch(
    door: Door, key_server: KeyServer, rsa_issuer: Issuer
) -> None:
    key_server.publish(rsa_issuer)
    key_server.may_answer.clear()
    impatient = asyncio.create_task(door.ask(rsa_issuer.token()))
    patient = asyncio.create_task(door.ask(rsa_issuer.token(sub="43")))
    await until_asked(key_server)
    impatient.cancel()
    key_server.may_answer.set()
    assert await patient == "43"
    assert key_server.requests == 1


# Key ids


async def test_the_kid_chooses_the_key(
    door: Door, key_server: KeyServer, rsa_issuer: Issuer, next_issuer: Issuer
) -> None:
    key_server.publish(rsa_issuer, next_issuer)
    assert await door.ask(rsa_issuer.token()) == "42"
    assert await door.ask(next_issuer.token()) == "42"
    assert await door.ask(rsa_issuer.token(kid="rsa-2")) == "token_invalid"


async def test_a_token_without_kid_needs_a_set_with_one_fitting_key(
    door: Door,
    key_server: KeyServer,
    clock: Clock,
    rsa_issuer: Issuer,
    next_issuer: Issuer,
    ec_issuer: Issuer,
) -> None:
    key_server.publish(rsa_issuer, ec_issuer)
    token = rsa_issuer.token(kid=None)
    assert await door.ask(token) == "42"
    key_server.publish(rsa_issuer, next_issuer)
    clock.now += 600
    assert await door.ask(token) == "token_invalid"


async def test_made_up_kids_do_not_hammer_the_issuer(
    door: Door, key_server: KeyServer, clock: Clock, rsa_issuer: Issuer
) -> None:
    key_server.publish(rsa_issuer)
    assert await door.ask(rsa_issuer.token()) == "42"
    for second in range(30):
        clock.now = NOW + second
        for number in range(5):
            token = rsa_issuer.token(kid=f"made-up-{second}-{number}")
            assert await door.ask(token) == "token_invalid"
    assert key_server.requests == 1 + 3


# Rotation


async def test_a_new_key_is_found_at_once(
    door: Door, key_server: KeyServer, rsa_issuer: Issuer, next_issuer: Issuer
) -> None:
    key_server.publish(rsa_issuer)
    assert await door.ask(rsa_issuer.token()) == "42"
    key_server.publish(rsa_issuer, next_issuer)
    assert await door.ask(next_issuer.token()) == "42"
    assert key_server.requests == 2


async def test_a_withdrawn_key_ends_its_remembered_tokens_with_the_next_fetch(
    door: Door, key_server: KeyServer, rsa_issuer: Issuer, next_issuer: Issuer
) -> None:
    key_server.publish(rsa_issuer)
    token = rsa_issuer.token()
    assert await door.ask(token) == "42"
    key_server.publish(next_issuer)
    assert await door.ask(token) == "42"
    assert await door.ask(next_issuer.token()) == "42"
    assert await door.ask(token) == "token_invalid"


@pytest.mark.parametrize("verified_after", [0, 500, 599])
async def test_a_withdrawn_keys_tokens_are_refused_after_the_max_age(
    verified_after: int,
    door: Door,
    key_server: KeyServer,
    clock: Clock,
    rsa_issuer: Issuer,
    next_issuer: Issuer,
) -> None:
    key_server.publish(rsa_issuer)
    assert await door.ask(rsa_issuer.token(sub="first")) == "first"
    key_server.publish(next_issuer)
    clock.now = NOW + verified_after
    assert await door.ask(rsa_issuer.token()) == "42"
    clock.now = NOW + 600
    assert await door.ask(rsa_issuer.token()) == "token_invalid"


async def test_an_issuer_that_withdraws_all_keys_is_believed(
    door: Door, key_server: KeyServer, clock: Clock, rsa_issuer: Issuer
) -> None:
    key_server.publish(rsa_issuer)
    assert await door.ask(rsa_issuer.token()) == "42"
    key_server.publish()
    clock.now += 600
    assert await door.ask(rsa_issuer.token()) == "token_invalid"


async def test_fetching_the_same_keys_again_changes_nothing(
    door: Door, key_server: KeyServer, clock: Clock, rsa_issuer: Issuer
) -> None:
    key_server.publish(rsa_issuer)
    assert await door.ask(rsa_issuer.token()) == "42"
    clock.now += 600
    assert await door.ask(rsa_issuer.token()) == "42"
    assert (key_server.requests, door.keys.generation) == (2, 1)


# The issuer is down


@pytest.mark.parametrize(
    ("status", "body"), [(503, b"down"), (200, b"<html>"), (200, b" " * 2_000_000)]
)
async def test_without_any_key_clients_are_told_to_try_again(
    status: int,
    body: bytes,
    door: Door,
    key_server: KeyServer,
    clock: Clock,
    rsa_issuer: Issuer,
) -> None:
    key_server.status, key_server.body = status, body
    for _ in range(20):
        assert await door.ask(rsa_issuer.token()) == "try_again"
    assert key_server.requests == 1
    key_server.publish(rsa_issuer)
    clock.now += 10
    assert await door.ask(rsa_issuer.token()) == "42"


async def test_a_server_that_is_gone_is_named_in_the_log_and_not_to_the_client(
    key_server: KeyServer,
    clock: Clock,
    rsa_issuer: Issuer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    door = Door(JWKSKeys("http://127.0.0.1:1/jwks.json?key=hunter2"), clock)
    with pytest.raises(AuthError) as caught:
        await door.identity(rsa_issuer.token())
    assert (caught.value.code, "127.0.0.1" in caught.value.detail) == ("try_again", False)
    assert "127.0.0.1 could not be fetched" in caplog.text
    assert not any("hunter2" in line for line in caplog.messages)
    await door.authenticator.aclose()


async def test_stale_keys_stay_in_use_and_only_the_first_waits(
    door: Door, key_server: KeyServer, clock: Clock, rsa_issuer: Issuer
) -> None:
    key_server.publish(rsa_issuer)
    assert await door.ask(rsa_issuer.token(exp=NOW + 99_999)) == "42"
    key_server.status = 503
    clock.now = NOW + 600
    assert await door.ask(rsa_issuer.token(exp=NOW + 99_999)) == "42"
    clock.now = NOW + 700
    key_server.asked.clear()
    key_server.may_answer.clear()
    for number in range(20):
        token = rsa_issuer.token(exp=NOW + 99_999, sub=str(number))
        assert isinstance(door.authenticator.verify(token), Identity)
    await until_asked(key_server)
    assert key_server.requests == 3


async def test_an_unknown_kid_while_the_issuer_is_down_may_be_a_new_key(
    door: Door, key_server: KeyServer, clock: Clock, rsa_issuer: Issuer, next_issuer: Issuer
) -> None:
    key_server.publish(rsa_issuer)
    assert await door.ask(rsa_issuer.token()) == "42"
    key_server.status = 503
    assert await door.ask(next_issuer.token()) == "try_again"
    assert await door.ask(rsa_issuer.token(sub="43")) == "43"
    key_server.publish(next_issuer)
    clock.now += 10
    assert await door.ask(next_issuer.token()) == "42"


async def test_stale_keys_end_after_max_stale(
    door: Door, key_server: KeyServer, clock: Clock, rsa_issuer: Issuer
) -> None:
    key_server.publish(rsa_issuer)
    token = rsa_issuer.token(exp=NOW + 999_999)
    assert await door.ask(token) == "42"
    key_server.status = 503
    clock.now = NOW + 86_400
    assert await door.ask(token) == "42"
    clock.now = NOW + 86_411
    assert await door.ask(token) == "try_again"


async def test_a_clock_that_was_set_back_does_not_stop_fetching(
    door: Door, key_server: KeyServer, clock: Clock, rsa_issuer: Issuer
) -> None:
    clock.now = NOW + 3_000
    key_server.status = 503
    assert await door.ask(rsa_issuer.token()) == "try_again"
    key_server.publish(rsa_issuer)
    clock.now = NOW
    assert await door.ask(rsa_issuer.token()) == "42"


async def test_closing_ends_a_fetch_under_way(
    door: Door, key_server: KeyServer, rsa_issuer: Issuer
) -> None:
    key_server.may_answer.clear()
    waiting = asyncio.create_task(door.ask(rsa_issuer.token()))
    await until_asked(key_server)
    await door.authenticator.aclose()
    assert await waiting == "try_again"


# Configuration


@pytest.mark.parametrize("algorithms", [("HS256",), ("RS256", "HS512")])
def test_a_shared_secret_algorithm_is_refused_at_configuration(
    algorithms: tuple[str, ...],
) -> None:
    with pytest.raises(ConfigError) as caught:
        JWKSKeys("https://login.example.com/jwks.json").require(algorithms)
    assert caught.value.key == "auth.algorithms"
