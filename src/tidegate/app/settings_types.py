"""The types that settings are made of: each knows its range and explains itself when it is wrong.

A value may arrive as TOML (typed), as the text of an environment variable, or as a flag, so every
type accepts text as well. What a validator raises carries a problem and a remedy;
``tidegate.app.settings_errors`` adds the key and the source of the value.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ByteSize,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from tidegate.auth.keys import ALGORITHMS

__all__ = [
    "Algorithms",
    "BrokerURL",
    "ClaimPath",
    "Count",
    "EnginePath",
    "Host",
    "HostNames",
    "LogKind",
    "LogLevel",
    "LogName",
    "Names",
    "NamespaceNames",
    "Networks",
    "Number",
    "Pause",
    "Port",
    "Rate",
    "Seconds",
    "Size",
    "StreamURL",
    "WebURL",
    "format_size",
    "parse_size",
    "split_commas",
    "wrong",
]

_BYTES = TypeAdapter(ByteSize)
_UNITS = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024), ("MB", 1000**2), ("kB", 1000))


def wrong(problem: str, remedy: str) -> PydanticCustomError:
    """Return what a validator raises: what is wrong with the value, and what to do."""
    context = {"problem": problem, "remedy": remedy}
    return PydanticCustomError("setting", "{problem}. {remedy}", context)


# Numbers.


def _refuse_boolean(value: object) -> object:
    # pydantic reads true as 1; a port of `true` is a mistake, not port 1.
    if isinstance(value, bool):
        raise wrong(f"is {str(value).lower()}, which is not a number", "Use a number.")
    return value


def parse_size(value: object) -> object:
    """Return the bytes that a text such as ``64MB`` (10**6) or ``64MiB`` (2**20) stands for."""
    if not isinstance(value, str):
        return _refuse_boolean(value)
    try:
        return int(_BYTES.validate_python(value))
    except ValidationError:
        raise wrong(
            f"is {value!r}, which is not a size",
            "Use a number of bytes, or a number with a unit, such as 64MiB or 500kB.",
        ) from None


def format_size(size: int) -> str:
    """Return ``size`` in the largest unit that divides it; ``parse_size`` reads it back."""
    for unit, factor in _UNITS:
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


Number = Annotated[int, BeforeValidator(_refuse_boolean), Field(ge=0, le=10_000_000)]
"""A whole number; 0 is allowed."""

Count = Annotated[int, BeforeValidator(_refuse_boolean), Field(ge=1, le=10_000_000)]
"""A whole number of things, at least one."""

Port = Annotated[int, BeforeValidator(_refuse_boolean), Field(ge=0, le=65_535)]
"""A TCP port; 0 lets the system choose a free one."""

Seconds = Annotated[
    float, BeforeValidator(_refuse_boolean), Field(gt=0, le=86_400, allow_inf_nan=False)
]
"""A duration of more than nothing and at most a day."""

Rate = Annotated[
    float, BeforeValidator(_refuse_boolean), Field(gt=0, le=1_000_000, allow_inf_nan=False)
]
"""Things per second."""

Pause = Annotated[
    float, BeforeValidator(_refuse_boolean), Field(ge=0, le=86_400, allow_inf_nan=False)
]
"""A duration that may be nothing."""

Size = Annotated[int, BeforeValidator(parse_size), Field(ge=128, le=1024**4)]
"""Bytes: a number, or text with a unit."""


# Texts.


def _host(value: str) -> str:
    host = value.strip()
    if not host or re.search(r"[\s/@?#,]", host):
        raise wrong(
            f"is {value!r}, which is not a host",
            "Use an address or a host name without scheme, port or path, such as 127.0.0.1.",
        )
    return host


def _web_url(value: str) -> str:
    match = re.fullmatch(r"https?://(?P<authority>[^/?#\s]+)\S*", value, re.IGNORECASE)
    if match is None:
        raise wrong("is not a web address", "Use a full URL that starts with https://.")
    if "@" in match["authority"]:
        raise wrong("contains a user name or password", "Use a URL without credentials.")
    return value


def _engine_path(value: str) -> str:
    if not re.fullmatch(r"/([\w.~-]+/)+", value):
        raise wrong(
            f"is {value!r}, which is not a path that starts and ends with a slash",
            "Use the path that clients are configured with, such as /socket.io/.",
        )
    return value


def _claim_path(value: str) -> str:
    if not value or value != value.strip():
        raise wrong(
            f"is {value!r}, which names no claim",
            "Use the name of a claim or a dotted path to it, such as tenantId or org.id.",
        )
    return value


def _log_kind(value: object) -> object:
    if value not in ("memory", "rabbitmq"):
        raise wrong("is not a kind of log", "Use 'memory' or 'rabbitmq', or leave it out.")
    return value


def _log_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,200}", value):
        raise wrong(
            f"is {value!r}, which can't name streams",
            "Use up to 200 letters, digits and ._- such as tidegate.",
        )
    return value


def _broker_url(schemes: tuple[str, str]) -> Callable[[SecretStr], SecretStr]:
    def check(value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if parts.scheme not in schemes or not parts.hostname:
            raise wrong(
                "is not the URL of a RabbitMQ broker",
                f"Use {schemes[0]}://user:password@host:port/vhost, or {schemes[1]}:// for TLS.",
            )
        try:
            _ = parts.port
        except ValueError:
            raise wrong("has a port that is no number", "Put a number after the colon.") from None
        return value

    return check


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Host = Annotated[str, AfterValidator(_host)]
WebURL = Annotated[str, AfterValidator(_web_url)]
EnginePath = Annotated[str, AfterValidator(_engine_path)]
ClaimPath = Annotated[str, AfterValidator(_claim_path)]
LogKind = Annotated[Literal["memory", "rabbitmq"], BeforeValidator(_log_kind)]
LogName = Annotated[str, AfterValidator(_log_name)]
BrokerURL = Annotated[SecretStr, AfterValidator(_broker_url(("amqp", "amqps")))]
StreamURL = Annotated[
    SecretStr, AfterValidator(_broker_url(("rabbitmq-stream", "rabbitmq-stream+tls")))
]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]


# Lists: in TOML an array, elsewhere text with commas.


def split_commas(value: object) -> object:
    """Return the parts of a text with commas; anything else as it is."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _algorithms(names: list[str]) -> list[str]:
    if not names:
        raise wrong("is empty", "Name at least one algorithm, or leave the setting out.")
    for name in names:
        if name not in ALGORITHMS:
            raise wrong(
                f"contains {name!r}, which is not an algorithm that Tidegate accepts",
                f"Use one of {', '.join(sorted(ALGORITHMS))}.",
            )
    return names


