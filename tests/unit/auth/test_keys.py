from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519

from tidegate.auth import ALGORITHMS, StaticKeys
from tidegate.auth.keys import fitting_algorithms
from tidegate.errors import ConfigError

if TYPE_CHECKING:
    from tests.unit.auth.conftest import Issuer

SECRET = "0123456789abcdef0123456789abcdef"


def test_none_can_never_be_allowed() -> None:
    assert not {"none", "None", "NONE", ""} & ALGORITHMS


def test_a_secret_fits_hmac_only() -> None:
    keys = StaticKeys(SECRET)
    assert [key.material for key in keys.find("HS256", None, 0.0)] == [SECRET.encode()]
    assert keys.find("RS256", None, 0.0) == []


def test_a_public_key_fits_its_own_family_only(rsa_issuer: Issuer, ec_issuer: Issuer) -> None:
    keys = StaticKeys(rsa_issuer.pem, ec_issuer.pem)
    assert len(keys.find("RS512", None, 0.0)) == 1
    assert len(keys.find("ES256", "any-kid", 0.0)) == 1
    assert keys.find("ES384", None, 0.0) == []
    assert keys.find("HS256", None, 0.0) == []


@pytest.mark.parametrize(
    ("curve", "algorithm"),
    [
        (ec.SECP256R1(), "ES256"),
        (ec.SECP384R1(), "ES384"),
        (ec.SECP521R1(), "ES512"),
        (ec.SECP256K1(), "ES256K"),
    ],
)
def test_a_curve_has_one_algorithm(curve: ec.EllipticCurve, algorithm: str) -> None:
    assert fitting_algorithms(ec.generate_private_key(curve).public_key()) == {algorithm}


def test_other_keys_have_their_algorithms_or_none(ed_issuer: Issuer) -> None:
    assert fitting_algorithms(ed_issuer.private.public_key()) == {"EdDSA"}
    assert fitting_algorithms(ed448.Ed448PrivateKey.generate().public_key()) == {"EdDSA"}
    assert fitting_algorithms(x25519.X25519PrivateKey.generate().public_key()) == frozenset()
    assert fitting_algorithms(None) == frozenset()


def test_hmac_with_a_public_key_is_refused_at_configuration(rsa_issuer: Issuer) -> None:
    with pytest.raises(ConfigError) as caught:
        StaticKeys(rsa_issuer.pem).require(["HS256"])
    assert caught.value.key == "auth.algorithms"
    assert "RS256" in caught.value.remedy


def test_rsa_with_a_secret_is_refused_at_configuration() -> None:
    with pytest.raises(ConfigError, match="fits none of the keys"):
        StaticKeys(SECRET).require(["RS256"])


def test_a_key_that_nothing_uses_is_refused_at_configuration(rsa_issuer: Issuer) -> None:
    with pytest.raises(ConfigError, match="fits none of the algorithms"):
        StaticKeys(SECRET, rsa_issuer.pem).require(["HS256"])


@pytest.mark.parametrize(("size", "algorithm"), [(31, "HS256"), (47, "HS384"), (63, "HS512")])
def test_a_short_secret_is_refused_unless_weak_ones_are_allowed(size: int, algorithm: str) -> None:
    with pytest.raises(ConfigError, match=f"secret of {size} bytes.*at least {size + 1}"):
        StaticKeys("x" * size).require([algorithm])
    StaticKeys("x" * (size + 1)).require([algorithm])
    StaticKeys("x" * size, allow_weak=True).require([algorithm])


def test_a_weak_rsa_key_is_refused_unless_weak_ones_are_allowed() -> None:
    weak = rsa.generate_private_key(65537, 1024).public_key()
    pem = weak.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(ConfigError, match="RSA key of 1024 bits"):
        StaticKeys(pem)
    StaticKeys(pem, allow_weak=True).require(["RS256"])


def test_a_private_key_is_refused(rsa_issuer: Issuer) -> None:
    with pytest.raises(ConfigError, match="private key") as caught:
        StaticKeys(rsa_issuer.private_pem)
    assert "-pubout" in caught.value.remedy


def test_a_public_key_in_another_dress_is_no_secret(rsa_issuer: Issuer) -> None:
    public = rsa_issuer.private.public_key()
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    ssh = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    for disguised in (der, ssh, b'{"kty":"RSA","n":"AQAB","e":"AQAB"}', b""):
        with pytest.raises(ConfigError):
            StaticKeys(disguised)


def test_a_torn_pem_and_a_missing_key_are_refused() -> None:
    with pytest.raises(ConfigError, match="not a public key"):
        StaticKeys("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----")
    with pytest.raises(ConfigError, match="is missing"):
        StaticKeys()


def test_a_refusal_does_not_repeat_the_secret() -> None:
    with pytest.raises(ConfigError) as caught:
        StaticKeys("hunter2").require(["HS256"])
    assert "hunter2" not in str(caught.value)
