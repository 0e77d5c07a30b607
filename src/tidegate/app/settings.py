"""The settings tree: every key, its default, its range, what it means.

``Settings()`` is all defaults and reads nothing; ``tidegate.app.config.load_settings`` fills it
from the file, the environment and the flags. The texts below the fields are the texts of
``docs/reference/settings.md``; a test keeps the two the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.fields import FieldInfo

from tidegate.app.settings_tables import Bindings, Forwards, Queues
from tidegate.app.settings_types import (
    Algorithms,
    BrokerURL,
    ClaimPath,
    Count,
    EnginePath,
    Host,
    HostNames,
    LogKind,
    LogLevel,
    LogName,
    Names,
    NamespaceNames,
    Networks,
    Number,
    Pause,
    Port,
    Rate,
    Seconds,
    Size,
    StreamURL,
    WebURL,
    parse_size,
)

__all__ = [
    "FIELDS",
    "SECTIONS",
    "APISettings",
    "AuthSettings",
    "CompressionSettings",
    "LimitSettings",
    "LogSettings",
    "RabbitMQSettings",
    "Settings",
    "TLSSettings",
    "WindowSettings",
    "holds_path",
    "holds_secret",
    "holds_size",
]


class _Section(BaseModel):
    # Inputs are hidden because a secret under the wrong key is a secret all the same.
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


def _default_algorithms(auth: dict[str, Any]) -> list[str]:
    keys = ("jwks_url", "public_key", "public_key_file")
    return ["RS256"] if any(auth.get(key) for key in keys) else ["HS256"]


class AuthSettings(_Section):
    """How tokens are verified: by one of a shared secret, a JWKS URL, or a public key."""

    secret: SecretStr | None = None
    """Shared secret of the HS algorithms: at least 32 random bytes (48 for HS384, 64 for HS512)."""
    secret_file: Path | None = Field(default=None, repr=False)
    """File that holds the secret; line ends at its end are dropped."""
    jwks_url: WebURL | None = None
    """Where the issuer publishes its keys."""
    public_key: str | None = Field(default=None, repr=False)
    """Public key as PEM text."""
    public_key_file: Path | None = None
    """File that holds the public key as PEM."""
    algorithms: Algorithms = Field(default_factory=_default_algorithms)
    """Signature algorithms accepted; `RS256` with a JWKS URL or a public key, else `HS256`."""
    issuer: str | None = None
    """Required value of the `iss` claim."""
    audience: Names = []
    """Accepted values of the `aud` claim; one of them must be in the token."""
    tenant_claim: ClaimPath = "tenantId"
    """Claim with the tenant; a dotted path looks inside objects."""
    user_claim: ClaimPath = "sub"
    """Claim with the user; a dotted path looks inside objects."""
    leeway: Annotated[Pause, Field(le=600)] = 10.0
    """Seconds by which clocks may differ."""
    expiry_warning: Pause = 60.0
    """Seconds before the token's end at which the client is told."""
    cache_entries: Number = 10_000
    """Verified tokens remembered, so that a reconnect is not verified again; 0 remembers none."""


class TLSSettings(_Section):
    """The certificate of the public port; both settings or neither."""

    certificate: Path | None = None
    """File with the certificate chain, PEM."""
    key: Path | None = None
    """File with the certificate's private key, PEM, not encrypted."""


class APISettings(_Section):
    """The private HTTP port: publish, administration, health, metrics."""

    host: Host = "127.0.0.1"
    """Address the private port listens on."""
    port: Port = 8001
    """Private port; 0 takes a free one."""
    key: SecretStr | None = None
    """Bearer key of the private port, which is off without it (except on loopback with `dev`)."""


class LogSettings(_Section):
    """The event log: in this process, or on RabbitMQ Streams for any number of nodes."""

    kind: LogKind = "memory"
    """Where events are kept: `memory` is one process, `rabbitmq` many nodes."""
    name: LogName = "tidegate"
    """Name of the streams, and of their exchange; gateways that share it share their events."""
    partitions: Annotated[Count, Field(le=64)] = 1
    """Streams that tenants are spread over; another number is another log."""
    max_age: Annotated[Seconds, Field(ge=60, le=30 * 86_400)] = 86_400.0
    """Seconds for which RabbitMQ keeps events."""
    max_bytes: Annotated[Size, Field(ge=1_000_000)] = 2 * 1024**3
    """Bytes of events that RabbitMQ keeps for each partition."""
    exchange: str | None = None
    """Topic exchange bound to the streams, so that services may publish past the queues."""


class RabbitMQSettings(_Section):
    """The broker: where services publish events, and where client events go."""

    url: BrokerURL | None = None
    """Broker's URL: `amqp://user:password@host:5672/vhost`, or `amqps://`."""
    stream_url: StreamURL | None = None
    """Stream protocol's URL, `rabbitmq-stream://…`; default: made from `url`, with port 5552."""
    queues: Queues = []
    """Queues to consume events from."""
    prefetch: Annotated[Count, Field(le=65_535)] = 1_000
    """Messages taken from a queue before the first is acknowledged."""
    heartbeat: Annotated[Seconds, Field(ge=1, le=600)] = 30.0
    """Seconds between heartbeats with the broker; two missed ones end the connection."""
    retry_delay: Seconds = 10.0
    """Longest pause between two attempts to reach the broker again."""


