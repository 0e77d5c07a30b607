"""The order in which Nest meets the providers of an application: root first, then its imports."""

from __future__ import annotations

from tidegate.review.model import Gateway, Model, Module

__all__ = ["in_order"]


def in_order(model: Model, gateways: list[Gateway]) -> tuple[list[Gateway], bool]:
    """Return gateways in the order in which Nest meets them, and whether that is known.

    Nest visits a module, then what it imports, one after the other and each to its end; within
    a module the order of ``providers`` counts.
    """
    places = _places(model, gateways[0].app) if gateways else {}
    names = [gateway.name for gateway in gateways]
    if len(gateways) < 2 or not all(name in places for name in names):
        return gateways, False
    if len(set(names)) != len(names):
        return gateways, False
    return sorted(gateways, key=lambda each: places[each.name]), True


def _places(model: Model, app: str) -> dict[str, int]:
    """Return the position of each provider; nothing if it can't be known."""
    modules = {
        each.owner.name: each for each in model.modules if model.app_of(each.owner.file) == app
    }
    imported = {name for each in modules.values() for name in each.lists.get("imports", ())}
    roots = [each for name, each in modules.items() if name not in imported]
    if len(roots) != 1:
        return {}
    providers: list[str] = []
    seen: set[str] = set()
    _visit(roots[0], modules, seen, providers)
    if any(not modules[name].is_complete for name in seen):
        return {}
    return {name: position for position, name in reversed(list(enumerate(providers)))}


def _visit(
    module: Module, modules: dict[str, Module], seen: set[str], providers: list[str]
) -> None:
    seen.add(module.owner.name)
    providers += module.lists.get("providers", ())
    for name in module.lists.get("imports", ()):
        if name in modules and name not in seen:
            _visit(modules[name], modules, seen, providers)
