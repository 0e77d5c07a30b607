"""The checklist of a realtime domain: what has to hold, by which rules it fails, what proves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidegate.review.checklist import client_proofs, proofs
from tidegate.review.checklist.proofs import Proof

__all__ = ["ITEMS", "Item"]

Need = Literal["", "identity", "identity first"]
Part = Literal["gateway", "consumer", "client"]


@dataclass(frozen=True)
class Item:
    """One thing that has to hold.

    Attributes:
        text: What holds, as a statement.
        rules: A finding of one of these breaks it.
        proof: Returns the place that shows it. What shows nothing has not passed, even if no rule
            found fault with it: there may have been nothing to look at.
        part: What there must be for it to be judged.
        needs: What must hold first. Of clients that nobody has authenticated no identity is known
            ("identity"), and so each message is handled before one is ("identity first").
    """

    text: str
    rules: tuple[str, ...]
    proof: Proof
    part: Part = "gateway"
    needs: Need = ""


ITEMS: tuple[Item, ...] = (
    Item(
        "Who connects is authenticated at the door",
        (
            "connection-without-authentication",
            "guard-not-run-on-connect",
            "accepted-before-authentication",
            "verified-again-in-handler",
        ),
        proofs.authenticates,
    ),
    Item(
        "A client that is refused does not stay connected",
        ("refused-client-stays-connected", "http-exception-in-websocket-guard"),
        proofs.refuses,
        needs="identity",
    ),
    Item(
        "No message is handled before the identity is known",
        ("async-connect-race",),
        proofs.checks_in_time,
        needs="identity first",
    ),
    Item(
        "The token is in the auth payload: not in the URL, not in the log",
        ("token-in-query", "token-logged"),
        proofs.takes_token_from_auth,
        needs="identity",
    ),
    Item(
        "The token's signature and algorithm are verified, and its expiry is kept",
        ("jwt-not-verified", "jwt-algorithms-open", "expiry-ignored"),
        proofs.verifies,
        needs="identity",
    ),
    Item(
        "Secrets come from the configuration",
        ("hard-coded-secret", "secret-without-configuration"),
        proofs.reads_secrets,
    ),
    Item(
        "Tenant and user come from the verified token",
        ("tenant-from-client",),
        proofs.keeps_identity,
        needs="identity",
    ),
    Item(
        "Rooms are joined by right and by a name of their own",
        ("unchecked-room-join", "room-never-joined", "room-without-prefix", "one-socket-per-user"),
        proofs.joins,
    ),
    Item(
        "Every emit goes to a room that the server chose",
        (
            "global-emit",
            "except-addresses-everyone-else",
            "rooms-are-a-union",
            "emit-to-client-chosen-target",
        ),
        proofs.addresses_rooms,
    ),
    Item(
        "Only known pages may connect, and the upgrade is checked too",
        ("any-origin", "origin-not-checked-on-upgrade", "origin-from-unset-environment"),
        proofs.lists_origins,
    ),
    Item(
        "WebSocket is the only transport, on both sides",
        ("polling-enabled", "transports-differ"),
        proofs.is_websocket_only,
    ),
    Item(
        "Options take effect, and what a client may send is bounded",
        ("gateway-options-ignored", "no-payload-limit"),
        proofs.bounds_payloads,
    ),
    Item(
        "It works on several nodes",
        ("io-adapter-missing", "shared-queue-broadcast"),
        proofs.works_on_many_nodes,
    ),
    Item("It is registered, and so runs", ("module-not-imported",), proofs.is_registered),
    Item(
        "Nothing asynchronous is forgotten, and no session is held for a socket's life",
        ("coroutine-not-awaited", "session-held-per-socket"),
        proofs.awaits,
    ),
    Item("It logs through a logger", ("console-instead-of-logger",), proofs.logs),
    Item(
        "A message is acknowledged once it is handled, on every path",
        (
            "consumer-not-a-controller",
            "ack-without-manual-mode",
            "never-acknowledged",
            "not-settled-on-some-path",
            "failure-acknowledged",
        ),
        proofs.settles,
        "consumer",
    ),
    Item(
        "A message that fails is kept as a dead letter, and does not go round",
        ("requeue-loop", "no-dead-letter", "transient-shared-queue"),
        proofs.dead_letters,
        "consumer",
    ),
    Item(
        "Unacknowledged messages are bounded", ("no-prefetch",), proofs.bounds_prefetch, "consumer"
    ),
    Item(
        "Each reconnect of a client brings a fresh token",
        ("stale-token", "connects-without-token"),
        client_proofs.gives_fresh_token,
        "client",
    ),
    Item(
        "A client hears that it was refused, and then stops",
        ("no-connect-error-handler", "retries-after-unauthorized"),
        client_proofs.hears_of_refusal,
        "client",
    ),
    Item(
        "A client never gives up while it may come back",
        ("reconnect-gives-up",),
        client_proofs.never_gives_up,
        "client",
    ),
    Item(
        "A client opens one socket, and closes it",
        ("socket-not-closed", "reconnects-on-render", "socket-opened-on-import-or-render"),
        client_proofs.is_closed,
        "client",
    ),
    Item(
        "A client's store is bounded and free of doubles",
        ("unbounded-store",),
        client_proofs.keeps_events,
        "client",
    ),
)
