"""Pages whose users are signed in, and sockets that tell the server nothing of it."""

from __future__ import annotations

import os
import re

from tidegate.review.discover import read
from tidegate.review.facts.client.sockets import openings_of, package_of
from tidegate.review.facts.client.tokens import is_guarded, origin
from tidegate.review.model import ClientSocket, Model
from tidegate.review.source import Call, Node

__all__ = [
    "auth_is_no_proof",
    "is_addressed_by_user",
    "names_itself",
    "query_is_no_proof",
    "requests_carry_token",
    "says_no_token",
    "sends_token_later",
]

_BEARER = re.compile(
    rb"""\bauthorization['"]?\s*\]?\s*[:=]\s*[^;\n]{0,80}?[`'"]Bearer |\bsetAuthorization\w*\("""
    rb"""|['"]x-(?:access|auth)-token['"]\s*\]?\s*[:=](?!=)"""
    rb"""|headers\.set\(\s*['"]authorization['"]\s*,\s*[`'"]Bearer """,
    re.IGNORECASE,
)
_STORED = re.compile(
    rb"(?:local|session)Storage|AsyncStorage|SecureStore|[cC]ookies?\b|store|getState|[sS]ession"
    rb"|\(\s*\{[^()]{0,200}\btoken\b[^()]{0,80}\}\s*\)"
)
_CODE = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".vue", ".svelte")
_LOGIN = re.compile(
    r"user|auth|login|register|identif|online|setup|connect|join|add|init|subscribe", re.IGNORECASE
)
_KNOWN = re.compile(
    r"\b(?:user|currentUser|authUser|loggedInUser)\b[^=;\n]*=\s*(?:use[A-Z]\w*|\w+State)\("
)
"""A page that has its user from a hook: ``const { user } = useAuth()``."""
_CLAIM = re.compile(
    r"['\"]?(?:(?:current_?)?user(?:_?(?:id|name|type|role))?|uid|id|_id|role|name|device\w*|platform"
    r"|email)['\"]?",
    re.IGNORECASE,
)
_USER_NAME = re.compile(r"(?:user|profile|account|member)\w*?(?:\?\.|_)?_?id$", re.IGNORECASE)
_USER = re.compile(
    r"\b(?:user|currentUser|authUser|me|profile|account|userInfo|userInfos|loggedInUser)\b"
    r"|\b(?:userId|user_id|username|uid)\b",
    re.IGNORECASE,
)


def requests_carry_token(model: Model, client: ClientSocket) -> bool:
    """Tell whether requests of a client's package carry a bearer token that it keeps."""
    package = package_of(model, client.file)
    key = f"bearer {package}"
    if key not in model.found:
        model.found[key] = any(
            _carries_token(model, name)
            for name in sorted(model.project.names)
            if name.endswith(_CODE) and (not package or name.startswith(f"{package}/"))
        )
    return bool(model.found[key])


def sends_token_later(client: ClientSocket) -> bool:
    """Tell whether an event of the client's file takes a token to the server."""
    return any(
        call.name in ("emit", "send", "emitWithAck")
        and any(re.search(r"token|jwt", arg.text, re.IGNORECASE) for arg in call.args)
        for call in client.file.calls
    )


def _carries_token(model: Model, name: str) -> bool:
    if re.search(r"(?:^|/)(?:tests?|__tests__|node_modules|dist|build)/|\.(?:test|spec)\.", name):
        return False
    data = read(model.project.root / name, name, [])
    if data is None or not (b"earer" in data or b"x-a" in data):
        return False
    is_server = os.path.basename(name).endswith((".guard.ts", ".middleware.ts", ".strategy.ts"))
    return not is_server and bool(_BEARER.search(data)) and bool(_STORED.search(data))


def names_itself(model: Model, client: ClientSocket) -> bool:
    """Tell whether a page connects for a user, and an event or the query says who.

    To its own origin a page sends the cookie of its session without being asked.
    """
    if client.url is None or (client.url.string or "").startswith("/"):
        return False
    if (
        not _KNOWN.search(client.file.text)
        and not is_guarded(client.call.node, client.call)
        and not any(is_guarded(client.call.node, each.call) for each in openings_of(model, client))
    ):
        return False
    given = (_query(model, client), (client.options or {}).get("auth"))
    if any(each is not None and each.kind == "object" and _is_user(each) for each in given):
        return True
    return any(_says_who(call) for call in client.file.calls if call.name == "emit")


def query_is_no_proof(model: Model, client: ClientSocket) -> bool:
    """Tell whether a socket's query only names the user, a role or a device: all may be made up."""
    query = _query(model, client)
    if query is None:
        return False
    if query.kind == "call_expression":  # config.queryOf(user)
        is_silent = not re.search(r"token|jwt|secret|ticket", client.file.text, re.IGNORECASE)
        return is_silent and any(_is_user(arg) for arg in Call(query).args)
    return query.kind == "object" and _is_all_claims(query)


def auth_is_no_proof(client: ClientSocket) -> bool:
    """Tell whether ``auth`` only names the user, which anybody may do."""
    auth = (client.options or {}).get("auth")
    return auth is not None and auth.kind == "object" and _is_all_claims(auth)


def _is_all_claims(query: Node) -> bool:
    pairs = query.pairs()
    return bool(pairs) and all(_CLAIM.fullmatch(key) for key in pairs)


def _query(model: Model, client: ClientSocket) -> Node | None:
    query = (client.options or {}).get("query")
    if query is None or query.kind in ("object", "call_expression"):
        return query
    value = origin(query)
    return value if value != query else model.project.value(query)


def says_no_token(client: ClientSocket) -> bool:
    """Tell a plain WebSocket whose file knows of no token, nor of a cookie."""
    if client.url is None or len(client.call.args) > 1:
        return False  # a second argument may be a token, as a protocol
    known = r"token|jwt|ticket|[?&]auth|cookie|credential"
    return re.search(known, client.file.text, re.IGNORECASE) is None


def is_addressed_by_user(client: ClientSocket) -> bool:
    """Tell a plain WebSocket whose address names the user."""
    if client.url is None:
        return False
    address = origin(client.url)
    return address.kind == "template_string" and any(
        _is_user(each) or bool(_USER_NAME.search(each.text))
        for part in address.find("template_substitution")
        for each in part.children[:1]
    )


def _says_who(call: Call) -> bool:
    event = call.args[0].string if len(call.args) > 1 else None
    if event is None or not _LOGIN.search(event):
        return False
    return any(_is_user(arg) for arg in call.args[1:])


def _is_user(value: Node) -> bool:
    if value.kind == "object":
        return any(_is_user(each) for each in value.pairs().values())
    is_plain = value.kind in ("identifier", "member_expression", "shorthand_property_identifier")
    return is_plain and _USER.search(value.text) is not None