class WindowSettings(_Section):
    """The recent part of the log that each node keeps for recovery and slow clients."""

    age: Seconds = 120.0
    """Seconds for which an event stays recoverable."""
    bytes: Size = 64 * 1024**2
    """Most memory for all events together."""
    tenant_bytes: Size = 8 * 1024**2
    """Most memory for the events of one tenant."""


class CompressionSettings(_Section):
    """Compression of events for the clients that offer it; read about secrets in them before."""

    enabled: bool = False
    """Whether events are compressed for clients that offer it (browsers do)."""
    threshold: Size = 512
    """Bytes of an event's payload from which it is compressed."""


class LimitSettings(_Section):
    """What one client, user, tenant or address may take."""

    payload: Size = 1_000_000
    """Largest message from a client."""
    attachments: Number = 10
    """Binary attachments in one event."""
    namespaces: Count = 16
    """Namespaces on one connection."""
    rooms: Number = 100
    """Resource rooms joined by one socket."""
    events_per_second: Rate = 50.0
    """Events per second from one connection, sustained."""
    event_burst: Count = 100
    """Events from one connection at once."""
    write_buffer: Annotated[Size, Field(ge=16 * 1024)] = 262_144
    """Unsent bytes at which a client counts as slow."""
    tenant_connections: Count = 10_000
    """Connections of one tenant."""
    user_connections: Count = 50
    """Connections of one user."""
    unauthenticated: Count = 1_000
    """Connections that have not presented a token yet, in all."""
    unauthenticated_per_address: Count = 50
    """Connections that have not presented a token yet, of one address."""


class Settings(_Section):
    """Everything that can be set; frozen, and safe to print (secrets show as stars)."""

    host: Host = "127.0.0.1"
    """Address the public port listens on."""
    port: Port = 8000
    """Public port; 0 takes a free one."""
    origins: Names = []
    """Origins of pages that may connect, such as `https://app.example.com`; none: no browser."""
    allowed_hosts: HostNames = []
    """Host names that are served, as in the Host header but without port; none listed: any."""
    namespaces: NamespaceNames = []
    """Namespaces to serve when no Python declares them."""
    path: EnginePath = "/socket.io/"
    """Path of the Socket.IO endpoint, as in the client's `path` option."""
    ping_interval: Seconds = 25.0
    """Seconds between heartbeats."""
    ping_timeout: Seconds = 20.0
    """Seconds a client has to answer a heartbeat."""
    connect_timeout: Seconds = 5.0
    """Seconds a client has to present its token."""
    upgrade_timeout: Seconds = 5.0
    """Seconds a client has to complete the WebSocket upgrade."""
    dev: bool = False
    """Development: unsafe settings are permitted, loudly."""
    workers: Annotated[Count, Field(le=1024)] = 1
    """Processes; more than one needs a log that processes share."""
    trusted_proxies: Networks = []
    """Networks of the proxies in front, whose forwarded addresses count as the client's."""
    drain_seconds: Pause = 10.0
    """Seconds over which connections are closed when the gateway stops."""
    log_level: LogLevel = "info"
    """Least severity that is logged: `debug`, `info`, `warning` or `error`."""
    log_format: Literal["text", "json"] = "text"
    """How log lines are written: `text` or `json`."""
    bindings: Bindings = []
    """What becomes of messages from RabbitMQ: pattern, namespace, event, audience."""
    forwards: Forwards = []
    """Client events that go to services by RabbitMQ."""
    auth: AuthSettings = Field(default_factory=AuthSettings)
    tls: TLSSettings = Field(default_factory=TLSSettings)
    api: APISettings = Field(default_factory=APISettings)
    log: LogSettings = Field(default_factory=LogSettings)
    rabbitmq: RabbitMQSettings = Field(default_factory=RabbitMQSettings)
    window: WindowSettings = Field(default_factory=WindowSettings)
    compression: CompressionSettings = Field(default_factory=CompressionSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)


SECTIONS: dict[str, type[BaseModel]] = {
    name: field.annotation
    for name, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, _Section)
}
"""The tables of the file, by name; the tree is two levels deep."""


def _walk() -> Iterator[tuple[str, FieldInfo]]:
    for name, field in Settings.model_fields.items():
        if name not in SECTIONS:
            yield name, field
    for section, model in SECTIONS.items():
        for name, field in model.model_fields.items():
            yield f"{section}.{name}", field


FIELDS: dict[str, FieldInfo] = dict(_walk())
"""Every setting by dotted key, in the order of the reference."""


def holds_secret(key: str) -> bool:
    """Say whether the value at ``key`` must never be shown."""
    kinds = get_args(FIELDS[key].annotation)
    return any(getattr(kind, "__origin__", kind) is SecretStr for kind in kinds)


def holds_path(key: str) -> bool:
    """Say whether the value at ``key`` names a file."""
    return Path in get_args(FIELDS[key].annotation)


def holds_size(key: str) -> bool:
    """Say whether the value at ``key`` is a number of bytes."""
    return BeforeValidator(parse_size) in FIELDS[key].metadata
