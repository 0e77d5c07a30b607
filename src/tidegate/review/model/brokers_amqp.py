"""Consumers of RabbitMQ without Nest: amqplib, aio-pika, pika, FastStream."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.model.declarations import Function
from tidegate.review.model.nest import app_of
from tidegate.review.model.node_sockets import function_of
from tidegate.review.model.parts import Consumer
from tidegate.review.model.project import Project
from tidegate.review.source import Call, Node, SourceFile

__all__ = ["consumers"]


def consumers(project: Project, file: SourceFile) -> list[Consumer]:
    """Return what consumes from RabbitMQ in a file."""
    if not file.is_python:
        return [*_amqplib(project, file)] if "consume" in file.text else []
    found: list[Consumer] = []
    if project.imports_from(file, "faststream", "faststream.rabbit"):
        found += _faststream(project, file)
    if "pika" in file.text or "basic_consume" in file.text:  # a connection may come from elsewhere
        app = app_of(project, file)
        for call in file.calls:
            consumer = _pika(project, call, app)
            if consumer is not None:
                found.append(consumer)
        found += _loops(project, file, app)
    return found


# Node


def _amqplib(project: Project, file: SourceFile) -> Iterator[Consumer]:
    """Yield what ``channel.consume`` is given."""
    is_ours = re.search(r"\bamqplib\b|amqp-connection-manager", file.text)
    for call in file.calls:
        if call.name != "consume" or len(call.args) < 2:
            continue
        function = function_of(project, call.args[1])
        if function is None or not function.parameters:
            continue
        if not is_ours and not re.search(r"\.content\b|\.ack\(", function.body.text):
            continue
        is_manual: bool | None = True
        options: dict[str, Node] = {}
        if len(call.args) > 2:
            value = project.value(call.args[2])
            is_literal = value is not None and value.kind == "object"
            options = value.pairs() if value is not None and is_literal else {"...": call.node}
            flag = project.value(options.get("noAck"))
            is_manual = None if "..." in options else flag is None or flag.text == "false"
            if flag is not None:
                is_manual = {"true": False, "false": True}.get(flag.text)
        pattern, message = call.args[0].string, function.parameters[0].name
        app = app_of(project, file)
        yield Consumer(
            "amqplib", call.node, function, pattern, is_manual, message, options, app, call.args[0]
        )


# Python


def _faststream(project: Project, file: SourceFile) -> Iterator[Consumer]:
    if project.imports_from(
        file, "faststream.kafka", "faststream.confluent", "faststream.nats", "faststream.redis"
    ):
        return
    for function in project.functions(file).values():
        for decorator in function.decorated("subscriber"):
            queue = decorator.args[0] if decorator.args else None
            options = decorator.call.keywords if decorator.call else {}
            message = next((p.name for p in function.parameters if "Message" in p.type), "")
            node = function.node.field("name") or function.node
            policy = options.get("ack_policy")
            is_manual = policy is not None and policy.text.endswith("MANUAL")
            yield Consumer(
                "faststream",
                node,
                function,
                queue.string if queue is not None else None,
                is_manual,
                message,
                options,
                app_of(project, file),
                queue,
            )


def _pika(project: Project, call: Call, app: str) -> Consumer | None:
    if call.name == "basic_consume":
        given, flag = call.arg(1, "on_message_callback"), call.arg(2, "auto_ack")
        queue = call.arg(0, "queue")
        if given is None or (queue is not None and queue.kind != "string" and call.args[1:]):
            # Versions before 1.0 had the callback first.
            given, queue = _either(project, call, given, queue)
    elif call.name == "consume" and call.receiver is not None and _is_queue(call):
        given, flag, queue = call.arg(0, "callback"), call.arg(1, "no_ack"), call.receiver
    else:
        return None
    function = _callback(project, given)
    if function is None:
        return None
    value = project.value(flag)
    is_manual = True if value is None else {"True": False, "False": True}.get(value.text)
    names = [parameter.name for parameter in function.parameters]
    node, options = call.node, call.keywords
    if call.name == "consume" or len(names) < 2:
        message = names[0] if names else ""
        found = Consumer("aio-pika", node, function, None, is_manual, message, options, app)
    else:
        pattern = queue.string if queue is not None else None
        # (channel, method, properties, body)
        found = Consumer("pika", node, function, pattern, is_manual, names[1], options, app)
    found.queue = queue
    return found


def _is_queue(call: Call) -> bool:
    """Tell aio-pika's queue from other things that consume."""
    receiver = call.receiver.text if call.receiver is not None else ""
    return "queue" in receiver.lower() or "aio_pika" in call.file.text


