"""Whose address counts: the peer's, or behind proxies of ours the one they forwarded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from tidegate.errors import ConfigError

__all__ = ["TrustedProxies", "address_group"]

_CLIENT_PREFIX = 64
"""Bits of an IPv6 address that one customer has; the other 64 are theirs to change at will."""

_CACHED = 4_096
"""Addresses remembered: a client asks four times on its way in, its neighbours behind one proxy
or NAT share the answer, and ``ipaddress`` is Python (15 of 300 us of a handshake)."""


_MAX_LENGTH = 64
"""Characters of an address: 39, or 45 with an IPv4 tail, and a zone."""


class TrustedProxies:
    """The proxies whose X-Forwarded-For is believed.

    Args:
        networks: Addresses and networks, such as ``10.0.0.0/8`` or ``2001:db8::1``.

    Raises:
        ConfigError: An entry is neither.
    """

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks = tuple(_network(entry.strip()) for entry in networks)

    def client_address(self, peer: str, forwarded_for: str | None) -> str:
        """Return the address of the client, normalised.

        That is the rightmost address that no trusted proxy has: whatever stands left of it was
        written by the client itself. The walk also ends at an entry that is no address; the last
        trusted proxy then counts as the client.

        Args:
            peer: Address of the TCP peer.
            forwarded_for: The X-Forwarded-For header, several of them joined by commas in order.
        """
        address = _parse(peer)
        if address is None:
            return peer
        for entry in reversed(forwarded_for.split(",") if forwarded_for else ()):
            if not self._trusts(address):
                break
            forwarded = _parse(_without_port(entry.strip()))
            if forwarded is None:
                break
            address = forwarded
        return _normalised(address)

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._networks)


def address_group(address: str) -> str:
    """Return what limits count an address by: itself, or the /64 of an IPv6 address."""
    parsed = _parse(address)
    return address if parsed is None else _group(parsed)


@lru_cache(maxsize=_CACHED)
def _group(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, _CLIENT_PREFIX), strict=False))


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    # What a client wrote can be long, and must not fill the memory of a cache.
    return _parse_short(text) if len(text) <= _MAX_LENGTH else None


@lru_cache(maxsize=_CACHED)
def _parse_short(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    # A zone (fe80::1%eth0) names an interface of the machine that wrote it: it is left out.
    return address.ipv4_mapped or IPv6Address(int(address))


@lru_cache(maxsize=_CACHED)
def _normalised(address: IPv4Address | IPv6Address) -> str:
    return str(address)


def _without_port(entry: str) -> str:
    """Return the address of ``1.2.3.4:5678`` or ``[::1]:5678``, which some proxies forward."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    host, _, port = entry.partition(":")
    return host if port.isdigit() and "." in host else entry


def _network(entry: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(entry)
    except ValueError as error:
        raise ConfigError(
            "trusted_proxies",
            f"the entry {entry!r} is not an address or a network ({error})",
            remedy="Write the proxy's address, or its network such as 10.0.0.0/8.",
        ) from error
