from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidegate.auth import (
    Handshake,
    Identity,
    JWTAuthenticator,
    JWTConfig,
    RevocationList,
    StaticKeys,
)
from tidegate.errors import AuthError, ConfigError

if TYPE_CHECKING:
    from tests.unit.auth.conftest import Clock, Issuer

NOW = 1_800_000_000.0


def segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def confused(issuer: Issuer) -> str:
    """Return a token that says HS256 and has the issuer's public key as its secret."""
    header = segment(b'{"alg":"HS256"}')
    signed = f"{header}.{issuer.token().split('.')[1]}"
    mac = hmac.new(issuer.pem.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{segment(mac)}"


def verified(authenticator: JWTAuthenticator, token: str) -> Identity:
    """Verify a token whose keys are at hand."""
    identity = authenticator.verify(token)
    assert not isinstance(identity, Awaitable)
    return identity


def refusal(authenticator: JWTAuthenticator, token: str) -> str:
    with pytest.raises(AuthError) as caught:
        verified(authenticator, token)
    return caught.value.code


@pytest.fixture
def authenticator(clock: Clock, secret_issuer: Issuer) -> JWTAuthenticator:
    return JWTAuthenticator(JWTConfig(), StaticKeys(secret_issuer.private), clock=clock)


@pytest.fixture
def rsa_authenticator(clock: Clock, rsa_issuer: Issuer) -> JWTAuthenticator:
    config = JWTConfig(algorithms=("RS256",))
    return JWTAuthenticator(config, StaticKeys(rsa_issuer.pem), clock=clock)


# What a good token gives


def test_a_handshake_becomes_an_identity(
    authenticator: JWTAuthenticator, secret_issuer: Issuer
) -> None:
    token = secret_issuer.token(jti="jti-1", role="admin")
    handshake = Handshake({"token": f"Bearer {token}"}, "/notifications", "192.0.2.1")
    identity = authenticator.authenticate(handshake)
    assert isinstance(identity, Identity)
    assert (identity.tenant, identity.user) == ("acme", "42")
    assert (identity.issued_at, identity.expires_at) == (NOW, NOW + 3600)
    assert identity.token_id == "jti-1"
    assert identity.claims["role"] == "admin"


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_verifies_with_a_secret(algorithm: str, clock: Clock, secret_issuer: Issuer) -> None:
    keys = StaticKeys(secret_issuer.private)
    authenticator = JWTAuthenticator(JWTConfig(algorithms=(algorithm,)), keys, clock=clock)
    assert verified(authenticator, secret_issuer.token(algorithm=algorithm)).user == "42"


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_verifies_with_rsa(algorithm: str, clock: Clock, rsa_issuer: Issuer) -> None:
    keys = StaticKeys(rsa_issuer.pem)
    authenticator = JWTAuthenticator(JWTConfig(algorithms=(algorithm,)), keys, clock=clock)
    assert verified(authenticator, rsa_issuer.token(algorithm=algorithm)).user == "42"


@pytest.mark.parametrize(
    ("curve", "algorithm"),
    [(ec.SECP256R1(), "ES256"), (ec.SECP384R1(), "ES384"), (ec.SECP521R1(), "ES512")],
)
def test_verifies_with_a_curve(
    curve: ec.EllipticCurve, algorithm: str, clock: Clock, ec_issuer: Issuer
) -> None:
    issuer = type(ec_issuer)(ec.generate_private_key(curve), algorithm)
    config = JWTConfig(algorithms=(algorithm,))
    authenticator = JWTAuthenticator(config, StaticKeys(issuer.pem), clock=clock)
    assert verified(authenticator, issuer.token()).user == "42"


def test_verifies_with_ed25519(clock: Clock, ed_issuer: Issuer) -> None:
    config = JWTConfig(algorithms=("EdDSA",))
    authenticator = JWTAuthenticator(config, StaticKeys(ed_issuer.pem), clock=clock)
    assert verified(authenticator, ed_issuer.token()).user == "42"


def test_two_keys_serve_a_rotation(
    clock: Clock, rsa_issuer: Issuer, next_issuer: Issuer, ec_issuer: Issuer
) -> None:
    keys = StaticKeys(rsa_issuer.pem, next_issuer.pem)
    authenticator = JWTAuthenticator(JWTConfig(algorithms=("RS256",)), keys, clock=clock)
    assert verified(authenticator, rsa_issuer.token()).user == "42"
    assert verified(authenticator, next_issuer.token()).user == "42"
    assert refusal(authenticator, ec_issuer.token()) == "token_invalid"


# Attacks on the signature


def test_none_is_refused(authenticator: JWTAuthenticator, secret_issuer: Issuer) -> None:
    payload = secret_issuer.token().split(".")[1]
    for name in ("none", "None", "NONE", "nOnE", ""):
        header = segment(json.dumps({"alg": name}).encode())
        assert refusal(authenticator, f"{header}.{payload}.") == "token_invalid"


def test_a_public_key_is_not_taken_for_a_secret(
    rsa_authenticator: JWTAuthenticator, rsa_issuer: Issuer
) -> None:
    assert refusal(rsa_authenticator, confused(rsa_issuer)) == "token_invalid"


def test_a_public_key_is_not_taken_for_a_secret_where_both_kinds_are_allowed(
    clock: Clock, rsa_issuer: Issuer, secret_issuer: Issuer
) -> None:
    keys = StaticKeys(secret_issuer.private, rsa_issuer.pem)
    config = JWTConfig(algorithms=("HS256", "RS256"))
    authenticator = JWTAuthenticator(config, keys, clock=clock)
    assert refusal(authenticator, confused(rsa_issuer)) == "token_invalid"
    assert verified(authenticator, rsa_issuer.token()).user == "42"
    assert verified(authenticator, secret_issuer.token()).user == "42"


def test_an_algorithm_that_is_not_allowed_is_refused(
    rsa_authenticator: JWTAuthenticator, rsa_issuer: Issuer
) -> None:
    assert refusal(rsa_authenticator, rsa_issuer.token(algorithm="RS512")) == "token_invalid"
    assert refusal(rsa_authenticator, rsa_issuer.token(algorithm="PS256")) == "token_invalid"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "RS256", "jku": "http://127.0.0.1:1/jwks.json"},
        {"alg": "RS256", "x5u": "http://127.0.0.1:1/cert.pem"},
        {"alg": "RS256", "kid": "../../etc/passwd"},
        {"alg": "RS256", "kid": "' OR 1=1 --"},
    ],
)
def test_a_key_that_the_token_brings_along_is_not_used(
    header: dict[str, str], rsa_authenticator: JWTAuthenticator, next_issuer: Issuer
) -> None:
    _, payload, _ = next_issuer.token().split(".")
    own = {**header, "jwk": next_issuer.jwk}
    signed = f"{segment(json.dumps(own).encode())}.{payload}"
    token = next_issuer.sign(base64.urlsafe_b64decode(payload + "=="))
    forged = f"{signed}.{token.split('.')[2]}"
    assert refusal(rsa_authenticator, forged) == "token_invalid"


