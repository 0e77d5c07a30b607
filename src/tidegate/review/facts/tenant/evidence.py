"""Whether a condition, or a call that may throw, shows the right to what the client names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tidegate.review.facts.tenant.deciding import atoms
from tidegate.review.facts.tenant.expressions import entries, inner, names_in, path_of, words_of
from tidegate.review.facts.tenant.flow import Flow
from tidegate.review.model import Function
from tidegate.review.source import Call, Node

__all__ = ["RIGHT", "Answer", "Question", "has_identity", "is_right", "proves", "throws"]

Answer = Literal["yes", "no", "unknown"]

RIGHT = re.compile(
    r"member|participa|access|permi|allow|authori[sz]|belong|(?:^|_)owns?(?:_|er|$)|(?:^|_)can(?:_|$)|privileg"
    r"|forbid|forbidden|polic(?:y|ies)|(?:^|_)roles?(?:_|$)|entitle|eligib|(?:^|_)acl(?:_|$)|grant|(?:^|_)may_|enrol"
    r"|subscribed|assigned|is_in_|(?:^|_)guard|is_admin|is_moderator|is_staff|invited|(?:^|_)deny|denied|is_friend"
    r"|are_friends|blocked"
)
_ASSERTS = re.compile(
    r"^(?:assert|ensure|check|verify|require|authorize|authorise|validate|enforce|must|throw|guard|deny|raise|reject)"
)
_CHANGES = re.compile(
    r"^(?:add|remove|push|update|create|set|join|emit|leave|broadcast|notify|count|delete|save|store|insert|register"
    r"|send|to|in|get_members|list|mark|append|log|info|debug|warn|error|on|print)(?:_|$)(?!.*(?:or_throw|or_fail|or_404))"
)
_IDENTITY = re.compile(
    r"user|account|identity|claim|principal|profile|(?:^|[_.])session(?!_?id)|(?:^|[_.])sub$|uid|auth|decoded|tenant"
    r"|(?:^|[_.])org(?:_|$|ani)|company|customer|(?:^|[_.])me$|role|admin|employee|(?:socket|client)\.data"
    r"|(?:client|self|socket)\.\w*(?:id|name|email)$|sender|member_id|profile_id|(?:^|[_.])sid$"
)
_NO_IDENTITY = re.compile(
    r"users(?:$|\.)|accounts$|sockets?_?map|sockets$|connections|auth_?service|"
    r"(?:socket|client)\.id$|user_?service|users?_?repo|user_?map|user_?model"
)
_OURS = re.compile(
    r"allow|valid|permitt|public|joined|subscri|(?:^|_)(?:my|own)(?:_|$)|author|whitelist|member"
)
_REFUSES = re.compile(
    r"forbid|unauthor|denied|permission|member|access|allowed|owner|participant|not in",
    re.I,
)
_OWN_ROOMS = re.compile(
    r"(?:socket|client|self|user|session|(?:^|_)ws|conn|connection)_?(?:data_)?\w*rooms"
    r"|(?:^|_)rooms_sid|get_rooms"
)
_WRITES = re.compile(r"insert|upsert|update")
_IDS = re.compile(r"(?:room|chat|team|group|channel|conversation|board|project)_?id$")
_SECRETS = re.compile(r"secret|password|passcode|(?:api|access|license)_?key|(?:^|_)pin$|signature")
_COMPARES = re.compile(
    r"compare(?:_digest|Sync)?|timingSafeEqual|checkpw|(?:check|verify)_?(?:password|secret|hash)|verify"
)
_COMPARISONS = ("binary_expression", "comparison_operator")


@dataclass(frozen=True)
class Question:
    """What is asked in one function.

    Attributes:
        labels: What the values are called that name the room or the user.
    """

    flow: Flow
    labels: frozenset[str]

    def is_named_by(self, node: Node) -> bool:
        """Tell whether an expression is one of these values, not another of the client's."""
        return any(each.label in self.labels for each in self.flow.sent(node))


def is_right(name: str) -> bool:
    """Tell whether a function's name asks for a right."""
    words = words_of(name)
    return RIGHT.search(words) is not None and _CHANGES.match(words) is None


def proves(asked: Question, atom: Node, is_true: bool, depth: int) -> Answer:
    """Tell whether a part of a condition shows the right."""
    atom = inner(atom)
    if atom.kind in _COMPARISONS and len(atom.children) == 2:
        return _compares(asked, atom, is_true, depth)
    if atom.kind in ("call_expression", "call"):
        return _asks(asked, Call(atom), is_true, depth)
    path = path_of(atom)
    if path is None or depth > 3:
        return "no"
    if is_right(path.split(".")[-1]) and depth == 0 and not asked.flow.is_sent(path):
        return "yes"  # a flag of ours, such as isMember
    answer: Answer = "no"
    head = path.split(".")[0]
    for name in dict.fromkeys((path, head)):
        for each in asked.flow.set_from.get(name, ()):
            for part, _ in atoms(each, holds=True):
                found = proves(asked, part, True, depth + 1) if part != atom else "no"
                if found == "yes":
                    return "yes"
                answer = "unknown" if found == "unknown" else answer
    return answer


