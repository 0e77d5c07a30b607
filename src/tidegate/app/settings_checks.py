"""What one setting alone can't show: settings that contradict each other, files that can't be used.

Each check is a generator of findings over a complete ``Settings``; ``find`` runs them all.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from tidegate.app.settings import AuthSettings, Settings
from tidegate.auth.keys import HMAC_KEY_SIZES, StaticKeys
from tidegate.auth.origins import OriginPolicy
from tidegate.errors import ConfigError

__all__ = ["Finding", "find_contradictions", "read_key_files"]


class Finding(NamedTuple):
    """Something about a setting that should change; the source of its value comes later."""

    key: str
    problem: str
    remedy: str


def find_contradictions(settings: Settings) -> Iterator[Finding]:
    """Yield what makes these settings unusable, whoever gave them."""
    for check in (
        _kinds_of_key,
        _key_and_algorithms,
        _tls,
        _origins,
        _ports,
        _workers,
        _broker,
        _retention,
    ):
        yield from check(settings)


# Keys that verify tokens.


def read_key_files(settings: Settings) -> tuple[Settings, list[str], list[Finding]]:
    """Return the settings with ``auth.secret`` and ``auth.public_key`` read from their files.

    Also the keys that were filled in that way, and what was wrong with the files.
    """
    auth, filled, findings = settings.auth, [], []
    for name in ("secret", "public_key"):
        path = getattr(auth, f"{name}_file")
        if path is None:
            continue
        text = _text(path)
        if isinstance(text, Finding):
            findings.append(text._replace(key=f"auth.{name}_file"))
        elif _text_of(auth, name) not in (None, text):
            problem = f"is set together with auth.{name}, and they differ"
            findings.append(Finding(f"auth.{name}_file", problem, "Keep one of the two."))
        else:
            auth = auth.model_copy(update={name: SecretStr(text) if name == "secret" else text})
            filled.append(f"auth.{name}")
    return settings.model_copy(update={"auth": auth}), filled, findings


def _text(path: Path) -> str | Finding:
    # The path stays out of the message: people put the secret itself there.
    try:
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        remedy = "Name a file that exists and that this process may read."
        return Finding("", f"names a file that can't be read ({error.strerror})", remedy)
    except ValueError:
        return Finding("", "names a file that is not UTF-8 text", "Name a text file.")
    return text or Finding("", "names an empty file", "Put the key into the file.")


def _text_of(auth: AuthSettings, name: str) -> str | None:
    value: SecretStr | str | None = getattr(auth, name)
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _given_keys(auth: AuthSettings) -> list[str]:
    return [name for name in ("secret", "jwks_url", "public_key") if getattr(auth, name)]


def _kinds_of_key(settings: Settings) -> Iterator[Finding]:
    given = [f"auth.{name}" for name in _given_keys(settings.auth)]
    if len(given) > 1:
        yield Finding(
            given[0],
            f"is set together with {' and '.join(given[1:])}, but one kind of key verifies tokens",
            "Keep the one that your issuer signs for, and remove the others.",
        )


def _key_and_algorithms(settings: Settings) -> Iterator[Finding]:
    auth = settings.auth
    match _given_keys(auth):
        case ["jwks_url"]:
            yield from _jwks_algorithms(auth)
        case ["secret" | "public_key" as name]:
            yield from _static_key(name, _text_of(auth, name) or "", auth.algorithms)
        case _:
            return


def _jwks_algorithms(auth: AuthSettings) -> Iterator[Finding]:
    symmetric = [name for name in auth.algorithms if name in HMAC_KEY_SIZES]
    if symmetric:
        yield Finding(
            "auth.algorithms",
            f"contains {symmetric[0]}, which needs a shared secret; a JWKS URL gives public keys",
            "Name what the issuer signs with, such as RS256 or ES256.",
        )


def _static_key(name: str, text: str, algorithms: Iterable[str]) -> Iterator[Finding]:
    key, is_pem = f"auth.{name}", text.lstrip().startswith("-----BEGIN")
    if name == "secret" and is_pem:
        yield Finding(key, "is a key in PEM", "Put the public key into auth.public_key.")
    elif name == "public_key" and not is_pem:
        yield Finding(key, "is not PEM", "Write it whole, from -----BEGIN to -----END.")
    else:
        yield from _unusable_key(key, text, algorithms)


def _unusable_key(key: str, text: str, algorithms: Iterable[str]) -> Iterator[Finding]:
    try:
        # Weakness is a matter of safety, which `--dev` may overrule; this is about fitting at all.
        StaticKeys(text, allow_weak=True).require(list(algorithms))
    except ConfigError as error:
        culprit = error.key if error.key == "auth.algorithms" else key
        yield Finding(culprit, error.problem, error.remedy)


# The rest of the tree.


def _tls(settings: Settings) -> Iterator[Finding]:
    certificate, key = settings.tls.certificate, settings.tls.key
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        given, missing = ("key", "certificate") if certificate is None else ("certificate", "key")
        problem = f"is set, but tls.{missing} is not"
        yield Finding(f"tls.{given}", problem, f"Set tls.{missing} too, or remove both.")
        return
    unreadable = [
        text._replace(key=name)
        for name, path in (("tls.certificate", certificate), ("tls.key", key))
        if isinstance(text := _text(path), Finding)
    ]
    yield from unreadable or _unusable_certificate(certificate, key)


def _unusable_certificate(certificate: Path, key: Path) -> Iterator[Finding]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a password OpenSSL would ask for that of an encrypted key at the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or "not PEM"
        yield Finding(
            "tls.certificate",
            f"can't be used with tls.key ({reason.lower().replace('_', ' ')})",
            "Use a PEM certificate chain and its own private key, not encrypted.",
        )


def _origins(settings: Settings) -> Iterator[Finding]:
    for origin in settings.origins:
        try:
            OriginPolicy([origin])
        except ConfigError as error:
            yield Finding("origins", error.problem, error.remedy)


def _ports(settings: Settings) -> Iterator[Finding]:
    api, anywhere = settings.api, {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound
    overlap = settings.host == api.host or anywhere & {settings.host, api.host}
    if settings.port == api.port != 0 and overlap:
        yield Finding(
            "api.port", f"is {api.port}, as is port", "Give the private port a number of its own."
        )


def _workers(settings: Settings) -> Iterator[Finding]:
    if settings.workers > 1 and settings.log.kind == "memory":
        yield Finding(
            "workers",
            f"is {settings.workers}, but the memory log lives in one process: clients of one "
            "worker would miss the events of another",
            "Use 1, or set log.kind to rabbitmq.",
        )


def _broker(settings: Settings) -> Iterator[Finding]:
    if settings.rabbitmq.url is not None:
        return
    needs = [
        ("log.kind", "is rabbitmq", settings.log.kind == "rabbitmq"),
        ("rabbitmq.queues", "names queues", bool(settings.rabbitmq.queues)),
        ("forwards", "sends client events to RabbitMQ", bool(settings.forwards)),
    ]
    for key, what, is_set in needs:
        if is_set:
            yield Finding(
                key,
                f"{what}, but rabbitmq.url is not set",
                "Set it, for example TIDEGATE_RABBITMQ__URL=amqp://user:password@localhost:5672/",
            )


def _retention(settings: Settings) -> Iterator[Finding]:
    if settings.log.kind == "rabbitmq" and settings.log.max_age < settings.window.age:
        yield Finding(
            "log.max_age",
            f"is {settings.log.max_age}, less than window.age, which is filled from the log",
            f"Use {settings.window.age} or more.",
        )
