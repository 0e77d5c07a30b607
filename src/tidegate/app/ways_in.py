"""What every way in shares, the public port and a mounted gateway, as the settings have it."""

from __future__ import annotations

from tidegate.app.settings import Settings
from tidegate.auth.addresses import TrustedProxies
from tidegate.auth.origins import OriginPolicy
from tidegate.hub import Hub
from tidegate.protocol.connection import ConnectionConfig
from tidegate.transports.base import ConnectionHandler
from tidegate.transports.doorkeeper import Doorkeeper
from tidegate.transports.entrance import Wiring

__all__ = ["make_wiring"]


def make_wiring(settings: Settings, *, handler: ConnectionHandler, hub: Hub) -> Wiring:
    """Return what an entrance is made of."""
    return Wiring(
        handler=handler,
        hub=hub,
        doorkeeper=_doorkeeper(settings),
        core_config=_core_config(settings),
        write_buffer=settings.limits.write_buffer,
        upgrade_timeout=settings.upgrade_timeout,
    )


def _doorkeeper(settings: Settings) -> Doorkeeper:
    return Doorkeeper(
        path=settings.path,
        origins=OriginPolicy(settings.origins),
        allowed_hosts=frozenset(settings.allowed_hosts),
        proxies=TrustedProxies([str(network) for network in settings.trusted_proxies]),
        max_waiting=settings.limits.unauthenticated,
        max_waiting_per_address=settings.limits.unauthenticated_per_address,
        compresses=settings.compression.enabled,
    )


def _core_config(settings: Settings) -> ConnectionConfig:
    return ConnectionConfig(
        ping_interval=settings.ping_interval,
        ping_timeout=settings.ping_timeout,
        connect_timeout=settings.connect_timeout,
        max_payload=settings.limits.payload,
        max_attachments=settings.limits.attachments,
        max_namespaces=settings.limits.namespaces,
    )
