from __future__ import annotations

import pytest

from tidegate.auth import TrustedProxies, address_group
from tidegate.errors import ConfigError

PROXIES = TrustedProxies(["10.0.0.0/8", "2001:db8:ffff::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7,10.0.0.3,10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.9, 10.0.0.2", "10.0.0.9"),
        ("10.0.0.1", "198.51.100.7, garbage", "10.0.0.1"),
        ("10.0.0.1", "garbage, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, , 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "198.51.100.7%x", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.0.0.1", "2001:DB8:0:0::7", "2001:db8::7"),
        ("2001:db8:ffff::1", "198.51.100.7", "198.51.100.7"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
        ("::ffff:192.0.2.1", None, "192.0.2.1"),
        ("fe80::1%eth0", None, "fe80::1"),
        ("", "198.51.100.7", ""),
    ],
)
def test_the_rightmost_address_that_is_no_proxy_counts(
    peer: str, forwarded_for: str | None, client: str
) -> None:
    assert PROXIES.client_address(peer, forwarded_for) == client


def test_without_trusted_proxies_the_header_means_nothing() -> None:
    assert TrustedProxies().client_address("10.0.0.1", "198.51.100.7") == "10.0.0.1"


@pytest.mark.parametrize("entry", ["proxy.internal", "10.0.0.1/8", "", "10.0.0.0/33"])
def test_a_bad_network_is_refused_with_a_remedy(entry: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrustedProxies([entry])
    assert caught.value.key == "trusted_proxies"
    assert "10.0.0.0/8" in caught.value.remedy


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("unknown", "unknown"),
    ],
)
def test_limits_count_an_ipv6_client_by_its_network(address: str, group: str) -> None:
    assert address_group(address) == group


def test_an_endless_entry_is_no_address() -> None:
    proxies = TrustedProxies(["10.0.0.0/8"])
    assert proxies.client_address("10.0.0.1", "fe80::1%" + "x" * 5_000) == "10.0.0.1"
