"""``module-not-imported``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.module.made import listing
from tidegate.review.facts.module.modules import (
    added_to,
    has_jwt,
    has_root,
    is_derived,
    is_whole,
    mentions,
    path_between,
)
from tidegate.review.facts.tokens import guard_classes
from tidegate.review.model import Class, Model, Module
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Node

_IMPORTS = """\
import { Module } from '@nestjs/common';
"""
_GATEWAY = """\
import { WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway({ namespace: 'orders' })
export class OrdersGateway {}
"""
_JWT_GATEWAY = """\
import { WebSocketGateway } from '@nestjs/websockets';
import { JwtService } from '@nestjs/jwt';

@WebSocketGateway({ namespace: 'orders' })
export class OrdersGateway {
  constructor(private readonly jwt: JwtService) {}
}
"""

RULE = Rule(
    name="module-not-imported",
    topic="module",
    severity="high",
    languages=("typescript",),
    summary="Nest does not know a gateway, a consumer or what it needs.",
    why=(
        "Nest only makes what the modules list, beginning with the module it is started with. A "
        "gateway in no list of `providers` listens to nobody; a module that none imports is not "
        "there, without a word in the log. A `JwtService` without its module ends the start."
    ),
    remedy="List the class in a module, and import that module where the application begins.",
    examples=(
        Example(
            "typescript",
            bad=_IMPORTS
            + _GATEWAY
            + """
@Module({ providers: [] })
export class OrdersModule {}
""",
            good=_IMPORTS
            + _GATEWAY
            + """
@Module({ providers: [OrdersGateway] })
export class OrdersModule {}
""",
        ),
        Example(
            "typescript",
            title="JwtModule",
            bad=_IMPORTS
            + _JWT_GATEWAY
            + """
@Module({ providers: [OrdersGateway] })
export class OrdersModule {}
""",
            good=_IMPORTS
            + _JWT_GATEWAY.replace("{ JwtService }", "{ JwtModule, JwtService }")
            + """
@Module({ imports: [JwtModule.register({ publicKey })], providers: [OrdersGateway] })
export class OrdersModule {}
""",
        ),
        Example(
            "typescript",
            title="A module that none imports",
            bad=_IMPORTS
            + "import { NestFactory } from '@nestjs/core';\n"
            + _GATEWAY
            + """
@Module({ providers: [OrdersGateway] })
export class OrdersModule {}

@Module({ imports: [] })
export class AppModule {}

await NestFactory.create(AppModule);
""",
            good=_IMPORTS
            + "import { NestFactory } from '@nestjs/core';\n"
            + _GATEWAY
            + """
@Module({ providers: [OrdersGateway] })
export class OrdersModule {}

@Module({ imports: [OrdersModule] })
export class AppModule {}

await NestFactory.create(AppModule);
""",
        ),
    ),
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look for what no module lists, and for modules that none imports."""
    if not model.modules:
        return
    realtime: set[Node] = set()
    for gateway in model.gateways:
        if gateway.framework == "nest" and gateway.owner is not None:
            yield from _provided(model, gateway.owner, "providers", "gateway")
            realtime.add(gateway.owner.node)
    consumers = {
        each.function.owner.node: each.function.owner
        for each in model.consumers
        if each.framework == "nest" and each.function.owner is not None
    }
    for owner in consumers.values():
        realtime.add(owner.node)
        if owner.decorated("Controller"):
            yield from _provided(model, owner, "controllers", "consumer")
    realtime |= {owner.node for owner in _pattern_classes(model)}
    for module in model.modules:
        listed = [*module.lists.get("providers", ()), *module.lists.get("controllers", ())]
        classes = [model.project.class_named(module.owner.file, name) for name in listed]
        if any(each is not None and each.node in realtime for each in classes):
            yield from _imported(model, module)
    yield from _jwt(model)


def _pattern_classes(model: Model) -> Iterator[Class]:
    """Yield controllers of messages, whatever brings them: Redis, Kafka, TCP."""
    for file in model.files:
        if file.is_python or not re.search(r"@(?:Event|Message)Pattern\(", file.text):
            continue
        for owner in model.project.classes(file).values():
            methods = owner.methods.values()
            if any(each.decorated("EventPattern", "MessagePattern") for each in methods):
                yield owner


def _provided(model: Model, owner: Class, key: str, what: str) -> Iterator[Finding]:
    """Yield a finding if no module lists a class."""
    found = listing(model, owner, key)
    node = owner.node.field("name") or owner.node
    if found.verdict == "unseen":
        yield RULE.could_not_tell(node, f"The module of this {what} can't be seen.")
    elif found.verdict == "elsewhere":
        yield RULE.could_not_tell(node, f"The module of this {what} may be elsewhere.")
    if found.module is None:
        return
    message = f"No module has this {what} among its `{key}`, so Nest does not make it."
    source = path_between(found.module.owner.file, owner.file)
    yield RULE.fault(node, message, fix=added_to(found.module, key, owner.name, source))


def _imported(model: Model, module: Module) -> Iterator[Finding]:
    """Yield a finding if no module imports one with a gateway or consumer."""
    owner = module.owner
    app = model.app_of(owner.file)
    if not has_root(model, app) or _is_live(model, module, set()):
        return
    if not owner.name or _is_exported_as_default(owner) or is_derived(model, owner.name):
        return
    node = owner.node.field("name") or owner.node
    if not is_whole(model, app, "imports"):
        yield RULE.could_not_tell(node, "Whether this module is imported can't be seen.")
        return
    message = "No module imports this one, so its gateways and consumers are not there."
    root = _root(model, app)
    fix = None
    if root is not None:
        fix = added_to(root, "imports", owner.name, path_between(root.owner.file, owner.file))
    yield RULE.fault(node, message, fix=fix)


def _is_live(model: Model, module: Module, seen: set[Node]) -> bool:
    """Tell whether a module is named where it counts: not only by modules that none imports."""
    owner = module.owner
    seen.add(owner.node)
    for node in mentions(model, owner.name):
        if not _means(model, node, owner):
            continue
        around = next((each for each in model.modules if _lists(each, node)), None)
        if around is None or (around.owner.node not in seen and _is_live(model, around, seen)):
            return True
    return False


def _lists(module: Module, node: Node) -> bool:
    """Tell whether a name stands in the ``imports`` or ``exports`` of a module's decorator."""
    if module.owner.file is not node.file or node.enclosing("statement_block") is not None:
        return False
    return any(
        each.node.start <= node.start < each.node.end for each in module.owner.decorated("Module")
    )


def _means(model: Model, node: Node, owner: Class) -> bool:
    """Tell whether a name means this class, not another of the same name."""
    found = model.project.class_named(node.file, node.text)
    if found is not None:
        return found.node == owner.node
    imported = model.project.imports(node.file).get(node.text)
    if imported is None:
        return True
    stem = owner.file.name.rpartition("/")[2].removesuffix(".ts")
    return (
        imported.module.rpartition("/")[2] in (stem, "", ".", "..")
        or "." not in (imported.module.rpartition("/")[2])
    )


def _is_exported_as_default(owner: Class) -> bool:
    return f"export default {owner.name}" in owner.file.text or (
        owner.node.parent is not None and owner.node.parent.text.startswith("export default")
    )


def _root(model: Model, app: str) -> Module | None:
    """Return the module that the application is started with."""
    for file in model.files:
        if file.is_python or "NestFactory.create" not in file.text or model.app_of(file) != app:
            continue
        for call in file.calls:
            if call.path.startswith("NestFactory.create") and call.args:
                owner = model.project.class_named(file, call.args[0].text)
                for module in model.modules:
                    if owner is not None and module.owner.node == owner.node:
                        return module
    return None


def _jwt(model: Model) -> Iterator[Finding]:
    """Look at modules with a gateway, or a gateway's guard, that has ``JwtService`` injected."""
    seen: set[Node] = set()
    for gateway in model.gateways:
        if gateway.framework != "nest" or gateway.owner is None:
            continue
        needing = [gateway.owner, *(guard for guard, _ in guard_classes(model, gateway))]
        needing = [owner for owner in needing if _injects_jwt(model, owner)]
        for module in model.modules:
            if not needing or gateway.owner.name not in module.lists.get("providers", ()):
                continue
            if model.project.class_named(module.owner.file, gateway.owner.name) is None:
                continue
            if module.owner.node in seen or has_jwt(model, module) is not False:
                continue
            seen.add(module.owner.node)
            node = module.owner.node.field("name") or module.owner.node
            message = f"`{needing[0].name}` needs `JwtService`, and this module has no `JwtModule`."
            yield RULE.fault(
                node, message, fix=added_to(module, "imports", "JwtModule", "@nestjs/jwt")
            )


def _injects_jwt(model: Model, owner: Class) -> bool:
    constructor = owner.methods.get("constructor")
    if constructor is None:
        return False
    imported = model.project.imports(owner.file).get("JwtService")
    if imported is None or imported.module != "@nestjs/jwt":
        return False
    return any(
        parameter.type == "JwtService"
        and not any(each.name == "Optional" for each in parameter.decorators)
        for parameter in constructor.parameters
    )
