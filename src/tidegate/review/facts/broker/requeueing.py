"""Where a message that failed goes back to its queue: by helpers, by publishing it again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.facts.broker.settling import in_catch, is_nack, requeues
from tidegate.review.model import Class, Consumer, Function, Model
from tidegate.review.source import FUNCTIONS, Call, Node

__all__ = ["by_helpers", "is_failing", "is_limited", "published_again", "setting"]

_LIMITS = re.compile(
    r"redelivered|x-death|x-delivery|deliveryCount|delivery_count|retr(?:y|ies)|attempt"
    r"|isRecoverable|[tT]ransient"
)
_COUNTS = re.compile(
    r"redelivered|x-death|x-\w*(?:retr|attempt|delivery)|(?:retr(?:y|ies)|attempts?)_?(?:count|s\b)"
    r"|max_?(?:retr|attempt)|expiration",
    re.IGNORECASE,
)
_ERRORS = r"(?:err|error|ex|exc|e|failure)\d?"
_GOOD = r"(?:\w*_)?(?:ok|success(?:ful|fully)?|succeeded|done|processed|handled|saved|sent|is_?ok)"
_MOST_CALLERS = 40


def is_failing(node: Node) -> bool:
    """Tell whether a node runs because something failed: in a catch, or where a result says so."""
    return in_catch(node) or _is_second_callback(node) or _is_bad_branch(node)


def _is_second_callback(node: Node) -> bool:
    """Tell ``then(done, failed)``."""
    for around in node.ancestors():
        if around.kind not in FUNCTIONS:
            continue
        parent = around.parent
        call = parent.parent if parent is not None and parent.kind == "arguments" else None
        if call is None or call.kind != "call_expression":
            return False
        if Call(call).name == "then":
            return Call(call).args[1:2] == [around]
    return False


def _is_bad_branch(node: Node) -> bool:
    for around in node.ancestors():
        if around.kind in FUNCTIONS:
            return False
        if around.kind != "if_statement":
            continue
        condition, then = around.field("condition"), around.field("consequence")
        if condition is None or then is None or condition.start <= node.start < condition.end:
            continue
        text = condition.text.strip("()").strip()
        is_then = then.start <= node.start < then.end
        bad = rf"{_ERRORS}(?: (?:is not None|!==? null))?|(?:!|not )\(?{_GOOD}\)?"
        bad += rf"|{_GOOD} (?:===|==|is) (?:false|False)"
        good = rf"{_GOOD}|(?:!|not ){_ERRORS}|{_GOOD} (?:===|==|is) (?:true|True)"
        if re.fullmatch(bad if is_then else good, text, re.IGNORECASE):
            return True
    return False


def is_limited(call: Call) -> bool:
    """Tell whether something around it counts, or tells the first time from the second."""
    for around in call.node.ancestors():
        if around.kind in ("if_statement", "ternary_expression", "conditional_expression"):
            condition = around.field("condition")
            if condition is not None and _LIMITS.search(condition.text):
                return True
        if around.kind in ("method_definition", "function_definition", "function_declaration"):
            break
    function = call.node.function
    return function is not None and bool(re.search(r"x-death|redelivered", function.text))


# Helpers


def by_helpers(model: Model, consumer: Consumer) -> Iterator[Call]:
    """Yield the calls that put a message back in functions that a consumer's catches call."""
    seen: set[Node] = set()
    for function in model.project.reach(consumer.function)[:_MOST_CALLERS]:
        for call in function.calls:
            target = model.project.target(call, function)
            if target is None or target.node in seen or target.node == consumer.function.node:
                continue
            if not is_failing(call.node) or is_limited(call):
                continue
            seen.add(target.node)
            for inner in target.calls:
                if not is_nack(inner) or is_failing(inner.node) or is_limited(inner):
                    continue
                if model.project.target(inner, target) is not None or _COUNTS.search(
                    target.node.text
                ):
                    continue
                if requeues(inner) or _is_given(target, inner, call):
                    yield inner


