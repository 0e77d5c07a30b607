"""The names of the reviewer's rules and their severities, which the labels are checked by."""

RULES: dict[str, dict[str, str]] = {
    "auth": {
        "token-in-query": "high",
        "connection-without-authentication": "critical",
        "guard-not-run-on-connect": "critical",
        "refused-client-stays-connected": "high",
        "jwt-not-verified": "critical",
        "jwt-algorithms-open": "medium",
        "hard-coded-secret": "high",
        "verified-again-in-handler": "low",
        "token-logged": "high",
        "expiry-ignored": "medium",
        "async-connect-race": "medium",
        "accepted-before-authentication": "high",
        "http-exception-in-websocket-guard": "low",
    },
    "tenant": {
        "global-emit": "high",
        "tenant-from-client": "critical",
        "unchecked-room-join": "high",
        "except-addresses-everyone-else": "high",
        "rooms-are-a-union": "medium",
        "room-never-joined": "medium",
        "room-without-prefix": "low",
        "emit-to-client-chosen-target": "high",
        "one-socket-per-user": "low",
    },
    "transport": {
        "any-origin": "high",
        "origin-not-checked-on-upgrade": "medium",
        "origin-from-unset-environment": "medium",
        "polling-enabled": "low",
        "transports-differ": "low",
        "gateway-options-ignored": "medium",
        "io-adapter-missing": "medium",
        "no-payload-limit": "low",
    },
    "broker": {
        "consumer-not-a-controller": "high",
        "ack-without-manual-mode": "high",
        "never-acknowledged": "high",
        "requeue-loop": "high",
        "no-dead-letter": "medium",
        "shared-queue-broadcast": "medium",
        "transient-shared-queue": "medium",
        "not-settled-on-some-path": "high",
        "failure-acknowledged": "medium",
        "no-prefetch": "low",
    },
    "client": {
        "no-connect-error-handler": "medium",
        "retries-after-unauthorized": "medium",
        "reconnect-gives-up": "low",
        "socket-not-closed": "medium",
        "reconnects-on-render": "medium",
        "stale-token": "medium",
        "connects-without-token": "medium",
        "unbounded-store": "low",
        "socket-opened-on-import-or-render": "medium",
    },
    "module": {
        "module-not-imported": "high",
        "console-instead-of-logger": "low",
        "secret-without-configuration": "low",
        "coroutine-not-awaited": "high",
        "session-held-per-socket": "medium",
    },
}

SEVERITIES: dict[str, str] = {
    name: severity for rules in RULES.values() for name, severity in rules.items()
}

# These speak of a setting that is absent almost everywhere, or of what only a deployment shows.
# They are labelled where they stand out; a report without a label counts neither for nor against.
NOT_JUDGED: frozenset[str] = frozenset(
    {
        "expiry-ignored",
        "room-without-prefix",
        "origin-not-checked-on-upgrade",
        "polling-enabled",
        "transports-differ",
        "io-adapter-missing",
        "no-payload-limit",
        "no-prefetch",
        "retries-after-unauthorized",
        "console-instead-of-logger",
        "secret-without-configuration",
    }
)
