"""All files of a review, with names resolved across them.

Files with realtime code are parsed at the start. Others are parsed when an import of those leads
to them, and not otherwise. What can't be resolved is None: a rule then says "could not tell".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from tidegate.review.diagnostic import Note
from tidegate.review.discover import LANGUAGES, read
from tidegate.review.model.declarations import (
    Class,
    Function,
    Import,
    classes_of,
    functions_of,
    imports_of,
)
from tidegate.review.model.exports import common_functions, main_export
from tidegate.review.model.places import aliases_in, places
from tidegate.review.source import FUNCTIONS, Call, Node, SourceFile

__all__ = ["Project", "decode"]

_MAX_REACH = 120


class Project:
    """What rules look at; ``model.build`` adds gateways and the like, see ``Model``."""

    def __init__(
        self,
        root: Path,
        names: Iterable[str],
        notes: list[Note],
        texts: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.root = root
        self._given = texts
        self.notes = notes
        self.names = set(names)
        self.files: dict[str, SourceFile] = {}
        self.apps: dict[str, str] = {}  # by folder; see ``nest.app_of``
        self._imports: dict[str, dict[str, Import]] = {}
        self._classes: dict[str, dict[str, Class]] = {}
        self._functions: dict[str, dict[str, Function]] = {}
        self._constants: dict[str, dict[str, Node | None]] = {}
        self._reached: dict[Node, list[Function]] = {}

    def add(self, name: str, data: bytes, *, is_realtime: bool = True) -> SourceFile:
        """Take a file in; it is parsed when first looked at."""
        path = self.root / name
        language = LANGUAGES[path.suffix.lower()]
        self.files[name] = SourceFile(path, name, language, decode(data), is_realtime)
        return self.files[name]

    @property
    def realtime_files(self) -> list[SourceFile]:
        """Return the files that the cheap look chose, without tests."""
        return [file for file in self.files.values() if file.is_realtime and not file.is_test]

    def file(self, name: str) -> SourceFile | None:
        """Return a file of the project by its name, parsed on demand."""
        if name in self.files:
            return self.files[name]
        if name not in self.names:
            return None
        given = self._given.get(name)
        data = read(self.root / name, name, []) if given is None else given.encode()
        return None if data is None else self.add(name, data, is_realtime=False)

    # What files declare

    def imports(self, file: SourceFile) -> dict[str, Import]:
        """Return what a file imports, by local name."""
        if file.name not in self._imports:
            self._imports[file.name] = imports_of(file)
        return self._imports[file.name]

    def classes(self, file: SourceFile) -> dict[str, Class]:
        """Return the classes of a file, by name."""
        if file.name not in self._classes:
            self._classes[file.name] = {each.name: each for each in classes_of(file)}
        return self._classes[file.name]

    def functions(self, file: SourceFile) -> dict[str, Function]:
        """Return the functions of a file that are no methods, by name."""
        if file.name not in self._functions:
            known = {} if file.is_python else common_functions(file)
            self._functions[file.name] = {**known, **functions_of(file)}
        return self._functions[file.name]

    def imports_from(self, file: SourceFile, *modules: str) -> bool:
        """Tell whether a file imports one of these modules, or a part of it."""
        return any(
            each.module == module or each.module.startswith((f"{module}/", f"{module}."))
            for each in self.imports(file).values()
            for module in modules
        )

    # Names across files

    def resolve(self, file: SourceFile, name: str) -> Class | Function | None:
        """Return the class or function that a name means in a file."""
        return self._resolve(file, name, 0)

    def imported_file(self, file: SourceFile, name: str) -> SourceFile | None:
        """Return the file of the project that a name is imported from."""
        imported = self.imports(file).get(name)
        return None if imported is None else self._imported_file(file, imported)

    def class_named(self, file: SourceFile, name: str) -> Class | None:
        """Return the class that a name means in a file; type arguments are left out."""
        found = self.resolve(file, re.split(r"[<\[|& ]", name, maxsplit=1)[0].strip("'\""))
        return found if isinstance(found, Class) else None

    def lineage(self, owner: Class) -> tuple[list[Class], bool]:
        """Return a class and its base classes, and whether all of them were found."""
        found, waiting, complete = [owner], [owner], True
        while waiting:
            each = waiting.pop(0)
            for base in each.bases:
                parent = self.class_named(each.file, base)
                if parent is None:
                    complete = complete and self._is_known(each.file, base)
                elif parent not in found:
                    found.append(parent)
                    waiting.append(parent)
        return found, complete

    def method(self, owner: Class, name: str) -> Function | None:
        """Return a method of a class or of its bases."""
        for each in self.lineage(owner)[0]:
            if name in each.methods:
                return each.methods[name]
        return None

    def target(self, call: Call, inside: Function | None = None) -> Function | None:
        """Return the function that a call runs, if it is in the project.

        Resolved are functions, methods of ``this`` and ``self``, of injected fields
        (``this.service.method()``), of classes and of modules (``module.function()``).
        """
        receiver = call.receiver
        file = call.file
        if receiver is None:
            if call.is_new:
                return None
            if call.callee is not None and call.callee.kind == "call_expression":
                return self._required(Call(call.callee))
            found = self.resolve(file, call.name)
            return found if isinstance(found, Function) else None
        owner = inside.owner if inside else None
        if owner is None and re.match(r"(?:this|self)\b", receiver.text):
            owner = self.owner(call.node)
        text = receiver.text.replace("!", "").replace("?.", ".")
        alias = re.match(r"(?:_this|that|self)\b", text)
        if alias and not file.is_python and f"{alias[0]} = this" in file.text:
            text, owner = f"this{text[alias.end() :]}", owner or self.owner(call.node)
        if text in ("this", "self", "super", "super()"):
            return self.method(owner, call.name) if owner else None
        match = re.fullmatch(r"(?:this|self)\.(#?\w+)", text)
        if match and owner:
            for each in self.lineage(owner)[0]:
                if match[1] in each.fields:
                    type_ = self.class_named(each.file, each.fields[match[1]])
                    return self.method(type_, call.name) if type_ else None
            return None
        if re.fullmatch(r"\w+", text):
            return self._member(file, text, call.name)
        if receiver.kind == "new_expression":
            made = self.class_named(file, Call(receiver).path)
            return self.method(made, call.name) if made else None
        return None

    def _required(self, call: Call) -> Function | None:
        """Return the function that ``require('./chat')(io)`` calls at once."""
        module = call.args[0].string if call.name == "require" and call.args else None
        target = self._module_file(call.file, module) if module else None
        found = self._main_export(target, 0) if target is not None else None
        return found if isinstance(found, Function) else None

    def owner(self, node: Node) -> Class | None:
        """Return the class around a node."""
        around = node.enclosing(
            "class_definition", "class_declaration", "abstract_class_declaration", "class"
        )
        name = around.field("name") if around is not None else None
        return self.classes(node.file).get(name.text) if name is not None else None

    def reach(self, function: Function) -> list[Function]:
        """Return a function and all that it calls in the project, near ones first."""
        known = self._reached.get(function.node)
        if known is not None:
            return known
        seen = {function.node}
        reached = [function]
        for each in reached:
            for call in each.calls:
                found = self.target(call, each) or self._constructor(call)
                if found is not None and found.node not in seen and len(seen) < _MAX_REACH:
                    seen.add(found.node)
                    reached.append(found)
        self._reached[function.node] = reached
        return reached

    def _constructor(self, call: Call) -> Function | None:
        made = self.class_named(call.file, call.path) if call.is_new else None
        return self.method(made, "constructor") if made is not None else None

    def value(self, node: Node | None) -> Node | None:
        """Return what a name was set to, here or where it is imported from; else the node."""
        for _ in range(4):
            if node is None or node.kind not in ("identifier", "shorthand_property_identifier"):
                return node
            found = self._constant(node.file, node.text, 0)
            if found is None or found == node:
                return node
            node = found
        return node

    def home_of(self, file: SourceFile, name: str) -> tuple[SourceFile, str] | None:
        """Return the file that declares a name, and the name there."""
        for _ in range(4):
            imported = self.imports(file).get(name)
            if imported is None:
                return file, name
            target = self._imported_file(file, imported)
            if target is None or target is file:
                return None
            file, name = target, imported.name
        return None

    def _constant(self, file: SourceFile, name: str, depth: int) -> Node | None:
        if file.name not in self._constants:
            constants = self._constants[file.name] = {}
            for each in file.root.find("assignment" if file.is_python else "variable_declarator"):
                left = each.field("left") or each.field("name")
                if left is not None:
                    constants.setdefault(left.text, each.field("right") or each.field("value"))
        if name in self._constants[file.name]:
            return self._constants[file.name][name]
        imported = self.imports(file).get(name)
        target = self._imported_file(file, imported) if imported and depth < 4 else None
        return self._constant(target, imported.name, depth + 1) if target and imported else None

    def _resolve(self, file: SourceFile, name: str, depth: int) -> Class | Function | None:
        if depth > 6:
            return None
        if name in self.classes(file):
            return self.classes(file)[name]
        if name in self.functions(file):
            return self.functions(file)[name]
        imports = self.imports(file)
        if name in imports:
            return self._in_module(file, imports[name], depth)
        if "." in name:
            head, _, rest = name.partition(".")
            if head in imports:
                module = _joined(imports[head]) if file.is_python else imports[head].module
                is_module = file.is_python and self._module_file(file, module) is not None
                within = module if is_module else imports[head].module
                return self._in_module(file, Import(within, rest), depth)
        for local, each in imports.items():
            if local.startswith("* "):  # export * from './other'
                found = self._in_module(file, Import(each.module, name), depth)
                if found is not None:
                    return found
        return None

    def _in_module(self, file: SourceFile, imported: Import, depth: int) -> Class | Function | None:
        target = self._imported_file(file, imported)
        if target is None or target is file:
            return None
        if imported.name in ("default", "*") and not target.is_python:
            return self._main_export(target, depth)
        return self._resolve(target, imported.name, depth + 1)

    def _main_export(self, file: SourceFile, depth: int) -> Class | Function | None:
        """Return what a module is, if it is one thing: a class or a function."""
        value = main_export(file)
        if value is None:
            return None
        if value.kind in FUNCTIONS:
            named = value.field("name")
            return Function(value, named.text if named is not None else "")
        named = value.field("name") if value.kind.endswith("class_declaration") else value
        if value.kind == "new_expression":
            named = value.field("constructor")
        is_name = named is not None and "identifier" in named.kind
        return self._resolve(file, named.text, depth + 1) if named is not None and is_name else None

    def _member(self, file: SourceFile, name: str, member: str) -> Function | None:
        imported = self.imports(file).get(name)
        if imported is not None and (imported.name == "*" or file.is_python):
            module = imported.module if imported.name == "*" else _joined(imported)
            target = self._module_file(file, module)
            if target is not None:
                found = self._resolve(target, member, 1)
                return found if isinstance(found, Function) else None
        made = self._constant(file, name, 0)
        if made is not None and made.kind in ("new_expression", "call"):
            owner = self.class_named(made.file, Call(made).path)
        else:
            owner = self.class_named(file, name)
        return self.method(owner, member) if owner else None

    def _is_known(self, file: SourceFile, base: str) -> bool:
        """Tell whether a base class that is not in the project surely has nothing of ours."""
        known = (
            "IoAdapter WsAdapter WebSocketAdapter object ABC Namespace AsyncNamespace EventEmitter"
        )
        consumers = ("WebsocketConsumer", "JsonWebsocketConsumer", "SyncConsumer", "AsyncConsumer")
        name = base.rsplit(".", 1)[-1].split("[")[0]
        return name in known.split() or name.removeprefix("Async") in consumers

    # Files of modules

    def _imported_file(self, file: SourceFile, imported: Import) -> SourceFile | None:
        if file.is_python and imported.name != "*":
            inner = self._module_file(file, _joined(imported))
            target = self._module_file(file, imported.module)
            return target or inner
        return self._module_file(file, imported.module)

    def _module_file(self, file: SourceFile, module: str) -> SourceFile | None:
        for place in places(file, module, lambda: self._aliases):
            found = self.file(place)
            if found is not None:
                return found
        return None

    @cached_property
    def _aliases(self) -> dict[str, dict[str, str]]:
        return aliases_in(self.root, self.files)


def decode(data: bytes) -> str:
    """Return a file's text whatever its encoding; what is no text becomes U+FFFD."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        text = data.decode("utf-8-sig", "replace")
    return text.replace("\0", "\ufffd")


def _joined(imported: Import) -> str:
    separator = "" if imported.module.endswith(".") else "."
    return f"{imported.module}{separator}{imported.name}"
