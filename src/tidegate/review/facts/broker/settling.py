"""How a consumer settles its messages: acks and nacks in it and in all that it calls."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tidegate.review.model import Consumer, Function, Model
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = [
    "Settling",
    "in_catch",
    "is_ack",
    "is_caught_around",
    "is_nack",
    "is_process",
    "requeues",
    "settling",
]

_ACKS = ("ack", "ackAll", "basic_ack", "acknowledge")
_ENDS = ("cancel", "basic_cancel", "stop_consuming")
"""A consumer that ends with its first message: what is left goes with its queue or its channel."""
_NACKS = ("nack", "nackAll", "reject", "basic_nack", "basic_reject")


@dataclass(frozen=True, eq=False)
class Settling:
    """What was found.

    Attributes:
        acks: Calls that acknowledge.
        nacks: Calls that refuse.
        escapes: Where the message or its channel goes to code that is not here.
        processes: ``async with message.process()`` (aio-pika), which settles by itself.
        around: Decorators and exceptions that may settle around the function.
    """

    acks: tuple[Call, ...]
    nacks: tuple[Call, ...]
    escapes: tuple[Node, ...]
    processes: tuple[Call, ...]
    around: tuple[Node, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Tell whether something settles."""
        return bool(self.acks or self.nacks or self.processes)


def settling(model: Model, consumer: Consumer) -> Settling:
    """Return how a consumer's messages are settled."""
    acks: list[Call] = []
    nacks: list[Call] = []
    escapes: list[Node] = []
    processes: list[Call] = []
    for function in model.project.reach(consumer.function):
        for call in function.calls:
            if is_ack(call):
                acks.append(call)
            elif is_nack(call):
                if model.project.target(call, function) is None:  # else what the helper does counts
                    nacks.append(call)
            elif is_process(call) and consumer.framework in ("aio-pika", "faststream"):
                processes.append(call)
            elif call.name in _ENDS or _escapes(model, consumer, function, call):
                escapes.append(call.node)
    around = tuple(_raised(consumer, consumer.function))
    escapes += around
    return Settling(tuple(acks), tuple(nacks), tuple(escapes), tuple(processes), around)


def is_ack(call: Call) -> bool:
    """Tell a call that acknowledges a message."""
    return call.name in _ACKS and not _is_socket_ack(call)


def is_nack(call: Call) -> bool:
    """Tell a call that refuses a message."""
    return call.name in _NACKS and not _is_promise(call)


def is_process(call: Call) -> bool:
    """Tell ``async with message.process()`` from other things that are processed."""
    if call.name != "process" or call.receiver is None or not call.file.is_python:
        return False
    around = call.node.parent
    while around is not None and around.kind in ("as_pattern", "await", "parenthesized_expression"):
        around = around.parent
    return around is not None and around.kind == "with_item"


def requeues(call: Call) -> bool | None:
    """Tell whether a nack or reject puts the message back; None if that is computed."""
    if not call.file.is_python and call.args and re.fullmatch("context|ctx", call.args[0].text):
        return None  # a helper that isn't here
    if call.name in ("nack", "nackAll"):
        value = call.keywords.get("requeue")
        if not call.file.is_python:
            # channel.nack(message, allUpTo, requeue = true)
            value = call.args[2] if len(call.args) > 2 else None
        elif value is None and len(call.args) > 1:
            value = call.args[1]
    elif call.name == "reject":
        place = 0 if call.file.is_python else 1
        value = call.keywords.get("requeue")
        if value is None and len(call.args) > place:
            value = call.args[place]
        if value is None and call.file.is_python:
            return False  # aio-pika: reject(requeue=False)
    else:
        value = call.keywords.get("requeue")
        place = 2 if call.name == "basic_nack" else 1
        if value is None and len(call.args) > place:
            value = call.args[place]
    if value is None:
        return True
    return {"true": True, "True": True, "false": False, "False": False}.get(value.text)


def _is_promise(call: Call) -> bool:
    """Tell ``Promise.reject`` and a promise's own ``reject`` from a broker's."""
    receiver = call.receiver
    if receiver is None:
        return call.name == "reject"
    return receiver.text in ("Promise",) or "deferred" in receiver.text.lower()


def _is_socket_ack(call: Call) -> bool:
    """Tell the callback of a Socket.IO event, ``ack(reply)``, from a broker's ack."""
    return (
        call.receiver is None
        and call.name == "ack"
        and bool(call.args and call.args[0].kind in ("object", "string"))
    )


def _escapes(model: Model, consumer: Consumer, function: Function, call: Call) -> bool:
    """Tell whether a call takes the message, its channel or its context where we can't see."""
    if model.project.target(call, function) is not None:
        return False
    arguments = [*call.args, *call.keywords.values()]
    names = {consumer.message} if function is consumer.function else set()
    names |= {"channel", "context", "originalMsg", "originalMessage", "ch"}
    if consumer.framework == "aio-pika":
        names = {consumer.message}
    if any(arg.text in names for arg in arguments if arg.text):
        return not re.search(r"(?:log(?:ger)?|console|print)\b", call.path, re.IGNORECASE)
    # message.ack given as a callback
    return any(re.search(r"\.(?:n?ack|reject)$", arg.text) for arg in arguments)


def _raised(consumer: Consumer, function: Function) -> list[Node]:
    """Return decorators that may settle around the function, and FastStream's exceptions."""
    known = {
        *("EventPattern", "MessagePattern", "UsePipes", "HttpCode", "Payload", "Ctx", "subscriber"),
        *("publisher", "Public", "UseFilters"),
    }
    decorators = [*function.decorators, *(function.owner.decorators if function.owner else [])]
    settle = ("UseInterceptors",)
    found = [each.node for each in decorators if each.name in settle]
    if function.file.is_python:
        found += [each.node for each in function.decorators if each.name not in known]
    if consumer.framework == "faststream":
        found += function.body.find("raise_statement")
    return found


def in_catch(node: Node) -> bool:
    """Tell whether a node runs because something failed."""
    for around in node.ancestors():
        if around.kind in ("catch_clause", "except_clause"):
            return True
        if around.kind in FUNCTIONS:
            parent = around.parent
            call = parent.parent if parent is not None and parent.kind == "arguments" else None
            if call is not None and call.kind == "call_expression" and Call(call).name == "catch":
                return True
            if around.kind in ("method_definition", "function_definition", "function_declaration"):
                return False
    return False


def is_caught_around(model: Model, consumer: Consumer) -> bool:
    """Tell whether an exception filter or interceptor of the project settles messages."""
    if consumer.framework != "nest":
        return False
    function = consumer.function
    decorators = [*function.decorators, *(function.owner.decorators if function.owner else [])]
    if any(each.name == "UseFilters" for each in decorators):
        return True
    return any(
        re.search(r"ExceptionFilter|NestInterceptor|@Catch\(", file.text)
        and re.search(r"\.(?:n?ack|reject)\(", file.text)
        for file in model.files
        if not file.is_python
    )
