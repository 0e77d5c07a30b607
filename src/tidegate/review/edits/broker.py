"""Code that settles a consumer's message, for corrections: made from the code that is there."""

from __future__ import annotations

import re
from dataclasses import replace

from tidegate.review.facts.broker.settling import is_ack, is_nack, requeues
from tidegate.review.fix import (
    Edit,
    Fix,
    inserted_after,
    inserted_before,
    line_before,
    replaced,
    suggested,
)
from tidegate.review.model import Consumer
from tidegate.review.source import Call, Node

__all__ = ["acknowledging", "guarded", "refusing", "settled_at_the_end", "settled_before"]


def refusing(consumer: Consumer) -> str:
    """Return a statement that refuses the message without requeue; empty if names are not known."""
    calls = consumer.function.calls
    for call in calls:
        if is_nack(call) and requeues(call) is False and _is_close(consumer, call.node):
            return _statement(call.node)
    ack = next((c for c in calls if is_ack(c) and _is_close(consumer, c.node)), None)
    is_helper = ack is not None and any(
        "RmqContext" in p.type for p in consumer.function.parameters
    )
    if consumer.framework == "nest":
        context = consumer.message
        if ack is not None and ack.receiver is not None and ack.args and _is_plain(ack, context):
            return f"{ack.receiver.text}.nack({ack.args[0].text}, false, false);"
        if context and (ack is None or is_helper):
            return f"{context}.getChannelRef().nack({context}.getMessage(), false, false);"
        return ""
    if ack is None or ack.receiver is None:
        return ""
    receiver = ack.receiver.text
    if consumer.framework == "amqplib":
        return f"{receiver}.nack({ack.args[0].text}, false, false);" if ack.args else ""
    if ack.name == "basic_ack":
        arguments = ack.node.field("arguments")
        inner = arguments.text[1:-1].split(",")[0].strip() if arguments is not None else ""
        prefix = "await " if _is_awaited(ack.node) else ""
        return f"{prefix}{receiver}.basic_nack({inner}, requeue=False)" if inner else ""
    return f"await {receiver}.reject(requeue=False)"


def acknowledging(consumer: Consumer) -> str:
    """Return a statement that acknowledges, as the consumer does it elsewhere; or empty."""
    for call in consumer.function.calls:
        if is_ack(call) and _is_close(consumer, call.node):
            return _statement(call.node)
    return ""


def settled_before(consumer: Consumer, node: Node, text: str) -> Edit | None:
    """Return the edit that puts a statement before another; None if its names come later."""
    first = re.match(r"(?:await\s+)?([A-Za-z_$]\w*)", text)
    names = set(re.findall(r"(?<![\w.])[A-Za-z_$][\w$]*", text)) if first else set()
    for each in consumer.function.body.find("variable_declarator", "assignment"):
        left = each.field("name") or each.field("left")
        if left is not None and left.text in names and each.start > node.start:
            return None
    parent = node.parent
    if parent is not None and parent.kind == "if_statement" and not node.file.is_python:
        return replaced(node, f"{{ {text} {node.text.rstrip(';')}; }}")
    if parent is not None and parent.kind == "block" and parent.line == node.line:
        before = node.file.lines[node.line - 1]
        if before.strip() != node.text.strip() and before.strip().startswith(
            ("if ", "else", "elif ")
        ):
            return inserted_before(node, f"{text}; ")
    return line_before(node, text)


