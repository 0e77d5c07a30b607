"""Nest on RabbitMQ: what the transport is told, and the methods that consume."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.model.declarations import Class, Function
from tidegate.review.model.nest import app_of
from tidegate.review.model.parts import BrokerOptions, Consumer
from tidegate.review.model.project import Project
from tidegate.review.source import Call, Node, SourceFile

__all__ = ["broker_options", "consumers", "member_value"]

_APPLICATIONS = ("connectMicroservice", "createMicroservice")
_PATTERNS = ("EventPattern", "MessagePattern")
_LIBRARY = ("RabbitSubscribe", "RabbitRPC", "RabbitHandler")


def broker_options(project: Project, file: SourceFile) -> list[BrokerOptions]:
    """Return what RabbitMQ transports are told: in ``main.ts``, or where a shared function is."""
    found = []
    for node in file.root.find("object"):
        transport = node.pairs().get("transport")
        if transport is None or not transport.text.strip("'\"").endswith("RMQ") or _is_client(node):
            continue
        call = next((each for each in node.ancestors() if each.kind == "call_expression"), None)
        found.append(_options(project, Call(call or node), node, file, {}))
    for node in file.root.find("new_expression"):
        owner = project.class_named(file, Call(node).path)
        if Call(node).name == "ServerRMQ" or (owner and "ServerRMQ" in owner.bases):
            found.append(_strategy(project, node, owner))
    return [*found, *_shared(project, file)]


def _options(
    project: Project, call: Call, node: Node, file: SourceFile, given: dict[str, Node]
) -> BrokerOptions:
    """Return the options in a literal that names its transport."""
    value = member_value(project, node.pairs().get("options"))
    options = value.pairs() if value is not None and value.kind == "object" else {"...": node}
    options = {
        key: given.get(entry.text, entry) if entry.kind != "object" else entry
        for key, entry in options.items()
    }
    return BrokerOptions(call, _no_ack(project, options), options, app_of(project, file))


def _shared(project: Project, file: SourceFile) -> Iterator[BrokerOptions]:
    """Yield what a shared function makes for an application: ``service.getOptions('orders')``."""
    for call in file.calls:
        if call.name not in _APPLICATIONS or not call.args:
            continue
        value = project.value(call.args[0 if call.name == "connectMicroservice" else -1])
        while value is not None and value.kind in ("as_expression", "await_expression"):
            value = value.children[0]
        if value is None or value.kind != "call_expression":
            continue
        made = Call(value)
        target = project.target(made) or _of_injected(project, made)
        literal = next(
            (
                node
                for node in (target.body.find("object") if target else [])
                if (kind := node.pairs().get("transport")) and kind.text.endswith("RMQ")
            ),
            None,
        )
        if target is None or literal is None:
            continue
        given = {p.name: p.default for p in target.parameters if p.default is not None}
        given |= {
            p.name: arg for p, arg in zip(target.parameters, made.args, strict=False) if p.name
        }
        yield _options(project, call, literal, file, given)


def _of_injected(project: Project, call: Call) -> Function | None:
    """Return the method of ``const service = app.get(Service)``."""
    receiver = call.receiver
    made = project.value(receiver)
    if made is None or made.kind != "call_expression" or Call(made).name not in ("get", "resolve"):
        return None
    argument = Call(made).args[0] if Call(made).args else None
    owner = project.class_named(made.file, argument.text) if argument is not None else None
    return project.method(owner, call.name) if owner else None


def member_value(project: Project, node: Node | None) -> Node | None:
    """Return what a name or a member of a constant object (``config.options``) was set to."""
    if node is not None and node.kind == "member_expression":
        holder, name = node.field("object"), node.field("property")
        value = member_value(project, holder)
        if value is not None and value.kind in ("as_expression", "satisfies_expression"):
            value = value.children[0]
        if value is not None and value.kind == "object" and name is not None:
            return member_value(project, value.pairs().get(name.text)) or node
        return node
    value = project.value(node)
    if value is not None and value.kind in ("as_expression", "satisfies_expression"):
        return value.children[0]
    return value


def _strategy(project: Project, node: Node, owner: Class | None) -> BrokerOptions:
    """Return the options of a ``ServerRMQ``, or of a class derived from it."""
    holder: Node | None = Call(node).args[0] if Call(node).args else None
    if owner is not None:
        constructor = owner.methods.get("constructor")
        supers = [call for call in constructor.calls if call.path == "super"] if constructor else []
        holder = supers[0].args[0] if supers and supers[0].args else holder
    value = member_value(project, holder)
    options = value.pairs() if value is not None and value.kind == "object" else {"...": node}
    return BrokerOptions(Call(node), _no_ack(project, options), options, app_of(project, node.file))


def _no_ack(project: Project, options: dict[str, Node]) -> bool | None:
    if "noAck" in options:
        value = member_value(project, options["noAck"])
        return {"true": True, "false": False}.get(value.text) if value is not None else None
    return None if "..." in options else True


def _is_client(node: Node) -> bool:
    """Tell the options of a client that publishes from those of a server that consumes."""
    if "name" in node.pairs():
        return True  # an entry of ClientsModule
    for around in node.ancestors():
        if around.kind in ("call_expression", "new_expression"):
            name = Call(around).name
            if name in ("register", "registerAsync", "create") and "Clients" in Call(around).path:
                return True
            if "ClientProxyFactory" in Call(around).path or name == "ClientRMQ":
                return True
            if name in _APPLICATIONS:
                return False
        if around.kind == "object" and around.pairs().keys() & {"name", "provide"}:
            return True
        if around.kind == "decorator" and around.text.startswith("@Client("):
            return True
    return False


# Consumers


def consumers(
    project: Project, file: SourceFile, options: list[BrokerOptions], *, is_rabbit: bool
) -> list[Consumer]:
    """Return the methods with ``@EventPattern``, ``@MessagePattern``, ``@RabbitSubscribe``.

    Args:
        options: Of the whole project; those of the same application decide the ack mode.
        is_rabbit: The project has a RabbitMQ transport; without, only what uses RmqContext counts.
    """
    if "Pattern" not in file.text and "Rabbit" not in file.text:
        return []
    found = []
    app = app_of(project, file)
    own = [each for each in options if each.app == app] or [
        each for each in options if not each.app or not app
    ]
    modes = {each.no_ack for each in own}
    mode = None if len(modes) != 1 else modes.pop()
    is_library = project.imports_from(file, "@golevelup/nestjs-rabbitmq")
    for owner in project.classes(file).values():
        for method in owner.methods.values():
            for decorator in method.decorated(*_PATTERNS):
                context = next((p.name for p in method.parameters if "RmqContext" in p.type), "")
                others = " ".join(each.text for each in decorator.args[1:])
                if re.search(r"Transport\.(?!RMQ)", others) or not (context or (is_rabbit and own)):
                    continue
                if re.search(
                    r"\b(?:Kafka|Nats|Mqtt|Redis|Tcp|Grpc)Context\b", method.node.text[:600]
                ):
                    continue
                context = context or next(
                    (
                        p.name
                        for p in method.parameters
                        if any(d.name == "Ctx" for d in p.decorators)
                    ),
                    "",
                )
                found.append(_consumer(project, method, decorator.name, context))
                found[-1].is_manual = None if mode is None else not mode
                found[-1].pattern = decorator.args[0].string if decorator.args else None
            for decorator in method.decorated(*_LIBRARY) if is_library else []:
                consumer = _consumer(project, method, decorator.name, "")
                consumer.framework, consumer.is_manual = "golevelup", False
                value = member_value(project, decorator.args[0]) if decorator.args else None
                is_literal = value is not None and value.kind == "object"
                consumer.options = (
                    value.pairs() if value and is_literal else {"...": decorator.node}
                )
                consumer.queue = consumer.options.get("queue")
                found.append(consumer)
    return found


def _consumer(project: Project, method: Function, decorator: str, context: str) -> Consumer:
    node = method.node.field("name") or method.node
    app = app_of(project, method.file)
    replies = decorator in ("MessagePattern", "RabbitRPC")
    return Consumer("nest", node, method, None, None, context, app=app, replies=replies)