def test_a_changed_payload_is_refused(
    authenticator: JWTAuthenticator, secret_issuer: Issuer
) -> None:
    header, _, signature = secret_issuer.token().split(".")
    _, payload, _ = secret_issuer.token(tenantId="globex").split(".")
    assert refusal(authenticator, f"{header}.{payload}.{signature}") == "token_invalid"


@given(position=st.integers(0, 10_000), replacement=st.text(max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_a_mutated_token_is_never_accepted_and_never_breaks_us(
    position: int, replacement: str, authenticator: JWTAuthenticator, secret_issuer: Issuer
) -> None:
    token = secret_issuer.token()
    position %= len(token)
    mutated = token[:position] + replacement + token[position + 1 :]
    if mutated in (token, f"{token}=", f"{token}=="):
        return
    handshake = Handshake({"token": mutated}, "/", "192.0.2.1")
    with pytest.raises(AuthError):
        authenticator.authenticate(handshake)


# Payloads that are signed and still no claims


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b'"acme"',
        b"null",
        b"42",
        b"{",
        b"\xff\xfe",
        b"[" * 5_000,
        b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
        b'{"tenantId":"acme","sub":"42","exp":NaN}',
        b'{"tenantId":"acme","sub":"42","exp":Infinity}',
        b'{"tenantId":"acme","sub":"42","exp":1e999}',
        b'{"tenantId":"acme","sub":"\\ud800","exp":1900000000}',
        b'{"tenantId":"acme","sub":' + b"1" * 5_000 + b',"exp":1900000000}',
    ],
    ids=lambda payload: payload[:40].decode("latin-1"),
)
def test_a_payload_that_is_no_claims_is_refused(
    payload: bytes, authenticator: JWTAuthenticator, secret_issuer: Issuer
) -> None:
    assert refusal(authenticator, secret_issuer.sign(payload)) == "token_invalid"


# Dates


def test_a_token_without_an_end_is_refused(
    authenticator: JWTAuthenticator, secret_issuer: Issuer
) -> None:
    assert refusal(authenticator, secret_issuer.token(exp=None)) == "token_invalid"
    assert refusal(authenticator, secret_issuer.token(exp="1900000000")) == "token_invalid"
    assert refusal(authenticator, secret_issuer.token(exp=True)) == "token_invalid"