def guarded(
    consumer: Consumer, node: Node, refusal: str, change: Edit | None = None
) -> Edit | None:
    """Return the edit that puts a statement and all after it in a try that refuses.

    None if it isn't a statement of the function's own body.

    Args:
        change: An edit of that part, to be made with it.
    """
    body = consumer.function.body
    statement = node
    for around in node.ancestors():
        if around == body:
            break
        statement = around
    else:
        return None
    if statement.start < body.start or not body.children:
        return None
    last = body.children[-1]
    text = node.file.text[statement.start : last.end]
    if change is not None:
        start, end = change.start - statement.start, change.end - statement.start
        text = text[:start] + change.text + text[end:]
    if "`" in text or '"""' in text or "'''" in text:
        return None  # its lines are not free to move
    line = node.file.text.rfind("\n", 0, statement.start) + 1
    indent = node.file.text[line : statement.start]
    if indent.strip():
        return None
    step = "    " if node.file.is_python else "  "
    inner = text.replace("\n", f"\n{step}")
    inner = re.sub(r"\n[ \t]+(?=\n)", "\n", inner)
    if node.file.is_python:
        lines = ["try:", f"{step}{inner}", "except Exception:", f"{step}{refusal}", f"{step}raise"]
    else:
        failed = [f"{step}{refusal}", f"{step}throw error;"]
        lines = ["try {", f"{step}{inner}", "} catch (error) {", *failed, "}"]
    new = f"\n{indent}".join(lines)
    return Edit(node.file.name, statement.start, last.end, new)


def settled_at_the_end(consumer: Consumer) -> Fix | None:
    """Return the fix of a consumer that never settles: refuse what fails, then acknowledge."""
    body = consumer.function.body
    if (
        not body.children
        or body.find("return_statement")
        or consumer.function.file != consumer.file
    ):
        return None
    words = _words(consumer)
    edit = guarded(consumer, body.children[0], words[1]) if words else None
    if words is None or edit is None:
        return None
    line = body.file.text.rfind("\n", 0, edit.start) + 1
    indent = body.file.text[line : edit.start]
    edits = [replace(edit, text=f"{edit.text}\n{indent}{words[0]}")]
    if consumer.framework == "nest" and not consumer.message:
        edits += _with_context(consumer)
    return suggested(*edits)


def _words(consumer: Consumer) -> tuple[str, str] | None:
    """Return statements that acknowledge and refuse, by the names of a consumer's parameters."""
    message = consumer.message
    if consumer.framework == "nest":
        context = message or "context"
        start = f"{context}.getChannelRef()"
        get = f"{context}.getMessage()"
        return f"{start}.ack({get});", f"{start}.nack({get}, false, false);"
    if consumer.framework == "amqplib" and message:
        receiver = Call(consumer.node).receiver
        start = receiver.text if receiver is not None else "channel"
        return f"{start}.ack({message});", f"{start}.nack({message}, false, false);"
    if consumer.framework == "aio-pika" and message:
        return f"await {message}.ack()", f"await {message}.reject(requeue=False)"
    names = [parameter.name for parameter in consumer.function.parameters]
    if consumer.framework == "pika" and len(names) > 1:
        tag = f"{names[1]}.delivery_tag"
        return f"{names[0]}.basic_ack({tag})", f"{names[0]}.basic_nack({tag}, requeue=False)"
    return None


def _with_context(consumer: Consumer) -> list[Edit]:
    """Return the edits that give a method its context, with the imports it needs."""
    listed = consumer.function.node.field("parameters")
    if listed is None:
        return []
    last = listed.children[-1] if listed.children else None
    entry = "@Ctx() context: RmqContext"
    edits = [inserted_after(last, f", {entry}") if last else replaced(listed, f"({entry})")]
    file = consumer.file
    for node in file.root.find("import_statement"):
        if "@nestjs/microservices" in node.text:
            names = node.find("import_specifier")
            missing = [n for n in ("Ctx", "RmqContext") if n not in [each.text for each in names]]
            if names and missing:
                edits.append(inserted_after(names[-1], "".join(f", {name}" for name in missing)))
    return edits


def _statement(node: Node) -> str:
    text = f"await {node.text}" if _is_awaited(node) else node.text
    text = re.sub(r"\s*\n\s*", " ", text)
    return text if node.file.is_python else f"{text};"


def _is_awaited(node: Node) -> bool:
    return node.parent is not None and node.parent.kind in ("await", "await_expression")


def _is_plain(ack: Call, context: str) -> bool:
    """Tell ``channel.ack(message)`` from a helper's ``ack(context)``."""
    return ack.args[0].text != context and len(ack.args) == 1


def _is_close(consumer: Consumer, node: Node) -> bool:
    """Tell a call in the consumer's own body from one in a function with names of its own."""
    function = node.function
    return (
        function is None
        or function == consumer.function.node
        or consumer.function.node.kind == "for_statement"
    )
