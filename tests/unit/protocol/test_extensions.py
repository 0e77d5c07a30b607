"""Offers of compression and the answers to them (RFC 7692, section 7.1)."""

from __future__ import annotations

import pytest

from tidegate.protocol.extensions import agree_on_deflate
from tidegate.protocol.upgrade import BadRequest

AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
WITH_WINDOW = f"{AGREED}; server_max_window_bits=12"


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("permessage-deflate", AGREED),
        ("permessage-deflate; client_max_window_bits", AGREED),
        ("permessage-deflate; client_max_window_bits=10", AGREED),
        ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", AGREED),
        ("permessage-deflate; server_max_window_bits=15", WITH_WINDOW),
        ("permessage-deflate; server_max_window_bits=12; client_max_window_bits=12", WITH_WINDOW),
        ('permessage-deflate ;\tserver_max_window_bits = "1\\5"', WITH_WINDOW),
    ],
)
def test_offer_that_can_be_honoured(offer: str, answer: str) -> None:
    assert agree_on_deflate(offer) == answer


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "x-webkit-deflate-frame",
        "Permessage-Deflate",
        "permessage-deflate; server_max_window_bits=11",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=012",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=8.5",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; level=9",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=9; client_max_window_bits=10",
    ],
)
def test_offer_that_is_declined(offer: str) -> None:
    assert agree_on_deflate(offer) == ""


@pytest.mark.parametrize(
    ("offers", "answer"),
    [
        ("permessage-deflate; server_max_window_bits=9, permessage-deflate", AGREED),
        ("permessage-deflate, permessage-deflate; server_max_window_bits=15", AGREED),
        ("permessage-deflate; server_max_window_bits=15, permessage-deflate", WITH_WINDOW),
        ('other; note="a-b"; x, permessage-deflate', AGREED),
        (", ,permessage-deflate,", AGREED),
    ],
)
def test_first_of_several_offers_that_can_be_honoured(offers: str, answer: str) -> None:
    assert agree_on_deflate(offers) == answer


@pytest.mark.parametrize(
    "header",
    [
        "permessage-deflate;",
        "permessage-deflate; =12",
        "permessage-deflate; server_max_window_bits=",
        'permessage-deflate; server_max_window_bits="12',
        'permessage-deflate; server_max_window_bits=""',
        'permessage-deflate; server_max_window_bits="1 2"',
        'permessage-deflate, other; text="a, b"',
        "permessage deflate",
        "permessage-deflate, (other)",
        "permessage-deflate\xe9",
    ],
)
def test_header_that_breaks_the_syntax_fails_the_handshake(header: str) -> None:
    assert isinstance(agree_on_deflate(header), BadRequest)


def test_endless_header_is_not_read() -> None:
    assert agree_on_deflate("permessage-deflate, " + "x," * 1_000) == ""