def test_a_token_expires_after_the_leeway_remembered_or_not(
    authenticator: JWTAuthenticator, clock: Clock, secret_issuer: Issuer
) -> None:
    token, other = secret_issuer.token(exp=NOW + 60), secret_issuer.token(exp=NOW + 60, sub="43")
    clock.now = NOW + 69.9
    assert verified(authenticator, token).expires_at == NOW + 60
    clock.now = NOW + 70
    assert refusal(authenticator, token) == "token_expired"
    assert refusal(authenticator, other) == "token_expired"


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_a_token_from_the_future_is_refused_beyond_the_leeway(
    claim: str, authenticator: JWTAuthenticator, secret_issuer: Issuer
) -> None:
    near: dict[str, Any] = {claim: NOW + 10}
    far: dict[str, Any] = {claim: NOW + 10.1}
    assert verified(authenticator, secret_issuer.token(**near)).user == "42"
    assert refusal(authenticator, secret_issuer.token(**far)) == "token_invalid"


def test_a_token_need_not_say_when_it_was_issued(
    authenticator: JWTAuthenticator, secret_issuer: Issuer
) -> None:
    assert verified(authenticator, secret_issuer.token(iat=None)).issued_at is None


# Issuer and audience


def test_the_issuer_is_checked_when_set(clock: Clock, secret_issuer: Issuer) -> None:
    config = JWTConfig(issuer="https://login.example.com")
    authenticator = JWTAuthenticator(config, StaticKeys(secret_issuer.private), clock=clock)
    good = secret_issuer.token(iss="https://login.example.com")
    assert verified(authenticator, good).user == "42"
    for iss in (None, "https://login.example.com/", "https://evil.example", ["x"]):
        assert refusal(authenticator, secret_issuer.token(iss=iss)) == "token_invalid"


@pytest.mark.parametrize("wanted", ["realtime", ("api", "realtime")])
def test_the_audience_is_checked_when_set(
    wanted: str | tuple[str, ...], clock: Clock, secret_issuer: Issuer
) -> None:
    config = JWTConfig(audience=wanted)
    authenticator = JWTAuthenticator(config, StaticKeys(secret_issuer.private), clock=clock)
    for good in ("realtime", ["billing", "realtime"]):
        assert verified(authenticator, secret_issuer.token(aud=good)).user == "42"
    for bad in (None, "", "real", [], ["billing"], [["realtime"]], {"realtime": 1}, [None]):
        assert refusal(authenticator, secret_issuer.token(aud=bad)) == "token_invalid"


def test_the_audience_is_not_looked_at_when_not_set(
    authenticator: JWTAuthenticator, secret_issuer: Issuer
) -> None:
    assert verified(authenticator, secret_issuer.token(aud="billing")).user == "42"


# Tenant, user, token id


@pytest.mark.parametrize(
    ("tenant", "code"),
    [
        (None, "tenant_missing"),
        ("", "tenant_missing"),
        (True, "token_invalid"),
        (1.5, "token_invalid"),
        (["acme"], "token_invalid"),
        ({"id": "acme"}, "token_invalid"),
        ("ac\nme", "token_invalid"),
        ("x" * 257, "token_invalid"),
    ],
)
def test_a_token_without_a_proper_tenant_is_refused(
    tenant: Any, code: str, authenticator: JWTAuthenticator, secret_issuer: Issuer
) -> None:
    assert refusal(authenticator, secret_issuer.token(tenantId=tenant)) == code


@pytest.mark.parametrize("user", [None, "", False, {"id": 1}])
def test_a_token_without_a_proper_user_is_refused(
    user: Any, authenticator: JWTAuthenticator, secret_issuer: Issuer
) -> None:
    assert refusal(authenticator, secret_issuer.token(sub=user)) == "token_invalid"


def test_claims_are_mapped_by_path(clock: Clock, secret_issuer: Issuer) -> None:
    config = JWTConfig(tenant_claim="https://example.com/tenant", user_claim="app.user.id")
    authenticator = JWTAuthenticator(config, StaticKeys(secret_issuer.private), clock=clock)
    claims: dict[str, Any] = {"https://example.com/tenant": "globex", "app": {"user": {"id": 7}}}
    identity = verified(authenticator, secret_issuer.token(**claims))
    assert (identity.tenant, identity.user) == ("globex", "7")


@pytest.mark.parametrize("token_id", [7, ["jti-1"], "x" * 257])
def test_an_odd_token_id_is_refused_since_it_could_not_be_revoked(
    token_id: Any, authenticator: JWTAuthenticator, secret_issuer: Issuer
) -> None:
    assert refusal(authenticator, secret_issuer.token(jti=token_id)) == "token_invalid"


