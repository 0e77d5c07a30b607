"""TLS by the certificate settings, with the official client."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.conftest import StartGateway, make_token
from tests.interop.official_client import NodeDriver
from tidegate import ConfigError


def write_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


async def test_the_official_client_connects_over_tls(
    start_gateway: StartGateway, node: NodeDriver, tmp_path: Path
) -> None:
    certificate, key = write_certificate(tmp_path)
    running = await start_gateway(tls={"certificate": str(certificate), "key": str(key)})
    url = running.url.replace("http:", "https:")
    trust = {"ca": certificate.read_text()}
    client = node.client("a", f"{url}/chat", auth={"token": make_token()}, **trust)
    await client.wait("connect")
    await running.gateway.tenant("acme").emit("tick", {"pad": "x" * 100_000})
    assert await client.heard("tick", 1) == [{"pad": "x" * 100_000}]
    client.cut()
    assert (await client.wait("connect", 2))["recovered"] is True


async def test_a_key_that_does_not_fit_is_a_configuration_error(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    certificate, _ = write_certificate(tmp_path)
    (tmp_path / "other").mkdir()
    _, other_key = write_certificate(tmp_path / "other")
    with pytest.raises(ConfigError, match=r"tls\.certificate"):
        await start_gateway(tls={"certificate": str(certificate), "key": str(other_key)})


async def test_a_tls_handshake_that_does_not_go_on_ends_in_time(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    certificate, key = write_certificate(tmp_path)
    running = await start_gateway(
        tls={"certificate": str(certificate), "key": str(key)}, upgrade_timeout=0.2
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()
