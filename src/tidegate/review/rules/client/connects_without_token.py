"""``connects-without-token``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.client import indented, with_option
from tidegate.review.facts.client.signed_in_pages import (
    auth_is_no_proof,
    is_addressed_by_user,
    names_itself,
    query_is_no_proof,
    requests_carry_token,
    says_no_token,
    sends_token_later,
)
from tidegate.review.facts.client.sockets import is_page, judged, openings_of
from tidegate.review.facts.client.tokens import (
    SentToken,
    is_constant,
    is_given_later,
    is_guarded,
    may_be_missing,
    origin,
    sent_tokens,
)
from tidegate.review.fix import Fix, inserted_before, line_after, suggested
from tidegate.review.model import ClientSocket, Function, Model
from tidegate.review.model.client_sockets import Opening
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

RULE = Rule(
    name="connects-without-token",
    topic="client",
    severity="medium",
    languages=("typescript", "tsx"),
    summary="A client connects although it has no token, or sends none to a server that wants one.",
    why=(
        "The server refuses, and a client that was refused doesn't try again by itself: whoever "
        "signs in afterwards gets nothing until the page is loaded anew. Where a server lets "
        "such clients in, they stay strangers with an open connection."
    ),
    remedy="Connect when there is a token: return early in the effect if there is none.",
    examples=(
        Example(
            "tsx",
            bad="""\
import { useEffect } from 'react';
import { io } from 'socket.io-client';

export function useOrders(url: string, token: string | null) {
  useEffect(() => {
    const socket = io(url, { auth: (send) => send({ token }) });
    return () => {
      socket.disconnect();
    };
  }, [url, token]);
}
""",
            good="""\
import { useEffect } from 'react';
import { io } from 'socket.io-client';

export function useOrders(url: string, token: string | null) {
  useEffect(() => {
    if (!token) return;
    const socket = io(url, { auth: (send) => send({ token }) });
    return () => {
      socket.disconnect();
    };
  }, [url, token]);
}
""",
        ),
        Example(
            "typescript",
            bad="""\
import { io } from 'socket.io-client';

export const socket = io('https://api.example.com', {
  auth: (send) => send({ token: localStorage.getItem('token') }),
});
""",
            good="""\
import { io } from 'socket.io-client';

export const socket = io('https://api.example.com', {
  autoConnect: false,
  auth: (send) => send({ token: localStorage.getItem('token') }),
});

export function signedIn() {
  socket.connect();
}
""",
        ),
    ),
)

_SEND = "Send the user's token in `auth`, by a function that runs at each connect."
_WANTS = re.compile(r"handshake\??\.(?:auth|query|headers\??\.authorization)\b|handshake\s*;")
_LOOKS = re.compile(r"handshake|cookie|verif|authenticat|allowRequest|session|token", re.IGNORECASE)
_OTHERWISE = re.compile(r"cookie|request\.session|passport", re.IGNORECASE)
_REFUSES = re.compile(r"next\(\s*new\s|next\(\s*\w*[eE]rr|\.disconnect\(|\bthrow\b")
_MAY_BE_STRANGERS = re.compile(
    r"if\s*\(\s*\w*token\w*\s*\)"
    r"|if\s*\(\s*!\s*\w*token\w*\s*\)\s*\{?\s*(?:return\s+)?next\(\s*\)"
    r"|anonym|guest",
    re.IGNORECASE,
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at the token that is sent, then at servers of the project that want one."""
    wanted = None
    for client in judged(model, plain=True):
        options = client.options or {}
        tokens = list(sent_tokens(model, client))
        for token in tokens:
            finding = _missing(model, client, token)
            if finding is not None:
                yield finding
                break
        if tokens or "..." in options or not is_page(model, client.file):
            continue
        if client.kind == "websocket":
            yield from _plain(model, client)
            continue
        if wanted is None:
            wanted = _wanted_by_servers(model)
        if _namespace(client) in wanted and _sends_nothing(model, client):
            yield RULE.fault(
                client.call.node,
                "The server of this project wants a token in `auth`; this client sends none.",
                remedy=_SEND,
                confidence="likely",
                fix=_with_token(client),
            )
        elif not _servers_decide(model) and _proves_nothing(model, client):
            message = _signed_in(model, client)
            if message:
                yield RULE.fault(
                    client.call.node,
                    message,
                    remedy=_SEND,
                    confidence="likely",
                    fix=_with_token(client),
                )


def _plain(model: Model, client: ClientSocket) -> Iterator[Finding]:
    """Look at a plain WebSocket of a page whose requests carry a token."""
    if _has_servers(model) or not says_no_token(client) or not _is_personal(client):
        return
    if requests_carry_token(model, client):
        yield RULE.fault(
            client.call.node,
            f"Requests of this application carry a token; this socket {_says(client)}.",
            remedy="Send a token that the server checks: in the first message, or a short-lived "
            "ticket in the address.",
            confidence="likely",
        )


def _is_personal(client: ClientSocket) -> bool:
    """Tell a socket of a user, or the one of the whole application, from a feed of its own."""
    url = client.url
    if url is None or is_addressed_by_user(client):
        return url is not None
    return url.kind == "identifier" and origin(url).kind not in ("template_string", "string")


def _says(client: ClientSocket) -> str:
    return "only names the user" if is_addressed_by_user(client) else "carries none"


