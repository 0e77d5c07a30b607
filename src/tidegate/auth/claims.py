"""Reading verified claims: by name or dotted path, as an identifier or as a date.

The signature says who wrote the claims, not that they make sense: an issuer's ``true`` or ``{}``
must not become the tenant "True" or "{}".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tidegate.errors import AuthError

__all__ = ["MAX_IDENTIFIER_LENGTH", "claim_at", "identifier_at", "numeric_date"]

MAX_IDENTIFIER_LENGTH = 256
"""Characters of a tenant, user or token id."""

_LAST_DATE = 253_402_300_799
"""9999-12-31T23:59:59Z. A date beyond it is one in milliseconds: a token for 50,000 years."""

_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def claim_at(claims: Mapping[str, Any], path: str) -> Any:
    """Return the claim at a name or dotted path, or ``None`` if there is none.

    An exact name wins over a path, at each level: ``https://example.com/tenant`` finds the claim
    of that name, ``app.tenant.id`` the ``id`` within ``tenant`` within ``app``, and
    ``https://example.com/claims.tenant`` the ``tenant`` within ``https://example.com/claims``.
    """
    if path in claims:
        return claims[path]
    end = path.rfind(".")
    while end != -1:
        inner = claims.get(path[:end])
        if isinstance(inner, Mapping):
            found = claim_at(inner, path[end + 1 :])
            if found is not None:
                return found
        end = path.rfind(".", 0, end)
    return None


def identifier_at(claims: Mapping[str, Any], path: str) -> str | None:
    """Return the identifier at ``path``: a string, or an integer written as one.

    ``None`` stands for a claim that is absent, null or empty.

    Raises:
        AuthError: ``token_invalid``: the claim has another type, more than
            ``MAX_IDENTIFIER_LENGTH`` characters, or control characters.
    """
    value = claim_at(claims, path)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise _invalid(f"its claim {path} is neither a string nor an integer")
    if len(value) > MAX_IDENTIFIER_LENGTH:
        raise _invalid(f"its claim {path} has more than {MAX_IDENTIFIER_LENGTH} characters")
    if _CONTROL_CHARACTER.search(value):
        raise _invalid(f"its claim {path} has control characters")
    return value


def numeric_date(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a date claim in Unix seconds, or ``None`` if it is absent.

    Raises:
        AuthError: ``token_invalid``: the claim is not a number, or beyond the year 9999.

    Source: RFC 7519, section 2, "NumericDate".
    """
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _invalid(f"its claim {name} is not a number")
    if not -_LAST_DATE <= value <= _LAST_DATE:  # false for NaN as well
        raise _invalid(f"its claim {name} is beyond the year 9999; is it in seconds?")
    return float(value)


def _invalid(reason: str) -> AuthError:
    # Which claim, and what is wrong with it, is the issuer's business and not the client's.
    return AuthError("token_invalid", "the token's claims are not valid", reason=reason)
