"""Names of secrets, and values that are none."""

from __future__ import annotations

import re

__all__ = [
    "has_password",
    "is_known_key",
    "is_no_secret",
    "is_secret_name",
    "looks_random",
    "snake",
]

_NAMES = re.compile(
    r"(?:\w+_)?(?:secret(?:_?key|_or_key|_or_private_key|_or_public_key)?|passw(?:or)?d|passphrase|pwd"
    r"|(?:api|signing|sign|private|encryption|bypass|hmac|jwt|master|auth)_?key)(?:_base)?"
)
_RANDOM_NAMES = re.compile(
    r"(?:\w+_)?(?:(?:access|api|auth|bearer|bot|service|admin|internal|secret|jwt|refresh|private|hmac)_"
    r"(?:\w+_)?(?:token|key)|(?:api|auth|access|bypass|license)key|token)"
)
_OTHERS = re.compile(
    r"(?:^|_)(?:reset|change|changed|forgot|forget|update|verify|confirm|new|old|current|invalid|wrong|incorrect"
    r"|missing|no|weak|show|toggle|generate|create|has|is|require|required|hide|enter|min|max|hash|hashed"
    r"|public|publishable|anon|cache|query|storage|primary|foreign|sort|partition|routing|lock|csrf"
    r"|header|cookie|field|label|placeholder|name|type|path|file|prefix|pattern|regex|url|uri|example)(?:_|$)"
)
_KNOWN = re.compile(
    r"-----BEGIN (?:\w+ )?PRIVATE KEY|\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bxox[abprs]-[\w-]{20,}|\bSG\.[\w-]{16,}\.[\w-]{16,}"
    r"|\b[sr]k_live_[A-Za-z0-9]{16,}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"
)
_URL = re.compile(
    r"(amqps?|rediss?|mongodb(?:\+srv)?|postgres(?:ql)?(?:\+\w+)?|mysql(?:\+\w+)?|nats|mqtts?|kafka)"
    r"://([^\s:@/]*):([^\s@/]+)@([^\s:/?]+)"
)
_LOCAL = ("localhost", "127.0.0.1", "::1", "host.docker.internal")


def snake(name: str) -> str:
    """Return a name in lower case with underscores: of ``jwtSecret``, ``JWT-SECRET``."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.strip("#_'\"`"))
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def is_secret_name(name: str, value: str) -> bool:
    """Tell whether what has this name is a secret; a token or a key must look like one."""
    name = snake(name)
    if _OTHERS.search(name):
        return False
    if _NAMES.fullmatch(name):
        return True
    return bool(_RANDOM_NAMES.fullmatch(name)) and looks_random(value)


def looks_random(value: str) -> bool:
    """Tell whether a person didn't make this up to be read."""
    if len(value) < 16 or not re.fullmatch(r"[\w+/=.!@#$%^&*~-]+", value):
        return False
    return len(re.findall(r"\d", value)) >= 3 and bool(re.search(r"[A-Za-z]", value))


def is_no_secret(name: str, value: str) -> bool:
    """Tell whether a value under a secret's name is something else: a name, a path, a text."""
    if not value.strip() or re.search(r"[<>{}]|\$\{|%s|\s", value):
        return True
    if re.fullmatch(
        r"(.)\1*|[xX*.\-]+|null|undefined|none|string|text|true|false|any", value, re.I
    ):
        return value not in ("1", "a") and not value.isdigit()
    if re.match(
        r"https?://|wss?://|[./~]|x-[a-z]|(?:bearer|basic|authorization)$|\w+:/", value, re.I
    ):
        return True
    if re.search(r"\.(?:pem|key|crt|cert|json|txt|env|ya?ml)$", value):
        return True
    if re.fullmatch(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[a-z]+(?:\.[a-zA-Z_]+)+", value):
        return True  # the name of a variable of the environment, the path of a setting
    return snake(value) == snake(name)


def is_known_key(value: str) -> bool:
    """Tell whether a text is a key or a token by its form alone."""
    return bool(_KNOWN.search(value)) and not re.search(
        r"x{6}|\.\.\.|EXAMPLE", value, re.IGNORECASE
    )


def has_password(value: str) -> bool | None:
    """Tell whether an address has a password in it; None if it is a default of its broker.

    RabbitMQ lets ``guest`` in from its own machine only, so that its password is no secret there.
    """
    match = _URL.match(value)
    if match is None or " " in value:
        return False
    scheme, user, password, host = match.groups()
    if re.search(r"[<>{}$%*]|x{3}|^\W+$", user + password, re.IGNORECASE):
        return False
    is_local = host in _LOCAL
    if {user, password} == {"guest"}:
        return False if is_local else None
    if (
        is_local
        and not scheme.startswith("amqp")
        and password in (user, "root", "password", "example")
    ):
        return None
    return True
