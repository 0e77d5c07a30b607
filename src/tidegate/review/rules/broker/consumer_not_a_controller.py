"""``consumer-not-a-controller``."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.facts.broker.controllers import reading
from tidegate.review.fix import Edit, Fix, replaced, suggested
from tidegate.review.model import Class, Decorator, Model
from tidegate.review.registry import Example, Rule, rule

RULE = Rule(
    name="consumer-not-a-controller",
    topic="broker",
    severity="high",
    languages=("typescript",),
    summary="A method waits for events in a class that is no controller.",
    why=(
        "Nest looks for `@EventPattern` and `@MessagePattern` in the classes that a module lists "
        "as controllers, and nowhere else. In a provider or a gateway they do nothing: no "
        "error, no warning, and every message is dropped as one that nobody handles."
    ),
    remedy="Move the method to a class with `@Controller()`, listed in a module's `controllers`.",
    examples=(
        Example(
            "typescript",
            bad="""\
import { Injectable, Module } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';

@Injectable()
export class OrdersConsumer {
  @EventPattern('order.paid')
  async paid(@Payload() order: { id: string }) {
    await markPaid(order.id);
  }
}

@Module({ providers: [OrdersConsumer] })
export class OrdersModule {}
""",
            good="""\
import { Controller, Module } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';

@Controller()
export class OrdersConsumer {
  @EventPattern('order.paid')
  async paid(@Payload() order: { id: string }) {
    await markPaid(order.id);
  }
}

@Module({ controllers: [OrdersConsumer] })
export class OrdersModule {}
""",
        ),
        Example(
            "typescript",
            title="In a gateway",
            bad="""\
import { EventPattern, Payload } from '@nestjs/microservices';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { Server } from 'socket.io';

@WebSocketGateway()
export class OrdersGateway {
  @WebSocketServer() server: Server;

  @EventPattern('order.paid')
  paid(@Payload() order: { id: string; tenant: string }) {
    this.server.to(`tenant:${order.tenant}`).emit('order.paid', order);
  }
}
""",
            good="""\
import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { OrdersGateway } from './orders.gateway';

@Controller()
export class OrdersConsumer {
  constructor(private readonly gateway: OrdersGateway) {}

  @EventPattern('order.paid')
  paid(@Payload() order: { id: string; tenant: string }) {
    this.gateway.paid(order);
  }
}
""",
        ),
    ),
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look for patterns in classes that no module has among its controllers."""
    for file in model.files:
        if file.is_python or not model.project.imports_from(file, "@nestjs/microservices"):
            continue
        if "Pattern" not in file.text:
            continue
        for owner in model.project.classes(file).values():
            patterns = [
                decorator
                for method in owner.methods.values()
                for decorator in method.decorated("EventPattern", "MessagePattern")
                if _is_nest(model, decorator)
            ]
            if patterns:
                yield from _judged(model, owner, patterns)


def _judged(model: Model, owner: Class, patterns: list[Decorator]) -> Iterator[Finding]:
    verdict = reading(model, owner)
    if verdict == "yes" or (verdict == "unknown" and owner.decorated("Controller")):
        return
    node = patterns[0].node
    if verdict == "unknown":
        yield RULE.could_not_tell(node, f"It isn't seen whether `{owner.name}` is a controller.")
        return
    others = f", and {len(patterns) - 1} more in it," if len(patterns) > 1 else ""
    what = "a gateway" if owner.decorated("WebSocketGateway") else "no controller"
    message = f"`{owner.name}` is {what}: this pattern{others} is never read."
    yield RULE.fault(node, message, fix=_fix(model, owner, patterns))


def _is_nest(model: Model, decorator: Decorator) -> bool:
    imported = model.project.imports(decorator.node.file).get(decorator.name)
    return imported is not None and imported.module == "@nestjs/microservices"


def _fix(model: Model, owner: Class, patterns: list[Decorator]) -> Fix | None:
    """Make it a controller, if it is nothing else: no other class asks for it."""
    injectable = owner.decorated("Injectable")
    is_more = any(
        each.name not in ("EventPattern", "MessagePattern")
        for method in owner.methods.values()
        for each in method.decorators
    )
    if (
        not injectable
        or is_more
        or len(patterns) < len(_public(owner))
        or _is_injected(model, owner)
    ):
        return None
    edits = [replaced(injectable[0].node, "@Controller()"), *_imported(owner)]
    for module in model.modules:
        edits += _moved(owner, module.owner)
    return suggested(*edits)


def _public(owner: Class) -> list[str]:
    return [
        name
        for name, method in owner.methods.items()
        if name != "constructor"
        and not method.node.text.startswith(("private", "protected", "#", "async #"))
    ]


def _is_injected(model: Model, owner: Class) -> bool:
    return any(
        owner.name in other.fields.values()
        for file in model.files
        if not file.is_python and owner.name in file.text
        for other in model.project.classes(file).values()
    )


def _imported(owner: Class) -> list[Edit]:
    for node in owner.file.root.find("import_specifier"):
        if node.text == "Injectable":
            is_used = owner.file.text.count("@Injectable(") > 1
            has_controller = "Controller" in (node.parent.text if node.parent is not None else "")
            if has_controller:
                return []
            return [replaced(node, "Controller, Injectable" if is_used else "Controller")]
    return []


def _moved(owner: Class, module: Class) -> list[Edit]:
    """Return the edits that take a class from a module's providers to its controllers."""
    for decorator in module.decorated("Module"):
        lists = decorator.args[0].pairs() if decorator.args else {}
        providers, controllers = lists.get("providers"), lists.get("controllers")
        if providers is None or providers.kind != "array":
            continue
        names = [each.text for each in providers.children]
        if owner.name not in names:
            continue
        rest = [name for name in names if name != owner.name]
        edits = [replaced(providers, f"[{', '.join(rest)}]")]
        if controllers is None:
            text = f"[{', '.join(rest)}],\n  controllers: [{owner.name}]"
            pair = providers.parent
            if not rest and pair is not None:
                return [replaced(pair, f"controllers: [{owner.name}]")]
            return [replaced(providers, text)]
        known = [each.text for each in controllers.children]
        return [*edits, replaced(controllers, f"[{', '.join([*known, owner.name])}]")]
    return []
