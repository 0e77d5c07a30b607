"""Settings that contradict each other, and files that can't be used."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tidegate.app.config import ConfigErrors, LoadedSettings
from tidegate.app.settings import Settings

SECRET = "4f9c1be07a2d86355e30c8b1f7a96d24"
JWKS = "https://login.example.com/jwks"


def findings(**tree: Any) -> list[tuple[str, str]]:
    with pytest.raises(ConfigErrors) as refusal:
        LoadedSettings.of(Settings.model_validate(tree))
    return [(error.key, f"{error.problem}. {error.remedy}") for error in refusal.value.errors]


def accepted(**tree: Any) -> Settings:
    return LoadedSettings.of(Settings.model_validate(tree)).settings


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(
    key: ec.EllipticCurvePrivateKey, encryption: KeySerializationEncryption | None = None
) -> str:
    encryption = encryption or NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def certificate_pem(key: ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=3650))
    )
    signed = builder.sign(key, hashes.SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


# Keys that verify tokens.


def test_defaults_and_each_single_kind_of_key_are_accepted(rsa_key: rsa.RSAPrivateKey) -> None:
    accepted()
    accepted(auth={"secret": SECRET})
    accepted(auth={"jwks_url": JWKS})
    accepted(auth={"public_key": public_pem(rsa_key)})


def test_secret_beside_a_jwks_url_is_refused() -> None:
    assert findings(auth={"secret": SECRET, "jwks_url": JWKS}) == [
        (
            "auth.secret",
            "is set together with auth.jwks_url, but one kind of key verifies tokens. "
            "Keep the one that your issuer signs for, and remove the others.",
        )
    ]


def test_hs_algorithm_with_a_jwks_url_is_refused() -> None:
    [(key, text)] = findings(auth={"jwks_url": JWKS, "algorithms": ["RS256", "HS256"]})
    assert key == "auth.algorithms"
    assert text.startswith("contains HS256, which needs a shared secret")


@pytest.mark.parametrize("algorithm", ["HS256", "RS256"])
def test_algorithm_that_the_public_key_can_not_serve_is_refused(
    ec_key: ec.EllipticCurvePrivateKey, algorithm: str
) -> None:
    auth = {"public_key": public_pem(ec_key), "algorithms": [algorithm]}
    [(key, text)] = findings(auth=auth)
    assert key == "auth.algorithms"
    assert algorithm in text
    assert "ES256" in text


def test_asymmetric_algorithm_with_a_secret_is_refused() -> None:
    [(key, text)] = findings(auth={"secret": SECRET, "algorithms": ["RS256"]})
    assert key == "auth.algorithms"
    assert "RS256" in text


def test_public_key_in_place_of_the_secret_is_refused(rsa_key: rsa.RSAPrivateKey) -> None:
    assert findings(auth={"secret": public_pem(rsa_key)}) == [
        ("auth.secret", "is a key in PEM. Put the public key into auth.public_key.")
    ]


def test_private_key_in_place_of_the_public_one_is_refused(
    ec_key: ec.EllipticCurvePrivateKey,
) -> None:
    [(key, text)] = findings(auth={"public_key": private_pem(ec_key), "algorithms": ["ES256"]})
    assert key == "auth.public_key"
    assert "private key" in text


def test_public_key_that_is_not_pem_is_refused() -> None:
    assert findings(auth={"public_key": "MFkwEwYHKoZIzj0C"}) == [
        ("auth.public_key", "is not PEM. Write it whole, from -----BEGIN to -----END.")
    ]


def test_public_key_is_read_from_its_file(tmp_path: Path, rsa_key: rsa.RSAPrivateKey) -> None:
    path = tmp_path / "key.pem"
    path.write_text(public_pem(rsa_key))
    settings = accepted(auth={"public_key_file": path})
    assert settings.auth.public_key == public_pem(rsa_key).rstrip("\n")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "names a file that can't be read (No such file or directory)"),
        (b"", "names an empty file"),
        (b"\n", "names an empty file"),
        (b"\xff\xfe", "names a file that is not UTF-8 text"),
    ],
)
def test_secret_file_that_can_not_be_used_is_refused(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    [(key, text)] = findings(auth={"secret_file": path})
    assert key == "auth.secret_file"
    assert text.startswith(problem)


def test_secret_and_another_secret_in_a_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("another secret")
    [(key, text)] = findings(auth={"secret": SECRET, "secret_file": path})
    assert key == "auth.secret_file"
    assert text.startswith("is set together with auth.secret, and they differ")


# The rest.


def test_certificate_with_its_key_is_accepted(
    tmp_path: Path, ec_key: ec.EllipticCurvePrivateKey
) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_text(certificate_pem(ec_key))
    key.write_text(private_pem(ec_key))
    assert accepted(tls={"certificate": certificate, "key": key}).tls.key == key


@pytest.mark.parametrize(("given", "missing"), [("certificate", "key"), ("key", "certificate")])
def test_certificate_and_key_need_each_other(given: str, missing: str) -> None:
    assert findings(tls={given: "some.pem"}) == [
        (
            f"tls.{given}",
            f"is set, but tls.{missing} is not. Set tls.{missing} too, or remove both.",
        )
    ]


def test_every_unreadable_tls_file_is_named() -> None:
    found = findings(tls={"certificate": "nowhere/cert.pem", "key": "nowhere/key.pem"})
    assert [key for key, _ in found] == ["tls.certificate", "tls.key"]


def test_key_of_another_certificate_is_refused(
    tmp_path: Path, ec_key: ec.EllipticCurvePrivateKey
) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_text(certificate_pem(ec_key))
    key.write_text(private_pem(ec.generate_private_key(ec.SECP256R1())))
    [(name, text)] = findings(tls={"certificate": certificate, "key": key})
    assert name == "tls.certificate"
    assert text.startswith("can't be used with tls.key (key values mismatch)")


def test_encrypted_tls_key_is_refused_instead_of_asked_about(
    tmp_path: Path, ec_key: ec.EllipticCurvePrivateKey
) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_text(certificate_pem(ec_key))
    key.write_text(private_pem(ec_key, BestAvailableEncryption(b"passphrase")))
    [(name, text)] = findings(tls={"certificate": certificate, "key": key})
    assert name == "tls.certificate"
    assert text.endswith("not encrypted.")


def test_each_wrong_origin_is_named() -> None:
    found = findings(origins=["https://a.example/app", "https://b.example", "c.example"])
    assert [key for key, _ in found] == ["origins", "origins"]
    assert "https://a.example/app" in found[0][1]
    assert "c.example" in found[1][1]


@pytest.mark.parametrize("api_host", ["127.0.0.1", "0.0.0.0"])
def test_two_ports_of_the_same_number_are_refused(api_host: str) -> None:
    assert findings(port=8000, api={"host": api_host, "port": 8000}) == [
        ("api.port", "is 8000, as is port. Give the private port a number of its own.")
    ]


def test_the_same_port_on_different_addresses_or_chosen_by_the_system_is_accepted() -> None:
    accepted(host="127.0.0.1", port=8000, api={"host": "127.0.0.2", "port": 8000})
    accepted(port=0, api={"port": 0})


def test_several_workers_need_a_log_that_they_share() -> None:
    [(key, text)] = findings(workers=2)
    assert key == "workers"
    assert "the memory log lives in one process" in text