def _compares(asked: Question, node: Node, is_true: bool, depth: int) -> Answer:
    left, right = node.children
    operator = _operator(node)
    if operator in ("in", "not in"):
        return _contains(asked, right, left)
    if any(_is_nothing(side) for side in (left, right)):
        other = right if _is_nothing(left) else left
        return proves(asked, other, True, depth)
    if left.string is not None or right.string is not None:
        if any(_is_role(asked, side) for side in (left, right)):
            return "yes"
        # a room of a fixed name
        fixed = (operator in ("==", "===")) == is_true
        return "yes" if fixed and (asked.is_named_by(left) or asked.is_named_by(right)) else "no"
    if re.search(r"[<>]", operator):
        return proves(asked, left, True, depth)
    equal = (operator in ("==", "===", "is")) == is_true
    if equal and (_is_secret_of(asked, left, right) or _is_secret_of(asked, right, left)):
        return "yes"
    if equal and asked.flow.mentions(node) and has_identity(asked.flow, node):
        return "yes"
    return "no"


def _is_secret_of(asked: Question, given: Node, kept: Node) -> bool:
    """Tell whether the client knows a secret of what it names: ``tenant.secret == secret``."""
    if not any(_SECRETS.search(each.label) for each in asked.flow.sent(given)):
        return False
    if asked.flow.sent(kept):
        return False
    heads = {path.split(".")[0] for path in names_in(kept)}
    made = (each for head in heads for each in asked.flow.set_from.get(head, ()))
    given_to = (arg for each in made for call in each.calls() for arg in _given_to(call))
    return any(asked.is_named_by(value) for arg in given_to for value in entries(arg))


def _given_to(call: Call) -> list[Node]:
    return [*call.args, *call.keywords.values()]


def _is_role(asked: Question, node: Node) -> bool:
    """Tell the role of the verified user, which says what it may do: ``user.role``."""
    path = path_of(node)
    if path is None or asked.flow.is_sent(path):
        return False
    return re.search(r"(?:^|_)(?:user_?)?(?:roles?|is_admin|is_staff)$", words_of(path)) is not None


def _operator(node: Node) -> str:
    operator = node.raw.field("operator")
    if operator is not None:
        return operator.text()
    left, right = node.children
    text = node.file.text[left.end : right.start]
    return re.sub(r"\s+", " ", text).strip()


def _is_nothing(node: Node) -> bool:
    return (
        node.kind in ("null", "undefined", "none", "true", "false", "number", "integer")
        or node.text in (*("undefined", "None", "True", "False", "''", '""'),)
        or node.text.startswith("typeof ")
        or (node.string in ("", "string", "object"))
    )


def _asks(asked: Question, call: Call, is_true: bool, depth: int) -> Answer:
    """Tell whether a call's answer shows the right."""
    if (
        call.name in ("includes", "has", "contains", "sismember", "indexOf", "some", "find")
        and call.receiver is not None
        and call.args
    ):
        if not is_true and _OWN_ROOMS.search(words_of(call.receiver.text)):
            return "no"  # that the socket isn't in the room yet
        found = _contains(asked, call.receiver, call.args[-1])
        if found != "no":
            return found
    if call.name in ("Boolean", "bool", "any", "all", "len") and call.args:
        return proves(asked, call.args[0], True, depth + 1)
    if is_true and _COMPARES.fullmatch(call.name) and len(call.args) > 1:
        one, other = call.args[:2]
        if _is_secret_of(asked, one, other) or _is_secret_of(asked, other, one):
            return "yes"
    if call.name in ("isArray", "isinstance", "has", "test", "trim"):
        return "no"
    if call.name == "startsWith" and not has_identity(asked.flow, call.node):
        return "no"
    if not asked.flow.mentions(call.node):
        return "no"
    if is_right(call.name):
        return "yes"
    if _CHANGES.match(words_of(call.name)) and call.name not in ("get", "in"):
        target = asked.flow.project.target(call, asked.flow.function)
        return (
            "yes"
            if target is not None
            and _callee_checks(asked, target)
            and has_identity(asked.flow, call.node)
            else "no"
        )
    if has_identity(asked.flow, call.node):
        if any(_WRITES.fullmatch(each.name) for each in (call, *call.chain())):
            return "no"  # that something was stored
        if _asks_for_another(asked, call):
            return "no"
        target = asked.flow.project.target(call, asked.flow.function)
        if target is None:
            return "yes"
        return "yes" if _callee_checks(asked, target) or _queries(target) else "unknown"
    return "no"


def _asks_for_another(asked: Question, call: Call) -> bool:
    """Tell a question about the chat from one about the team, if the client names both."""
    named = {
        value.label
        for each in (call, *call.chain())
        for arg in [*each.args, *each.keywords.values()]
        for value in asked.flow.sent(arg)
        if _IDS.search(value.label)
    }
    labels = {label for label in asked.labels if _IDS.search(label)}
    return bool(named and labels) and not named & labels


