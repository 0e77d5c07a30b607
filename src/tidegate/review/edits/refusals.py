"""The code that refuses a client, in each framework, as corrections."""

from __future__ import annotations

from tidegate.review.facts.auth.connecting import Scene
from tidegate.review.facts.auth.failed_checks import FailedCheck, rest_of
from tidegate.review.facts.auth.outcomes import Outcome
from tidegate.review.fix import Edit, Fix, replaced, safe, suggested
from tidegate.review.source import Call, Node

__all__ = ["refusal_code", "refusal_in", "refusal_of_next", "welcome_follows"]


def welcome_follows(refusal: Call, name: str) -> bool:
    """Tell whether ``next()`` surely runs after ``next(error)``, which leaves nothing."""
    holder = refusal.node.parent
    if holder is None or holder.kind != "expression_statement":
        return False
    for statement in rest_of(holder):
        if statement.kind in ("return_statement", "throw_statement", "break_statement"):
            return _welcomes(statement, name)
        if statement.kind in ("expression_statement", "try_statement") and any(
            _welcomes(each, name)
            for each in statement.find("expression_statement")
            if each == statement or each.parent == statement.field("body")
        ):
            return True
    return False


def _welcomes(statement: Node, name: str) -> bool:
    """Tell ``next()`` and ``return next()``."""
    value = statement.children[0] if statement.children else None
    if value is None or value.kind != "call_expression":
        return False
    call = Call(value)
    return call.receiver is None and call.name == name and not call.args


def refusal_of_next(call: Call, scene: Scene) -> Fix:
    """Return ``next(…)`` with an error, as the last thing that the middleware does."""
    node = call.node
    parent = node.parent
    is_statement = parent is not None and parent.kind == "expression_statement"
    if call.args:
        # The client is refused already; what is left out is only what let it in afterwards.
        edit = Edit(node.file.name, node.start, node.start, "return ")
        return safe(edit) if is_statement else suggested(edit)
    text = f"{scene.calls_next}(new Error('Unauthorized'))"
    return suggested(replaced(node, f"return {text}" if is_statement else text))


def refusal_code(scene: Scene) -> tuple[str, str]:
    """Return the statement that refuses a client, and what must follow for it to be left alone."""
    socket = scene.socket
    if not scene.function.file.is_python:
        end = f"{socket}.disconnect(true);"
        if scene.framework == "websocket":
            end = f"{socket}.close(1008, 'Unauthorized');"
        return end, "return;"
    if scene.framework in ("python-socketio", "flask-socketio"):
        return "", "return False"
    waits = "await " if scene.function.is_async else ""
    name = "self" if scene.framework == "channels" else socket
    return f"{waits}{name}.close(code=1008)", "return"


def refusal_in(failed: FailedCheck, scene: Scene, outcome: Outcome) -> Fix | None:
    """Return the branch with a refusal at its end."""
    close, leave = refusal_code(scene)
    if (not scene.socket and close) or (not close and not scene.is_first):
        return None
    if outcome == "throws":
        return _instead_of_throw(failed, close, leave)
    lines = [close, leave] if close else [leave]
    last = failed.body if failed.body.kind == "return_statement" else _last(failed.body)
    if last is not None and last.kind == "return_statement":
        return _at_return(failed, last, lines)
    if outcome == "stays" and close:
        lines = [close]
    return _at_end(failed.body, last, lines)


def _at_return(failed: FailedCheck, last: Node, lines: list[str]) -> Fix:
    value = last.children[0] if last.children else None
    kept = [] if value is None or value.kind in ("null", "undefined", "none") else [value.text]
    if kept and not last.file.is_python:
        kept = [f"{kept[0]};"]
    indent = _indent(last)
    if last == failed.body:  # if (!token) return;
        inner = "".join(f"\n{indent}  {line}" for line in [*kept, *lines])
        return suggested(replaced(last, f"{{{inner}\n{indent}}}"))
    return suggested(replaced(last, f"\n{indent}".join([*kept, *lines])))


def _at_end(body: Node, last: Node | None, lines: list[str]) -> Fix | None:
    if body.kind not in ("statement_block", "block"):
        return None
    if last is None:  # catch {}
        indent = _indent(body)
        inner = "".join(f"\n{indent}  {line}" for line in lines)
        return suggested(replaced(body, f"{{{inner}\n{indent}}}"))
    indent = _indent(last)
    text = f"\n{indent}".join(lines)
    if last.kind == "pass_statement":
        return suggested(replaced(last, text))
    return suggested(Edit(body.file.name, last.end, last.end, f"\n{indent}{text}"))


def _instead_of_throw(failed: FailedCheck, close: str, leave: str) -> Fix | None:
    thrown = failed.body.find("throw_statement")
    if len(thrown) != 1:
        return None
    node = thrown[0]
    if node == failed.body:
        indent = _indent(node)
        text = f"{{\n{indent}  {close}\n{indent}  {leave}\n{indent}}}"
        return suggested(replaced(node, text))
    return suggested(replaced(node, f"{close}\n{_indent(node)}{leave}"))


def _last(body: Node) -> Node | None:
    return body.children[-1] if body.children else None


def _indent(node: Node) -> str:
    text = node.file.text
    line = text[text.rfind("\n", 0, node.start) + 1 : node.start]
    return line[: len(line) - len(line.lstrip())]
