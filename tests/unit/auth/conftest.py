"""Real keys, made once, and a real HTTP server that publishes them."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

NOW = 1_800_000_000.0
SECRET = "correct-horse-battery-staple-0123456789-correct-horse-battery-staple"


class Clock:
    """Unix seconds that only a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Issuer(msgspec.Struct):
    """Who signs tokens: with a key pair of ``cryptography``, or with a shared secret."""

    private: Any
    algorithm: str
    kid: str | None = None

    @property
    def pem(self) -> str:
        public: bytes = self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return public.decode()

    @property
    def private_pem(self) -> str:
        private: bytes = self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return private.decode()

    @property
    def jwk(self) -> dict[str, Any]:
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        public = json.loads(algorithm.to_jwk(self.private.public_key()))
        return {**public, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def token(self, *, kid: str | None = "", algorithm: str = "", **claims: Any) -> str:
        """Sign a token of user 42 of acme, valid for an hour; a claim of None is left out."""
        merged = {"tenantId": "acme", "sub": "42", "iat": NOW, "exp": NOW + 3600, **claims}
        payload = {name: value for name, value in merged.items() if value is not None}
        return self.sign(json.dumps(payload).encode(), kid=kid, algorithm=algorithm)

    def sign(self, payload: bytes, *, kid: str | None = "", algorithm: str = "") -> str:
        """Sign any bytes."""
        name = self.kid if kid == "" else kid
        headers = None if name is None else {"kid": name}
        return jwt.PyJWS().encode(payload, self.private, algorithm or self.algorithm, headers)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def secret_issuer() -> Issuer:
    return Issuer(SECRET, "HS256")


@pytest.fixture(scope="session")
def rsa_issuer() -> Issuer:
    return Issuer(rsa.generate_private_key(65537, 2048), "RS256", "rsa-1")


@pytest.fixture(scope="session")
def next_issuer() -> Issuer:
    return Issuer(rsa.generate_private_key(65537, 2048), "RS256", "rsa-2")


@pytest.fixture(scope="session")
def ec_issuer() -> Issuer:
    return Issuer(ec.generate_private_key(ec.SECP256R1()), "ES256", "ec-1")


@pytest.fixture(scope="session")
def ed_issuer() -> Issuer:
    return Issuer(ed25519.Ed25519PrivateKey.generate(), "EdDSA", "ed-1")


class KeyServer:
    """Publishes keys at ``url``; a test changes what it answers, and lets it wait or fail."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b'{"keys":[]}'
        self.requests = 0
        self.asked = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/jwks.json"

    def publish(self, *keys: Issuer | dict[str, Any]) -> None:
        jwks = [key.jwk if isinstance(key, Issuer) else key for key in keys]
        self.status, self.body = 200, json.dumps({"keys": jwks}).encode()

    def stop(self) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests += 1
                server.asked.set()
                server.may_answer.wait(30)
                self.send_response(server.status)
                for name, value in server.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(server.body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the client may have heard enough
                    self.wfile.write(server.body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler


@pytest.fixture
def key_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = KeyServer()
    yield server
    server.stop()
