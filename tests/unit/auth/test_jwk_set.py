from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tidegate.auth.jwk_set import usable_keys
from tidegate.auth.keys import Key

if TYPE_CHECKING:
    from tests.unit.auth.conftest import Issuer

ALLOWED = frozenset({"RS256", "PS256", "ES256", "EdDSA"})


def usable(*keys: object) -> tuple[Key, ...]:
    return usable_keys(json.dumps({"keys": keys}).encode(), ALLOWED)


def without(jwk: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name not in names}


def test_takes_public_keys_for_signatures(
    rsa_issuer: Issuer, ec_issuer: Issuer, ed_issuer: Issuer
) -> None:
    keys = usable(rsa_issuer.jwk, ec_issuer.jwk, ed_issuer.jwk)
    assert [(key.kid, set(key.algorithms)) for key in keys] == [
        ("rsa-1", {"RS256"}),
        ("ec-1", {"ES256"}),
        ("ed-1", {"EdDSA"}),
    ]


def test_a_key_that_names_no_algorithm_serves_the_allowed_ones_of_its_kind(
    rsa_issuer: Issuer,
) -> None:
    (key,) = usable(without(rsa_issuer.jwk, "alg", "use", "kid"))
    assert (key.kid, set(key.algorithms)) == (None, {"RS256", "PS256"})


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"use": ["sig"]},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"alg": "RS512"},
        {"alg": "HS256"},
        {"alg": "ES256"},
        {"alg": None},
        {"kty": "EC"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": ["RSA"]},
        {"kty": None},
        {"n": "!!"},
        {"n": 7},
        {"e": ""},
    ],
    ids=str,
)
def test_leaves_out_a_key_that_is_not_for_us(change: dict[str, Any], rsa_issuer: Issuer) -> None:
    good = rsa_issuer.jwk
    assert [key.kid for key in usable({**good, "kid": "bad", **change}, good)] == ["rsa-1"]


def test_leaves_out_a_secret_and_what_is_no_key(rsa_issuer: Issuer) -> None:
    assert usable({"kty": "oct", "k": "c2VjcmV0", "alg": "RS256"}, {}, None, "x", [], 7) == ()


def test_leaves_out_a_published_private_key_and_says_so(
    rsa_issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    private = json.loads(jwt.get_algorithm_by_name("RS256").to_jwk(rsa_issuer.private))
    assert usable({**private, "key_ops": ["verify"]}) == ()
    assert "private key" in caplog.text


def test_leaves_out_a_weak_key() -> None:
    weak = rsa.generate_private_key(65537, 1024).public_key()
    assert usable(json.loads(jwt.get_algorithm_by_name("RS256").to_jwk(weak))) == ()


def test_equal_documents_give_equal_keys(rsa_issuer: Issuer, next_issuer: Issuer) -> None:
    assert usable(rsa_issuer.jwk) == usable(rsa_issuer.jwk)
    assert usable(rsa_issuer.jwk) != usable({**next_issuer.jwk, "kid": "rsa-1"})


def test_an_empty_set_is_a_set() -> None:
    assert usable() == ()


@pytest.mark.parametrize(
    "document",
    [b"", b"<html>", b"[]", b"{}", b'{"keys":{}}', b'{"keys":null}', b'{"keys":' + b"[" * 100_000],
    ids=lambda document: document[:20].decode(),
)
def test_refuses_what_is_no_set(document: bytes) -> None:
    with pytest.raises(ValueError, match="not a JWKS"):
        usable_keys(document, ALLOWED)
