"""Nest modules of a project: what they provide, import and export, and who names a class."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from tidegate.review.fix import Edit, Fix, inserted_after, replaced, suggested, with_entry
from tidegate.review.model import Class, Model, Module
from tidegate.review.source import Node, SourceFile

__all__ = [
    "added_to",
    "has_jwt",
    "has_root",
    "is_derived",
    "is_provided",
    "is_whole",
    "mentions",
    "nearest",
    "path_between",
]

_NOT_PROVIDING = ("exports", "inject", "imports")


def mentions(model: Model, name: str) -> Iterator[Node]:
    """Yield where a class is named, other than in its declaration, imports and types."""
    for file in model.project.files.values():
        if file.is_python or file.is_test or name not in file.text:
            continue
        for node in file.root.find("identifier", "shorthand_property_identifier"):
            if node.text != name:
                continue
            parent = node.parent
            kind = parent.kind if parent is not None else ""
            if kind not in ("import_specifier", "import_clause", "class_declaration"):
                yield node


def is_provided(model: Model, name: str) -> bool:
    """Tell whether a list of providers or controllers has a class, or may have it."""
    return any(_provides(node) for node in mentions(model, name))


def _provides(node: Node) -> bool:
    for around in node.ancestors():
        if around.kind == "pair":
            key = around.field("key")
            name = key.text.strip("'\"") if key is not None else ""
            if name in ("useClass", "useExisting", "useFactory", "providers", "controllers"):
                return True
            if name in _NOT_PROVIDING:
                return False
        if around.kind in ("statement_block", "class_body", "program"):
            break
        if around.kind == "new_expression":
            return True  # somebody makes it by hand
    array = node.enclosing("array")
    return array is not None


def is_derived(model: Model, name: str) -> bool:
    """Tell whether other classes extend a class."""
    return any(
        name in each.bases
        for file in model.files
        if not file.is_python and name in file.text
        for each in model.project.classes(file).values()
    )


def has_root(model: Model, app: str) -> bool:
    """Tell whether the start of an application is among the files, so that no module is missing."""
    return any(
        "NestFactory.create" in file.text and (model.app_of(file) == app or not app)
        for file in model.project.files.values()
        if not file.is_python and not file.is_test
    )


def is_whole(model: Model, app: str, key: str) -> bool:
    """Tell whether a list of all modules of an application is known."""
    for module in model.modules:
        if model.app_of(module.owner.file) != app:
            continue
        if {key, "..."} & module.unknown:
            return False
        for name in module.lists.get("imports", ()):
            if _is_missing(model, module.owner.file, name):
                return False
    return True


def _is_missing(model: Model, file: SourceFile, name: str) -> bool:
    """Tell whether a module comes from a file of the project that is not here."""
    imported = model.project.imports(file).get(name)
    if imported is None or model.project.class_named(file, name) is not None:
        return False
    return imported.module.startswith((".", "src/", "@/", "~/", "@app/"))


def nearest(model: Model, owner: Class) -> Module | None:
    """Return the module that a class should most likely be in: that of its folder."""
    folder = os.path.dirname(owner.file.name)
    own = [
        each for each in model.modules if model.app_of(each.owner.file) == model.app_of(owner.file)
    ]
    near = [each for each in own if _is_above(os.path.dirname(each.owner.file.name), folder)]
    return max(near, key=lambda each: len(each.owner.file.name.split("/")), default=None)


def _is_above(folder: str, inner: str) -> bool:
    return not folder or inner == folder or inner.startswith(f"{folder}/")


# JwtModule


def has_jwt(model: Model, module: Module) -> bool | None:
    """Tell whether what a module provides can have ``JwtService`` injected; None if unknown."""
    if _is_global(model) or "JwtService" in module.lists.get("providers", ()):
        return True
    if {"imports", "providers", "..."} & module.unknown:
        return None
    answers = [
        _gives_jwt(model, module.owner.file, name, 0) for name in module.lists.get("imports", ())
    ]
    if True in answers:
        return True
    return None if None in answers else False


def _gives_jwt(model: Model, file: SourceFile, name: str, depth: int) -> bool | None:
    """Tell whether importing a module brings ``JwtService``."""
    imported = model.project.imports(file).get(name)
    if name == "JwtModule" or (imported is not None and imported.name == "JwtModule"):
        return True
    owner = model.project.class_named(file, name)
    if owner is None:
        return None if _is_missing(model, file, name) or imported is None else False
    module = next((each for each in model.modules if each.owner.node == owner.node), None)
    if module is None or depth > 5 or {"exports", "..."} & module.unknown:
        return None
    if len(owner.methods) and re.search(r"\bexports\b", _methods_text(owner)):
        return None  # a dynamic module
    exported = module.lists.get("exports", [])
    if "JwtService" in exported:
        return True
    answers = [_gives_jwt(model, owner.file, each, depth + 1) for each in exported if each != name]
    modules = [
        answer
        for each, answer in zip([e for e in exported if e != name], answers, strict=True)
        if each.endswith("Module") or answer
    ]
    if True in modules:
        return True
    return None if None in modules else False


def _methods_text(owner: Class) -> str:
    return "\n".join(method.node.text for method in owner.methods.values())


def _is_global(model: Model) -> bool:
    if "global jwt" not in model.found:
        found = False
        for file in model.files:
            if not file.is_python and "JwtModule" in file.text:
                found = found or bool(re.search(r"\b(?:global|isGlobal)\s*:\s*true", file.text))
        for module in model.modules:
            if module.owner.decorated("Global"):
                exported = module.lists.get("exports", [])
                file = module.owner.file
                found = found or {"exports", "..."} & module.unknown != set()
                found = found or "JwtService" in exported
                found = found or any(_gives_jwt(model, file, each, 1) for each in exported)
        model.found["global jwt"] = found
    known: bool = model.found["global jwt"]
    return known


# Corrections


def added_to(module: Module, key: str, name: str, source: str = "") -> Fix | None:
    """Add a name to a list of a module, and import it.

    Args:
        source: Where to import it from; empty to make that out of where the class is.
    """
    decorator = module.owner.decorated("Module")[0]
    literal = decorator.args[0] if decorator.args else None
    if literal is None or literal.kind != "object":
        return None
    code = f"{name}.register({{}}) /* its secret and options */" if name == "JwtModule" else name
    listed = literal.pairs().get(key)
    if listed is None:
        edit = with_entry(literal, key, f"[{code}]")
    elif listed.kind == "array":
        edit = _appended(listed, code)
    else:
        return None
    return suggested(edit, *_import(module.owner.file, name, source))


def _appended(array: Node, code: str) -> Edit:
    if not array.children:
        return replaced(array, f"[{code}]")
    last = array.children[-1]
    is_own_line = last.line != array.line
    line = array.file.line(last.line)
    gap = "\n" + line[: len(line) - len(line.lstrip())] if is_own_line else " "
    return inserted_after(last, f",{gap}{code}")


def _import(file: SourceFile, name: str, source: str) -> list[Edit]:
    if re.search(rf"\b(?:import\b[^;]*\b{name}\b|class {name}\b)", file.text) or not source:
        return []
    for node in file.root.children:
        if node.kind == "import_statement":
            quote = '"' if '"' in node.text else "'"
            line = f"import {{ {name} }} from {quote}{source}{quote};\n"
            return [Edit(file.name, node.start, node.start, line)]
    return []


def path_between(file: SourceFile, other: SourceFile) -> str:
    """Return how one file imports another."""
    path = os.path.relpath(other.name, os.path.dirname(file.name) or ".").replace(os.sep, "/")
    path = re.sub(r"\.(?:ts|js|mts)$", "", path)
    return path if path.startswith(".") else f"./{path}"