def test_refusals_name_no_internals(
    authenticator: JWTAuthenticator, secret_issuer: Issuer, rsa_issuer: Issuer
) -> None:
    details = set()
    for token in (rsa_issuer.token(), secret_issuer.token(sub=None), secret_issuer.token() + "x"):
        with pytest.raises(AuthError) as caught:
            verified(authenticator, token)
        details.add(caught.value.detail)
    assert details == {"the token is not valid"}


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://evil.example"}, "its iss is 'https://evil.example', and auth.issuer"),
        ({"aud": ["billing"]}, "its aud is ['billing'], and auth.audience another"),
        ({"exp": None}, "it has no claim exp"),
        ({"exp": "soon"}, "its claim exp is not a number"),
        ({"exp": 1e15}, "is it in seconds?"),
        ({"iat": NOW + 90}, "it begins in 90 s (iat, nbf)"),
        ({"tenantId": None}, "it has no claim tenantId (auth.tenant_claim)"),
        ({"tenantId": ["acme"]}, "its claim tenantId is neither a string nor an integer"),
        ({"sub": None}, "it has no claim sub (auth.user_claim)"),
        ({"sub": "x" * 257}, "its claim sub has more than 256 characters"),
        ({"jti": 7}, "its jti is not a string"),
        ({"aud": "x" * 1_000}, "'xxx"),
    ],
)
def test_the_operator_learns_what_is_wrong_with_claims(
    claims: dict[str, Any], reason: str, clock: Clock, secret_issuer: Issuer
) -> None:
    config = JWTConfig(issuer="https://login.example.com", audience="realtime")
    authenticator = JWTAuthenticator(config, StaticKeys(secret_issuer.private), clock=clock)
    good = {"iss": "https://login.example.com", "aud": "realtime"}
    with pytest.raises(AuthError) as caught:
        verified(authenticator, secret_issuer.token(**(good | claims)))
    assert reason in caught.value.reason and len(caught.value.reason) < 200


def test_the_operator_learns_what_is_wrong_with_signatures(
    authenticator: JWTAuthenticator, secret_issuer: Issuer, rsa_issuer: Issuer
) -> None:
    header, claims, _ = secret_issuer.token().split(".")
    reasons = []
    for token in (
        f"{header}.{claims}.{'A' * 43}",
        f"{header}.{claims}",
        f"{header}.{claims}.!",
        rsa_issuer.token(),
        "not-a-token",
    ):
        with pytest.raises(AuthError) as caught:
            verified(authenticator, token)
        reasons.append(caught.value.reason)
    assert reasons == [
        "none of the keys signed it; are they its issuer's?",
        "it is not three parts of base64url",
        "it is not three parts of base64url",
        "its algorithm 'RS256' is not among auth.algorithms",
        "it is no JWT: its first part is not a header",
    ]


# Remembered tokens


def test_connections_with_one_token_share_one_identity(
    authenticator: JWTAuthenticator, secret_issuer: Issuer
) -> None:
    token = secret_issuer.token()
    assert verified(authenticator, token) is verified(authenticator, token)


def test_a_revoked_token_is_refused_remembered_or_not(clock: Clock, secret_issuer: Issuer) -> None:
    revocations = RevocationList(clock=clock)
    keys = StaticKeys(secret_issuer.private)
    authenticator = JWTAuthenticator(JWTConfig(), keys, revocations=revocations, clock=clock)
    remembered, fresh = secret_issuer.token(jti="a"), secret_issuer.token(jti="b")
    verified(authenticator, remembered)
    revocations.revoke_token("acme", "a", until=NOW + 4_000)
    revocations.revoke_token("acme", "b", until=NOW + 4_000)
    assert refusal(authenticator, remembered) == "token_revoked"
    assert refusal(authenticator, fresh) == "token_revoked"


# Configuration


@pytest.mark.parametrize("algorithms", [(), ("none",), ("HS256", "none"), ("hs256",), ("XS256",)])
def test_an_unknown_algorithm_is_refused_at_configuration(algorithms: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        JWTConfig(algorithms=algorithms)
    assert caught.value.key == "auth.algorithms"


@pytest.mark.parametrize("leeway", [-1.0, float("inf"), float("nan")])
def test_a_leeway_that_is_none_is_refused_at_configuration(leeway: float) -> None:
    with pytest.raises(ConfigError):
        JWTConfig(leeway=leeway)


def test_keys_that_do_not_fit_are_refused_at_configuration(rsa_issuer: Issuer) -> None:
    with pytest.raises(ConfigError):
        JWTAuthenticator(JWTConfig(algorithms=("HS256",)), StaticKeys(rsa_issuer.pem))
