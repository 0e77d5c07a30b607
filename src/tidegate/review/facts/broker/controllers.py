"""Whether Nest reads the patterns of a class: only if a module has it among its controllers."""

from __future__ import annotations

import re
from typing import Literal

from tidegate.review.model import Class, Consumer, Model

__all__ = ["is_read", "reading"]

_PROVIDERS = ("Injectable", "WebSocketGateway", "Resolver", "Processor", "Catch")


def is_read(model: Model, consumer: Consumer) -> bool:
    """Tell whether a consumer can get messages at all, as far as it is known."""
    owner = consumer.function.owner
    if consumer.framework != "nest" or owner is None:
        return True
    return reading(model, owner) != "no"


def reading(model: Model, owner: Class) -> Literal["yes", "no", "unknown"]:
    """Return whether the patterns in a class are read."""
    controllers, providers, is_complete = _lists(model)
    derived = {owner.name} | _derived(model, owner.name)
    if derived & controllers:
        return "yes"
    is_provider = bool(owner.decorated(*_PROVIDERS)) or owner.name in providers
    is_controller = bool(owner.decorated("Controller"))
    if not is_provider or (is_controller and owner.name not in providers):
        return "unknown"  # a base class, or a module that is not here
    return "no" if is_complete else "unknown"


def _derived(model: Model, name: str) -> set[str]:
    return {
        each.name
        for file in model.files
        if not file.is_python and name in file.text
        for each in model.project.classes(file).values()
        if name in each.bases
    }


def _lists(model: Model) -> tuple[set[str], set[str], bool]:
    """Return the names of all controllers and providers, and whether the first are complete."""
    known = model.found.get("controllers")
    if known is not None:
        found: tuple[set[str], set[str], bool] = known
        return found
    controllers: set[str] = set()
    providers: set[str] = set()
    is_complete = True
    for module in model.modules:
        controllers.update(module.lists.get("controllers", ()))
        providers.update(module.lists.get("providers", ()))
        text = " ".join(each.node.text for each in module.owner.decorated("Module"))
        if "controllers" in text and "controllers" not in module.lists:
            is_complete = is_complete and module.is_complete
    for file in model.files:
        # Dynamic modules, and arrays that are put together elsewhere.
        if not file.is_python and "ontrollers" in file.text:
            for listed in re.findall(
                r"\b\w*[cC]ontrollers\b[^=\[\n]*[=:]\s*\[([^\]]*)\]", file.text
            ):
                controllers.update(re.findall(r"\w+", listed))
            for pushed in re.findall(r"ontrollers\.push\(([^)]*)\)", file.text):
                controllers.update(re.findall(r"\w+", pushed))
    model.found["controllers"] = (controllers, providers, is_complete)
    return model.found["controllers"]  # type: ignore[no-any-return]