def _either(
    project: Project, call: Call, given: Node | None, queue: Node | None
) -> tuple[Node | None, Node | None]:
    old = call.arg(0, "consumer_callback")
    if old is not None and _callback(project, old) is not None:
        return old, call.arg(1, "queue")
    return given, queue


def _loops(project: Project, file: SourceFile, app: str) -> Iterator[Consumer]:
    """Yield the loops that messages are read in, as if the body were a function."""
    if (
        "iterator(" not in file.text
        and "consume(" not in file.text
        and "async for" not in file.text
    ):
        return
    for node in file.root.find("for_statement"):
        left, right = node.field("left"), node.field("right")
        if left is None or right is None or node.field("body") is None:
            continue
        source = _source(project, node, right)
        if source is None:
            continue
        framework, queue, settings = source
        flag = re.search(r"(?:no_ack|auto_ack)\s*=\s*(\w+)", settings)
        is_manual = True if flag is None else {"True": False, "False": True}.get(flag[1])
        function = Function(node, "", owner=project.owner(node))
        message = left.text.split(",")[0].strip("( ")
        consumer = Consumer(
            "aio-pika" if framework == "aio-pika" else "pika", node, function, None, is_manual
        )
        consumer.message, consumer.app, consumer.queue = message, app, queue
        yield consumer


def _source(project: Project, node: Node, right: Node) -> tuple[str, Node | None, str] | None:
    """Return the library, the queue and the options of what a loop goes over."""
    is_async = node.text.startswith("async")
    if right.kind == "call" and Call(right).name == "consume" and not is_async:
        queue = Call(right).arg(0, "queue")
        return ("pika", queue, right.text) if project.imports_from(node.file, "pika") else None
    if not is_async:
        return None
    if right.kind == "call" and Call(right).name == "iterator":
        return "aio-pika", Call(right).receiver, right.text
    if right.kind != "identifier" and right.kind != "attribute":
        return None
    for around in node.ancestors():
        if around.kind == "with_statement":
            for call in around.children[0].calls("iterator"):
                target = call.node.parent
                if target is not None and re.search(
                    rf"\bas\s+{re.escape(right.text)}$", target.text
                ):
                    return "aio-pika", call.receiver, call.node.text
    made = project.value(right)
    while made is not None and made.kind == "await":
        made = made.children[0]
    if made is not None and made.kind == "call":
        if Call(made).name == "iterator":
            return "aio-pika", Call(made).receiver, made.text
        if Call(made).name in ("declare_queue", "get_queue"):
            return "aio-pika", right, ""
    return None


def _callback(project: Project, node: Node | None) -> Function | None:
    if node is None:
        return None
    if node.kind == "lambda":
        return Function(node, "", owner=project.owner(node))
    if node.kind == "identifier":
        found = project.resolve(node.file, node.text)
        return found if isinstance(found, Function) else None
    match = re.fullmatch(r"self\.(\w+)", node.text)
    owner = project.owner(node) if match else None
    if node.kind == "call" and Call(node).name == "partial" and Call(node).args:
        return _callback(project, Call(node).args[0])
    return project.method(owner, match[1]) if match and owner else None
