"""Where a literal stands that may be a secret: what it is set to, given to, or compared with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tidegate.review.source import Call, Node

__all__ = ["Place", "place_of"]

_WRAPPERS = frozenset(
    {
        *(
            "as_expression",
            "parenthesized_expression",
            "non_null_expression",
            "satisfies_expression",
        ),
        *("concatenated_string",),
    }
)

_TAKERS = frozenset(
    {
        *("verify", "sign", "decode", "encode", "createHmac", "new", "cookieParser"),
        *("URLSafeTimedSerializer", "PlainCredentials", "getenv", "get", "getOrThrow", "config"),
        *("env", "str", "getEnv", "get_env"),
    }
)

Role = Literal["key", "named", "fallback", "compared"]


@dataclass(frozen=True, eq=False)
class Place:
    """Where a literal stands.

    Attributes:
        role: ``key`` for what surely is a secret, whatever its name; ``fallback`` where a variable
            of the environment is not set.
        name: Of what it is set to, or of the variable.
        whole: What a lookup in the environment would replace.
    """

    role: Role
    name: str
    whole: Node


def place_of(node: Node) -> Place | None:
    """Return where a literal stands; None if it is none of these places."""
    current, parent = node, node.parent
    is_fallback, name = False, ""
    for _ in range(8):
        if parent is None:
            return None
        kind = parent.kind
        if kind in ("binary_expression", "boolean_operator"):
            operator = parent.field("operator")
            sign = operator.text if operator is not None else ""
            left = parent.field("left")
            if sign in ("===", "==", "!==", "!="):
                return _compared(current, parent)
            if sign not in ("||", "??", "or") or left is None or left == current:
                return None
            is_fallback, name = True, _looked_up(left) or name
        elif kind == "comparison_operator":
            return _compared(current, parent)
        elif kind in ("arguments", "argument_list"):
            return _given(Call(parent.parent), current) if parent.parent is not None else None
        elif kind in _WRAPPERS or kind == "ternary_expression":
            pass
        else:
            role: Role = "fallback" if is_fallback else "named"
            named = _named(current, parent)
            if named is None and not (is_fallback and name):
                return None
            if named is not None and (named.role == "key" or named.whole != current):
                return Place(named.role, named.name, named.whole)
            return Place(role, name or (named.name if named else ""), current)
        current, parent = parent, parent.parent
    return None


def _named(node: Node, parent: Node) -> Place | None:
    """Return the place of a value that something is set to."""
    kind = parent.kind
    if kind in ("pair", "keyword_argument"):
        key = parent.field("key") or parent.field("name")
        if key is None or parent.field("value") != node:
            return None
        name = key.string or key.text
        if _is_user_of_basic_auth(parent):
            return Place("key", "ADMIN_PASSWORD", node)
        around = parent.parent.parent if kind == "keyword_argument" and parent.parent else None
        if around is not None and name == "default" and (looked := _looked_up(around)):
            return Place("fallback", looked, around)
        return Place("key" if _is_key_option(parent, name) else "named", name, node)
    if kind in ("variable_declarator", "assignment", "assignment_expression"):
        left = parent.field("name") or parent.field("left")
        right = parent.field("value") or parent.field("right")
        if left is None or right != node:
            return None
        name = _last(left)
        is_flask = re.fullmatch(
            r"(?:\w+\.)?(?:config\[['\"]SECRET_KEY['\"]\]|secret_key)", left.text
        )
        return Place("key" if is_flask else "named", name, node)
    if kind in ("public_field_definition", "field_definition"):
        key = parent.field("name") or parent.field("property")
        return Place("named", key.text, node) if key is not None else None
    if kind in (
        "required_parameter",
        "optional_parameter",
        "default_parameter",
        "typed_default_parameter",
    ):
        key = parent.field("pattern") or parent.field("name")
        return Place("named", key.text, node) if key is not None else None
    if kind in (
        "object_assignment_pattern",
        "assignment_pattern",
    ):  # { JWT_SECRET = 'x' } = process.env
        key = parent.field("left")
        return Place("fallback", key.text, node) if key is not None else None
    return None


def _is_user_of_basic_auth(pair: Node) -> bool:
    """Tell a password by its user's name: ``basicAuth({ users: { admin: '…' } })``."""
    holder = pair.parent
    outer = holder.parent if holder is not None else None
    if outer is None or outer.kind not in ("pair", "keyword_argument"):
        return False
    key = outer.field("key") or outer.field("name")
    around = outer.enclosing("call_expression", "call")
    if key is None or key.text.strip("'\"") != "users" or around is None:
        return False
    return re.search(r"basic_?auth", Call(around).path, re.IGNORECASE) is not None


