"""Queues that the code declares, and what it says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.model.brokers_nest import member_value
from tidegate.review.model.nest import app_of
from tidegate.review.model.node_sockets import name_of
from tidegate.review.model.parts import Queue
from tidegate.review.model.project import Project
from tidegate.review.source import Call, Node, SourceFile

__all__ = ["queues"]

Options = dict[str, Node]


def queues(project: Project, file: SourceFile) -> list[Queue]:
    """Return the queues that a file declares."""
    if "ueue" not in file.text:
        return []
    found = _python(project, file) if file.is_python else _node(project, file)
    return [*found]


def _node(project: Project, file: SourceFile) -> Iterator[Queue]:
    app = app_of(project, file)
    for call in file.calls:
        if call.name != "assertQueue" or call.receiver is None:
            continue
        name = call.args[0] if call.args else None
        settings = call.args[1] if len(call.args) > 1 else None
        yield _queue(project, "amqplib", call.node, name, settings, app, holder=name_of(call.node))
    is_nest = re.search(r"queueOptions|RMQ|Rabbit", file.text)
    for node in file.root.find("object") if is_nest else []:
        entries = node.pairs()
        if "queueOptions" not in entries and "queue" not in entries:
            continue
        around = node.parent
        around = around.parent if around is not None and around.kind == "arguments" else None
        caller = Call(around).name if around is not None else ""
        if re.fullmatch(r"Rabbit(?:Subscribe|RPC|Handler)", caller):
            settings = entries.get("queueOptions")
            framework = "golevelup"
        elif "queue" in entries and _is_transport(entries, node):
            if _is_true(project, entries.get("noAssert"), default=False) is not False:
                continue
            settings, framework = entries.get("queueOptions"), "nest"
        else:
            continue
        queue = entries.get("queue")
        yield _queue(project, framework, node, queue, settings, app, is_open="..." in entries)


def _is_transport(entries: Options, node: Node) -> bool:
    """Tell the options of a RabbitMQ transport from other objects with a queue."""
    if "urls" in entries or "queueOptions" in entries:
        return True
    holder = node.parent
    around = holder.parent if holder is not None and holder.kind == "pair" else None
    kind = around.pairs().get("transport") if around is not None else None
    return kind is not None and kind.text.strip("'\"").endswith("RMQ")


def _queue(
    project: Project,
    framework: str,
    node: Node,
    name: Node | None,
    settings: Node | None,
    app: str,
    *,
    holder: str = "",
    is_open: bool = False,
) -> Queue:
    """Return a queue of a library whose queues are durable by default."""
    value = member_value(project, settings)
    entries: Options | None = {} if value is None else None
    if value is not None and value.kind == "object":
        entries = value.pairs()
    is_open = is_open and settings is None
    if entries is None or is_open:
        return Queue(framework, node, name, holder, None, None, None, None, app=app)  # type: ignore[arg-type]
    is_open = "..." in entries
    is_named = name is None or name.string != ""
    return Queue(
        framework,  # type: ignore[arg-type]
        node,
        name if is_named else None,
        holder,
        _is_true(project, entries.get("durable"), default=None if is_open else True),
        _is_true(project, entries.get("exclusive"), default=None if is_open else False),
        _is_true(project, entries.get("autoDelete"), default=None if is_open else False),
        _has_dead_letter(project, entries, is_open=is_open),
        durable=entries.get("durable"),
        settings=value if value is not None and value.file is node.file else None,
        app=app,
    )


def _python(project: Project, file: SourceFile) -> Iterator[Queue]:
    if not re.search(r"pika|faststream|aiormq|queue_declare", file.text):
        return
    app = app_of(project, file)
    for call in file.calls:
        if call.name == "queue_declare" or (call.name == "declare_queue" and call.receiver):
            framework = "pika" if call.name == "queue_declare" else "aio-pika"
            name = call.arg(0, "queue" if framework == "pika" else "name")
        elif call.name == "RabbitQueue":
            framework, name = "faststream", call.arg(0, "name")
        else:
            continue
        options = call.keywords
        if _is_true(project, options.get("passive"), default=False) is not False:
            continue
        is_open = "..." in options or any(arg.kind == "list_splat" for arg in call.args)
        # FastStream: by the version and the type of the queue.
        default = None if is_open or framework == "faststream" else False
        yield Queue(
            framework,  # type: ignore[arg-type]
            call.node,
            None if name is None or name.string == "" or name.text == "None" else name,
            _holder(call.node),
            _is_true(project, options.get("durable"), default=default),
            _is_true(project, options.get("exclusive"), default=None if is_open else False),
            _is_true(project, options.get("auto_delete"), default=None if is_open else False),
            _has_dead_letter(project, options, is_open=is_open),
            durable=options.get("durable"),
            settings=call.node.field("arguments"),
            app=app,
        )


def _holder(node: Node) -> str:
    """Return what a declared queue is assigned to, awaited or not."""
    parent = node.parent
    return name_of(parent if parent is not None and parent.kind == "await" else node)


def _is_true(project: Project, node: Node | None, *, default: bool | None) -> bool | None:
    if node is None:
        return default
    value = member_value(project, node)
    known = {"true": True, "True": True, "false": False, "False": False}
    return known.get(value.text) if value is not None else None


def _has_dead_letter(project: Project, options: Options, *, is_open: bool) -> bool | None:
    if "deadLetterExchange" in options:
        return True
    for key in ("arguments", "args"):
        if key in options:
            value = member_value(project, options[key])
            if value is None or value.kind not in ("object", "dictionary"):
                return False if value is not None and value.text == "None" else None
            entries = value.pairs()
            if "x-dead-letter-exchange" in value.text:
                return True
            if "..." in entries or any(key.startswith(("[", "self.")) for key in entries):
                return None
    return None if is_open else False
