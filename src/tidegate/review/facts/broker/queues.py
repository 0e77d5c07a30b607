"""Which queue a consumer reads from, and whether its name is shared by all nodes."""

from __future__ import annotations

import re

from tidegate.review.model import Consumer, Model, Queue
from tidegate.review.source import Node

__all__ = ["is_generated", "queues_of"]

_GENERATED = re.compile(
    r"uuid|nanoid|random|hostname|os\.|pid\b|getpid|node_?id|instance|pod_?name|worker_?id|token_"
    r"|secrets|Date\.now|time\(|socket\.id|sid\b|session",
    re.IGNORECASE,
)


def is_generated(model: Model, name: Node | None) -> bool:
    """Tell a name that each node makes for itself from one that they share."""
    if name is None:
        return True
    value = model.project.value(name)
    if value is not None and value.string is not None:
        return value.string == ""
    text = f"{name.text} {value.text if value is not None else ''}"
    return bool(_GENERATED.search(text))


def queues_of(model: Model, consumer: Consumer) -> list[Queue]:
    """Return the declarations of the queue that a consumer reads from; empty if none is seen."""
    if consumer.framework == "nest":
        return [q for q in model.queues if q.framework == "nest" and _is_server(model, consumer, q)]
    if consumer.framework == "golevelup":
        options = consumer.options.get("queue")
        parent = options.parent.parent if options is not None and options.parent else None
        return [q for q in model.queues if q.framework == "golevelup" and q.node == parent]
    if consumer.queue is None:
        return []
    text = _plain(consumer.queue.text)
    found = [
        queue
        for queue in model.queues
        if queue.node.file is consumer.file and text in (_plain(queue.holder), _named(queue))
    ]
    literal = _literal(model, consumer.queue)
    return found or [
        queue
        for queue in model.queues
        if literal and queue.name is not None and _literal(model, queue.name) == literal
    ]


def _is_server(model: Model, consumer: Consumer, queue: Queue) -> bool:
    """Tell whether a declaration is among the options that an application consumes with."""
    own = [each for each in model.broker_options if each.app == consumer.app]
    own = own or [each for each in model.broker_options if not each.app or not consumer.app]
    return any(
        entry.parent is not None and entry.parent.parent == queue.node
        for options in own
        for entry in options.options.values()
    )


def _named(queue: Queue) -> str | None:
    return _plain(queue.name.text) if queue.name is not None else None


def _literal(model: Model, node: Node) -> str | None:
    value = model.project.value(node)
    return value.string if value is not None else None


def _plain(text: str) -> str:
    """Return a name without what only tells the compiler something."""
    text = re.sub(r"\s+as\s+\w+$", "", text.replace("!", ""))
    # A queue that was declared may be asked for its name: ``q.queue``, ``result.method.queue``.
    return re.sub(r"(?:\.method)?\.(?:queue|name)$", "", text) or "-"