def _is_key_option(pair: Node, name: str) -> bool:
    """Tell whether an option is a key for sure: of the JWT module, a strategy, a session."""
    if name in ("secretOrKey", "secretOrPrivateKey"):
        return True
    if name != "secret":
        return False
    for around in pair.ancestors():
        if around.kind in ("call_expression", "new_expression"):
            call = Call(around)
            return bool(
                re.search(
                    r"JwtModule\.|[vV]erify|\.sign(?:Async)?$|^session$|authorize$|authenticate$|JwtStrategy|^super$"
                    r"|^jwt$|expressjwt|getToken$",
                    call.path,
                )
            )
    return False


def _given(call: Call, node: Node) -> Place | None:
    """Return the place of an argument: the key of a signature, the default of a setting."""
    if call.name not in _TAKERS:
        return None
    args = call.args
    position = next((index for index, arg in enumerate(args) if arg == node), None)
    if position is None:
        return None
    path = call.path
    if position == 1 and re.search(
        r"(?:^|\.)(?:jwt|jsonwebtoken|jose|JWT|pyjwt)\.(?:verify|sign|decode|encode)$", path
    ):
        return Place("key", "JWT_SECRET", node)
    if position == 1 and re.search(r"(?:^|\.)createHmac$", path):
        return Place("key", "HMAC_SECRET", node)
    if position == 0 and path == "hmac.new":
        return Place("key", "HMAC_SECRET", node)
    if position == 0 and path in (
        "cookieParser",
        "itsdangerous.URLSafeTimedSerializer",
        "URLSafeTimedSerializer",
    ):
        return Place("key", "COOKIE_SECRET", node)
    if position == 1 and call.name == "PlainCredentials":
        is_guest = node.string == "guest"
        return None if is_guest else Place("key", "RABBITMQ_PASSWORD", node)
    if position == 0 and call.name == "encode" and "TextEncoder" in path:
        around = call.node.enclosing("call_expression", "variable_declarator")
        is_key = around is not None and re.search(
            r"jwtVerify|secret|key", around.text.partition("(")[0], re.I
        )
        return Place("key", "JWT_SECRET", node) if is_key else None
    looked = _looked_up(call.node)
    if position == 1 and looked:
        return Place("fallback", looked, call.node)
    return None


def _looked_up(node: Node) -> str:
    """Return the name of the variable or the setting that an expression reads; else nothing."""
    while node.kind in (*_WRAPPERS, "await_expression", "await") and node.children:
        node = node.children[0]
    if node.kind in ("call_expression", "call"):
        call = Call(node)
        first = call.args[0].string if call.args else None
        is_lookup = re.search(
            r"(?:^|\.)(?:getenv|environ\.get|[cC]onfig(?:[sS]ervice)?\.get(?:OrThrow)?|config|env|env\.str|env\.get"
            r"|settings\.get|getEnv|get_env)$",
            call.path,
        )
        return first.rsplit(".", 1)[-1] if is_lookup and first else ""
    match = re.search(
        r"(?:process|meta|Deno|Bun)\.env(?:\.(\w+)|\[['\"](\w+)['\"]\])!?$", node.text
    )
    if match:
        return match[1] or match[2]
    match = re.search(r"environ\[['\"](\w+)['\"]\]$|(?:config|settings|env)\??\.(\w+)$", node.text)
    return (match[1] or match[2]) if match else ""


def _compared(node: Node, comparison: Node) -> Place | None:
    others = [each for each in comparison.children if each != node]
    if len(others) != 1 or others[0].kind in ("string", "unary_expression"):
        return None
    name = _last(others[0])
    value = node.string or ""
    if len(value) < 4 or value in ("undefined", "null", "password", "string", "object", "number"):
        return None
    return Place("compared", name, node) if name else None


def _last(node: Node) -> str:
    if node.kind in ("subscript", "subscript_expression"):
        index = node.field("subscript") or node.field("index")
        return (index.string or "") if index is not None else ""
    match = re.search(r"(#?\w+)!?$", node.text)
    return match[1] if match else ""