def _namespaces(names: list[str]) -> list[str]:
    for name in names:
        if not re.fullmatch(r"/[A-Za-z0-9._~/-]*", name):
            raise wrong(
                f"contains {name!r}, which is not a namespace",
                "Start it with a slash; letters, digits and ._~/- may follow: /notifications.",
            )
    return names


def _host_names(names: list[str]) -> list[str]:
    for name in names:
        if not re.fullmatch(r"[\w.-]+|\[[0-9A-Fa-f:.]+\]", name):
            raise wrong(
                f"contains {name!r}, which is not a host name",
                "Use names without scheme, port and path, such as live.example.com.",
            )
    return [name.lower() for name in names]


def _networks(networks: list[str]) -> list[str]:
    return [_network(network) for network in networks]


def _network(text: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise wrong(
            f"contains {text!r}, which is not a network",
            "Use addresses or CIDR blocks, such as 10.0.0.0/8.",
        ) from None
    if "/" in text and str(network.network_address) != str(ipaddress.ip_interface(text).ip):
        raise wrong(
            f"contains {text!r}, an address inside a network rather than the network",
            f"Use {network} for the whole network, or the address alone.",
        )
    return str(network)


Names = Annotated[list[str], BeforeValidator(split_commas)]
Algorithms = Annotated[Names, AfterValidator(_algorithms)]
NamespaceNames = Annotated[Names, AfterValidator(_namespaces)]
HostNames = Annotated[Names, AfterValidator(_host_names)]
Networks = Annotated[Names, AfterValidator(_networks)]
"""Networks in CIDR notation; a bare address becomes a network of one."""