def _proves_nothing(model: Model, client: ClientSocket) -> bool:
    """Tell whether a client sends nothing, or a query that anybody may write."""
    apart = {"query"} if query_is_no_proof(model, client) else set[str]()
    return _sends_nothing(model, client, apart | ({"auth"} if auth_is_no_proof(client) else set()))


def _signed_in(model: Model, client: ClientSocket) -> str:
    """Return what tells that users are signed in, of whom the socket says nothing."""
    if sends_token_later(client):
        return ""
    if not _has_servers(model) and names_itself(model, client):
        return "This connects without a token; that it names the user proves nothing."
    if requests_carry_token(model, client):
        return "Requests of this application carry a token; this socket carries none."
    return ""


def _servers_decide(model: Model) -> bool:
    """Tell whether a server of this project looks at who connects: then it tells what it wants."""
    if not _has_servers(model):
        return False
    texts = [each.call.node.text for each in model.servers]
    for gateway in model.gateways:
        for handler in gateway.of_kind("connect", "message"):
            texts += [each.node.text for each in model.project.reach(handler.function)[:12]]
    return any(_LOOKS.search(text) for text in texts) or bool(model.middlewares)


def _has_servers(model: Model) -> bool:
    """Tell whether the server is here: then it tells whether strangers are meant."""
    return bool(model.servers) or any(
        each.framework not in ("websocket", "channels") for each in model.gateways
    )


def _with_token(client: ClientSocket) -> Fix | None:
    """Return the socket with a token that is read at each connect."""
    now = "getToken() /* to be written: returns the token of now */"
    edit = with_option(client, "auth", f"(send) => send({{ token: {now} }})")
    return suggested(edit) if edit is not None else None


def _missing(model: Model, client: ClientSocket, token: SentToken) -> Finding | None:
    connects = (client.options or {}).get("autoConnect")
    if connects is not None and connects.text != "true":
        return None
    if is_constant(model, token.value) or not may_be_missing(token.value):
        return None
    if is_guarded(token.value, client.call):
        return None
    openings = openings_of(model, client)
    for opening in openings:
        if opening.call is not client.call and is_guarded(token.value, opening.call):
            return None
    first = next((each for each in openings if each.place in ("import", "effect", "render")), None)
    if first is None:
        return RULE.could_not_tell(token.value, "Who connects may have asked for the token before.")
    if first.place == "import" and not is_page(model, client.file):
        return None
    if first.place == "import" and client.kind == "websocket":
        fix = None
    else:
        fix = _fix(client, first, token)
    message = "Nothing asks whether there is a token before this connects."
    return RULE.fault(token.value, message, fix=fix)


def _fix(client: ClientSocket, opening: Opening, token: SentToken) -> Fix | None:
    if opening.place == "import":
        edit = with_option(client, "autoConnect", "false")
        return suggested(edit) if edit is not None else None
    effect = opening.effect
    match = re.match(r"[A-Za-z_$][\w$?.]*", token.value.text)
    if effect is None or match is None or "(" in token.value.text:
        return None
    check = f"if (!{match[0]}) return;"
    source = origin(token.value)
    holder = source.parent
    if source != token.value and holder is not None and source.function == effect.body:
        return suggested(line_after(holder, check))
    body = effect.body.field("body")
    if body is None or not body.children or body.kind != "statement_block":
        return None
    first = body.children[0]
    return suggested(inserted_before(first, f"{check}\n{indented(first)}"))


# Servers of the same project


def _wanted_by_servers(model: Model) -> set[str]:
    """Return the namespaces whose servers refuse who sends no token in ``auth``."""
    wanted: set[str] = set()
    for middleware in model.middlewares:
        if middleware.function is not None and _demands(model, middleware.function):
            wanted.add(middleware.namespace or "/")
    for gateway in model.gateways:
        for handler in gateway.of_kind("connect"):
            if gateway.framework in ("nest", "socket.io") and _demands(model, handler.function):
                wanted.add(gateway.namespace or "/")
    return wanted


def _demands(model: Model, function: Function) -> bool:
    text = "\n".join(each.node.text for each in model.project.reach(function)[:12])
    if not _WANTS.search(text) or not _REFUSES.search(text):
        return False
    return not _OTHERWISE.search(text) and not _MAY_BE_STRANGERS.search(text)


def _namespace(client: ClientSocket) -> str:
    """Return the namespace of a client's address; the main one if the address is not literal."""
    if client.url is None:
        return "/"
    text = client.url.text.strip("'\"`")
    match = re.fullmatch(r"(?:\w+://[^/]+|\$\{[^}]*\})?(/[\w/-]+)/?", text)
    return match[1] if match else "/"


def _sends_nothing(model: Model, client: ClientSocket, apart: Set[str] = frozenset()) -> bool:
    options = client.options or {}
    sends = {"auth", "query", "extraHeaders", "withCredentials", "transportOptions"} - apart
    if sends & set(options) or is_given_later(model, client):
        return False
    url = client.url
    if url is not None and (url.kind == "identifier" or re.search(r"\?|token", url.text)):
        return _is_address(model, url)
    return True


def _is_address(model: Model, url: Node) -> bool:
    value = model.project.value(url) or url
    return value.kind != "identifier" and not re.search(r"\?\w+=|token", value.text, re.IGNORECASE)