def _is_given(target: Function, inner: Call, call: Call) -> bool:
    """Tell whether a helper requeues because its caller says so: ``nack(context, true)``."""
    names = [each.name for each in target.parameters]
    for arg in [*inner.args[1:], *inner.keywords.values()]:
        if arg.text not in names or not re.search(r"requeue", arg.text, re.IGNORECASE):
            continue
        parameter = target.parameters[names.index(arg.text)]
        place = names.index(arg.text) - (names[:1] == ["self"])
        given = call.arg(place, arg.text) or parameter.default
        return given is not None and given.text in ("true", "True")
    return False


# Published again


def published_again(model: Model, consumer: Consumer) -> Iterator[Call]:
    """Yield where what failed is published to the very queue that it came from."""
    if consumer.queue is None or _COUNTS.search(consumer.function.node.text):
        return
    for call in consumer.function.calls:
        if call.name not in ("sendToQueue", "basic_publish", "publish") or not is_failing(
            call.node
        ):
            continue
        queue = _queue_of(call)
        if queue is not None and _is_same(model, queue, consumer.queue) and not is_limited(call):
            yield call


def _queue_of(call: Call) -> Node | None:
    if call.name == "sendToQueue":
        return call.arg(0)
    exchange = call.arg(0, "exchange")
    if call.name == "basic_publish" or not call.file.is_python:
        is_default = exchange is not None and exchange.string == ""
        return call.arg(1, "routing_key") if is_default else None
    is_default = call.receiver is not None and call.receiver.text.endswith("default_exchange")
    return call.arg(1, "routing_key") if is_default else None


def _is_same(model: Model, one: Node, other: Node) -> bool:
    if one.text == other.text or one.text == f"{other.text}.name":
        return True
    first, second = model.project.value(one), model.project.value(other)
    text = first.string if first is not None else None
    return text is not None and second is not None and second.string == text


# Settings


def setting(model: Model, node: Node) -> bool | None:
    """Return a flag that a constant, a class or a parameter's default holds; None if unknown."""
    value = model.project.value(node)
    if value is not None and value.text in ("True", "False"):
        return value.text == "True"
    if re.fullmatch(r"(?:self\.)?_?\w*(?:settings|config|cfg|conf)\w*\.\w+", node.text, re.I):
        return _of_settings(model, node)
    match = re.fullmatch(r"self\.(\w+)", node.text)
    owner = model.project.owner(node)
    if match is None or owner is None:
        return None
    held = [
        right
        for each in owner.node.find("assignment")
        for left, right in [(each.field("left"), each.field("right"))]
        if left is not None and right is not None and left.text in (node.text, match[1])
    ]
    if len(held) != 1:
        return None
    if held[0].text in ("True", "False"):
        return held[0].text == "True"
    return _of_parameter(model, owner, held[0].text)


def _of_parameter(model: Model, owner: Class, name: str) -> bool | None:
    """Return what a constructor's parameter is, if all that make the class leave its default."""
    constructor = owner.methods.get("__init__")
    parameters = constructor.parameters if constructor is not None else []
    names = [each.name for each in parameters]
    if name not in names or (default := parameters[names.index(name)].default) is None:
        return None
    given: set[bool | None] = set()
    for file in model.project.files.values():
        if not file.is_python or file.is_test or f"{owner.name}(" not in file.text:
            continue
        for call in file.calls:
            if call.name == owner.name:
                told = call.arg(names.index(name) - 1, name)
                is_open = told is None and "..." in call.keywords
                given.add(None if is_open else setting(model, told or default))
    return given.pop() if len(given) == 1 else None if given else setting(model, default)


def _of_settings(model: Model, node: Node) -> bool | None:
    """Return the default of a field of settings, in a file that this one imports."""
    name = node.text.rpartition(".")[2]
    field = rf"^\s+{name}\s*(?::\s*bool\s*)?=\s*(?:Field\(\s*(?:default\s*=\s*)?)?(True|False)\b"
    for local in model.project.imports(node.file):
        if not re.search(r"settings|config|cfg|conf", local, re.IGNORECASE):
            continue
        file = model.project.imported_file(node.file, local)
        match = re.search(field, file.text, re.MULTILINE) if file is not None else None
        if match:
            return match[1] == "True"
    return None