def _contains(asked: Question, holder: Node, item: Node) -> Answer:
    """Tell whether ``holder`` having ``item`` shows a right, rather than that something exists."""
    text = words_of(holder.text)
    if _is_role(asked, item) or _is_role(asked, holder):
        return "yes"
    both = asked.flow.mentions(item) or asked.flow.mentions(holder)
    if not both:
        return "no"
    if has_identity(asked.flow, item) or has_identity(asked.flow, holder):
        return "yes"
    if _OWN_ROOMS.search(text):
        return "yes"
    if not asked.is_named_by(item) and not asked.flow.sent(holder):
        return "no"
    if holder.kind in ("array", "list", "tuple", "set") or _OURS.search(text):
        return "yes"
    if re.fullmatch(r"[A-Z][A-Z0-9_]{2,}", holder.text) and "room" not in text:
        return "yes"
    return "no"


def has_identity(flow: Flow, node: Node, depth: int = 0) -> bool:
    """Tell whether an expression reads who the client verifiedly is, itself or by a name."""
    for path in names_in(node):
        if flow.is_sent(path) and not flow.set_from.get(path):
            continue
        if not flow.is_sent(path) and is_identity(path):
            return True
        for each in flow.set_from.get(path, ()) if depth < 3 else ():
            # Of several rooms of one name, the one that the client has a part in.
            is_part = not flow.is_sent(path) or bool(flow.sent(each))
            if is_part and each.start != node.start and has_identity(flow, each, depth + 1):
                return True
    return False


def is_identity(path: str) -> bool:
    """Tell whether a dotted name is called as a verified identity is."""
    if re.match(r"[A-Z]|prisma\b|db\b|tx\b", path):
        return False
    words = ".".join(words_of(part) for part in path.split("."))
    return bool(_IDENTITY.search(words)) and not _NO_IDENTITY.search(words)


# Calls that throw


def throws(asked: Question, call: Call) -> Answer:
    """Tell whether a call that stands before the place refuses those who have no right."""
    if not any(asked.flow.mentions(each) for each in [*call.args, *call.keywords.values()]):
        return "no"
    words = words_of(call.name)
    if _ASSERTS.match(words) and RIGHT.search(words):
        return "yes"
    is_both = has_identity(asked.flow, call.node) or any(
        each.text in ("client", "socket", "sid", "self.scope") for each in call.args
    )
    if re.search(r"auth|verif|token", words) and any(asked.is_named_by(each) for each in call.args):
        return "unknown"  # it may look at the room as well
    if not is_both or call.name in ("emit", "join", "enter_room", "log", "info", "debug", "print"):
        return "no"
    target = asked.flow.project.target(call, asked.flow.function)
    if target is not None:
        return "yes" if _callee_throws(asked, target) else "no"
    if re.search(r"or_throw|or_fail|or_404|or_raise", words):
        return "yes"
    receiver = call.receiver.text if call.receiver is not None else ""
    if re.search(r"prisma|\bdb\b|\btx\b", receiver) and words in ("update", "delete"):
        return "yes"  # prisma throws if nothing matches
    if re.search(r"objects$", receiver) and words == "get":
        return "yes"
    is_service = re.search(r"(?:this|self)\.\w+|[sS]ervice", receiver) and not re.search(
        r"log|emit|server|\bio\b|cache|redis|presence|online|map|registry|tracker|queue|pub",
        receiver,
        re.IGNORECASE,
    )
    return (
        "unknown"
        if is_service and not re.fullmatch(r"set|get|add|push|delete|has|emit|to", call.name)
        else "no"
    )


def _callee_throws(asked: Question, target: Function) -> bool:
    """Tell whether a function, or what it calls, throws for want of a right."""
    for function in asked.flow.project.reach(target)[:12]:
        for node in function.body.find("throw_statement", "raise_statement"):
            around = node.enclosing("if_statement")
            condition = around.field("condition") if around is not None else None
            text = f"{node.text} {condition.text if condition is not None else ''}"
            if _REFUSES.search(words_of(text).replace("_", " ")) or _REFUSES.search(text):
                return True
            if re.search(r"NotFound|not found|404", node.text) and _queries(function):
                return True
        if re.search(r"get_object_or_404|OrThrow\(|OrFail\(", function.body.text) and _queries(
            function
        ):
            return True
    return False


def _callee_checks(asked: Question, target: Function) -> bool:
    """Tell whether a function asks for a right, whatever it does with the answer."""
    for function in asked.flow.project.reach(target)[:12]:
        if any(is_right(call.name) for call in function.calls):
            return True
        for node in function.body.find("if_statement"):
            condition = node.field("condition")
            if condition is not None and RIGHT.search(words_of(condition.text)):
                return True
    return False


def _queries(function: Function) -> bool:
    """Tell whether a function has a query with two of its parameters, one of them the user."""
    names = [each.name for each in function.parameters]
    users = {
        name for name in names if re.search(r"user|account|member|owner|sender|me$", name, re.I)
    }
    others = set(names) - users
    if not users or not others:
        return False
    for call in function.calls:
        if not re.search(
            r"find|get|select|where|filter|exists|first|count|query|execute|fetch|one", call.name
        ):
            continue
        read = {path.split(".")[0] for path in names_in(call.node)}
        if read & users and read & others:
            return True
    return False
