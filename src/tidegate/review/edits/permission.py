"""The correction that asks for a right before something is done, in the words of its framework."""

from __future__ import annotations

import re

from tidegate.review.facts.tenant.expressions import inner, path_of
from tidegate.review.facts.tenant.following import Visit
from tidegate.review.fix import Edit, Fix, line_before, replaced, suggested
from tidegate.review.source import Call, Node

__all__ = ["asked_first"]


def asked_first(visit: Visit, node: Node, room: Node, question: str, comment: str) -> Fix | None:
    """Return the fix that puts a check before a node; None if nobody to ask for is in scope.

    Args:
        room: The expression with the client's value.
        question: Name of the check, as ``may join``.
        comment: What the check, which is to be written, has to tell.
    """
    who = _who(visit, node)
    what = _what(visit, room)
    if not who or "\n" in what:
        return None
    words = question.split()
    if node.file.is_python:
        return _python(visit, node, f"{'_'.join(words)}({who}, {what})", comment)
    name = words[0] + "".join(word.title() for word in words[1:])
    lines = (
        f"// {name}() is to be written: {comment}\nif (!(await {name}({who}, {what}))) {{\n"
        "  return;\n}"
    )
    function = node.function
    if function is None:
        return None
    edits = [] if _is_async(function) else [_made_async(function)]
    body = function.field("body")
    if body is not None and body.kind != "statement_block":
        line = node.file.line(function.line)
        indent = line[: len(line) - len(line.lstrip())]
        text = f"{lines}\n{body.text};".replace("\n", f"\n{indent}  ")
        return suggested(*edits, replaced(body, f"{{\n{indent}  {text}\n{indent}}}"))
    return suggested(*edits, line_before(node, lines))


def _python(visit: Visit, node: Node, asked: str, comment: str) -> Fix | None:
    function = node.function
    if function is None or function.kind == "lambda":
        return None
    is_async = function.text.startswith("async")
    wait = "await " if is_async else ""
    framework, kind = visit.gateway.framework, visit.handler.kind
    refusal = ""
    if framework == "websocket":
        refusal = f"    {wait}{visit.handler.socket}.close(code=1008)\n"
    elif framework == "channels" and kind == "connect":
        refusal = f"    {wait}self.close()\n"
    name = asked.partition("(")[0]
    lines = f"# {name}() is to be written: {comment}\nif not {wait}{asked}:\n{refusal}    return"
    return suggested(line_before(node, lines))


def _who(visit: Visit, node: Node) -> str:
    """Return whom to ask for: the socket, as the function at the node calls it."""
    call = Call(node)
    names = {each.name for each in visit.flow.function.parameters}
    framework = visit.gateway.framework
    if framework == "channels":
        return 'self.scope["user"]'
    if framework == "flask-socketio":
        return "current_user"
    if visit.socket:
        return visit.socket
    if not node.file.is_python and call.name == "join" and call.receiver is not None:
        return path_of(call.receiver) or ""
    return next(
        (n for n in sorted(names) if re.fullmatch(r"(?i)socket|client|sid|ws|websocket", n)), ""
    )


def _what(visit: Visit, room: Node) -> str:
    """Return the client's value in the expression of a room."""
    room = inner(room)
    if path_of(room) is not None:
        return room.text
    kinds = ("identifier", "member_expression", "subscript", "subscript_expression", "attribute")
    for each in room.find(*kinds):
        if visit.flow.sent(each) and path_of(each) is not None:
            return each.text.replace("'", '"') if room.text.startswith("f'") else each.text
    return room.text


def _is_async(function: Node) -> bool:
    return (
        re.match(r"(?:(?:public|private|protected|override|static)\s+)*async\b", function.text)
        is not None
    )


def _made_async(function: Node) -> Edit:
    name = function.field("name")
    at = name if function.kind == "method_definition" and name is not None else function
    return Edit(function.file.name, at.start, at.start, "async ")
