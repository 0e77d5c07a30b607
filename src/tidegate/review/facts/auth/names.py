"""Names of functions and values by which code verifies who somebody is."""

from __future__ import annotations

import re

from tidegate.review.source import Node

__all__ = ["is_deadline", "is_other", "verifies"]

_VERIFIES = re.compile(
    r"(?:jwt_?)?(?:verify|authenticate|authorize|introspect|decode)(?:[A-Z_]\w*|Async|d)?"
    r"|(?:jwt|token|session|auth|verify|validate|check|require|ensure|assert)_?(?:Verify|verify|Token|token"
    r"|Session|session|Auth|auth|Jwt|jwt|Cookie|cookie|Credentials|credentials|ApiKey|api_key|Login|login)\w*"
    r"|(?:get|find|load|fetch|extract|resolve|lookup|parse|read)\w*(?:From|from|By|by)_?"
    r"(?:Token|token|Jwt|jwt|Cookie|cookie|Auth|auth|Session|session)\w*"
    r"|(?:get|find|load|fetch|extract|resolve|lookup|read)_?(?:\w*(?:[uU]ser|[iI]dentity|[aA]ccount|[cC]laims|[pP]rincipal"
    r"|[tT]oken|[aA]uth|[mM]ember|[cC]urrent)\w*)?(?:From|from|By|by)_?(?:Socket|Client|Handshake|handshake|Ws|ws|scope)\w*"
    r"|(?:get|load)_?\w*(?:Session|Identity|_identity|Principal|CurrentUser|current_user)\w*"
    r"|current_user|is_?authenticated|isAuthenticated|is_anonymous|AnonymousUser|getServerSession"
    r"|\w*(?:auth|Auth|jwt|Jwt|token|Token)\w*(?:Middleware|middleware|Guard|guard|Verifier|verifier)\w*"
    r"|(?:validate|check|require|ensure|assert)_?(?:[A-Z]?[a-z]+_?){0,2}(?:[tT]oken|[jJ]wt|[aA]uth(?!or(?!i))|[cC]redentials|[cC]ookie)\w*"
    r"|is_?(?:[vV]alid|[vV]erified)_?\w*(?:[tT]oken|[jJ]wt|[sS]ession|[aA]uth)\w*|(?:is_?)?\w*(?:[tT]oken|[jJ]wt)_?(?:Is|is_)?[vV]alid"
    r"|(?:\w*_)?(?:user|User|identity|claims|payload)_?(?:From|from)_?(?:\w*_)?(?:Token|token|Jwt|jwt|Cookie|cookie|Session|session)\w*"
    r"|canActivate|validateUser|validate_user|verifier|unsign|identify|login_required\w*|passport"
)
_THINGS = re.compile(
    r"(?:verify|decode|authorize|check|validate|ensure|assert)\w*?_?(?:[vV]ideo|[iI]mage|[pP]hoto|[pP]icture|[fF]rame"
    r"|[aA]udio|[fF]iles?|[pP]ayment|[rR]eceipt|[pP]urchase|[eE]mail|[pP]hone|[cC]aptcha|[aA]nswer|[mM]ove"
    r"|[mM]essage|[pP]acket|[bB]ody|[sS]chema|[cC]hecksum|[oO]rder|[vV]ote|[bB]et|[jJ]son|JSON|[bB]ase64"
    r"|[bB]ytes|[cC]hunk|[uU]tf_?8|[tT]ext|URI(?:Component)?|Uri|URL|[uU]rl)",
)
"""Names that verify or decode something else than who somebody is."""
_DATABASE = re.compile(
    r"get_?(?:async_?|db_?|new_?)?session(?:_?local|_?maker)?|decode", re.IGNORECASE
)

_DEADLINE = re.compile(r"time_?out|deadline", re.IGNORECASE)


def is_deadline(name: str) -> bool:
    """Tell ``check_auth_timeout``, which ends who has not signed in, and verifies nobody."""
    return _DEADLINE.search(name) is not None


def verifies(name: str) -> bool:
    """Tell whether a name says that who somebody is gets verified, or was."""
    if _THINGS.fullmatch(name.lstrip("_#")):
        return False
    bare = re.sub(
        r"^[_#]*(?:(?:ws|socket|websocket|do|try|async|sync|handle)_?(?=[A-Z_a-z]))?", "", name
    )
    return any(
        _VERIFIES.fullmatch(each) for each in (name.lstrip("_#"), bare, bare[:1].lower() + bare[1:])
    )


def is_other(name: Node) -> bool:
    """Tell ``bytes.decode()`` and ``get_session()`` of a database from what they look like."""
    if is_deadline(name.text):
        return True
    if not _DATABASE.fullmatch(name.text):
        return False
    around = name.parent
    if name.text == "decode":
        path = around.text if around is not None else ""
        return re.search(r"jwt|jose|token", path, re.IGNORECASE) is None
    return name.file.is_python
