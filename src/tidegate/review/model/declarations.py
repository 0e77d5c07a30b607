"""What a file declares and imports: classes, functions, parameters, decorators."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from tidegate.review.source import FUNCTIONS, Call, Node, SourceFile

__all__ = [
    "Class",
    "Decorator",
    "Function",
    "Import",
    "Parameter",
    "classes_of",
    "functions_of",
    "imports_of",
]


@dataclass(frozen=True)
class Import:
    """A name that a file imports: ``module`` as written, ``name`` there (``*`` for the whole)."""

    module: str
    name: str


@dataclass(frozen=True, eq=False)
class Decorator:
    """``@name(args)``; ``call`` is None when it has no parentheses."""

    node: Node
    name: str
    call: Call | None

    @property
    def args(self) -> list[Node]:
        """Return the positional arguments."""
        return self.call.args if self.call else []


@dataclass(frozen=True, eq=False)
class Parameter:
    """One parameter; ``type`` and ``default`` are as written, empty if missing."""

    node: Node
    name: str
    type: str
    default: Node | None
    decorators: tuple[Decorator, ...] = ()


@dataclass(eq=False)
class Function:
    """A function or a method.

    Attributes:
        name: Empty if it has none.
        owner: The class it is a method of.
    """

    node: Node
    name: str
    decorators: list[Decorator] = field(default_factory=list)
    owner: Class | None = None

    @property
    def file(self) -> SourceFile:
        """Return the file it is in."""
        return self.node.file

    @cached_property
    def parameters(self) -> list[Parameter]:
        """Return the parameters, without ``self``."""
        single = self.node.field("parameter")
        if single is not None:
            return [Parameter(single, single.text, "", None)]
        listed = self.node.field("parameters")
        found = [_parameter(child) for child in listed.children] if listed is not None else []
        return [p for p in found if p.name not in ("self", "cls", "this", "*", "/", "")]

    @cached_property
    def body(self) -> Node:
        """Return the body, or the whole if it has none."""
        return self.node.field("body") or self.node

    @cached_property
    def calls(self) -> list[Call]:
        """Return all calls in the body, those of inner functions too."""
        return self.body.calls()

    @property
    def is_async(self) -> bool:
        """Tell whether it is async."""
        return bool(
            re.match(r"(?:(?:public|private|protected|override|static)\s+)*async\b", self.node.text)
        )

    def decorated(self, *names: str) -> list[Decorator]:
        """Return its decorators of these names."""
        return [each for each in self.decorators if each.name in names]


@dataclass(eq=False)
class Class:
    """A class, with its methods and what it extends by name."""

    node: Node
    name: str
    bases: list[str]
    decorators: list[Decorator] = field(default_factory=list)

    @property
    def file(self) -> SourceFile:
        """Return the file it is in."""
        return self.node.file

    def decorated(self, *names: str) -> list[Decorator]:
        """Return its decorators of these names."""
        return [each for each in self.decorators if each.name in names]

    @cached_property
    def methods(self) -> dict[str, Function]:
        """Return its own methods by name; arrow functions in fields are among them."""
        body = self.node.field("body")
        methods: dict[str, Function] = {}
        waiting: list[Decorator] = []
        for child in body.children if body is not None else []:
            if child.kind == "decorator":
                waiting.append(_decorator(child))
                continue
            function = _member_function(child, waiting)
            if function is not None:
                function.owner = self
                methods.setdefault(function.name, function)
            waiting = []
        return methods

    @cached_property
    def fields(self) -> dict[str, str]:
        """Return the type of each field as written: of properties and constructor parameters."""
        if self.file.is_python:
            return _made_in(self.methods.get("__init__"), "self")
        fields = _made_in(self.methods.get("constructor"), "this")
        body = self.node.field("body")
        for child in body.children if body is not None else []:
            if child.kind in ("public_field_definition", "field_definition"):
                name, type_ = child.field("name") or child.field("property"), child.field("type")
                value = child.field("value")
                if name is not None:
                    made = (
                        Call(value).name
                        if value is not None and value.kind == "new_expression"
                        else ""
                    )
                    fields[name.text] = type_.text.lstrip(": ") if type_ is not None else made
        constructor = self.methods.get("constructor")
        for parameter in constructor.parameters if constructor else []:
            if re.match(
                r"(?:@\w+(?:\(.*?\))?\s*)*(?:public|private|protected|readonly)\b",
                parameter.node.text,
                re.DOTALL,
            ):
                fields[parameter.name] = parameter.type
        return fields

    @cached_property
    def field_decorators(self) -> dict[str, list[Decorator]]:
        """Return the decorators of each property (TypeScript)."""
        body = self.node.field("body")
        found: dict[str, list[Decorator]] = {}
        for child in body.children if body is not None else []:
            if child.kind in ("public_field_definition", "field_definition"):
                name = child.field("name") or child.field("property")
                own = [_decorator(each) for each in child.children if each.kind == "decorator"]
                if name is not None and own:
                    found[name.text] = own
        return found


def _made_in(constructor: Function | None, me: str) -> dict[str, str]:
    """Return the classes of what a constructor makes: ``this.events = new Events()``."""
    fields = {}
    for node in constructor.body.find("assignment_expression", "assignment") if constructor else []:
        left, right = node.field("left"), node.field("right")
        match = re.fullmatch(rf"{me}\.(\w+)", left.text) if left is not None else None
        is_made = right is not None and right.kind in ("new_expression", "call")
        if match and right is not None and is_made and re.match(r"[A-Z]", Call(right).name):
            fields[match[1]] = Call(right).path
    return fields


def classes_of(file: SourceFile) -> list[Class]:
    """Return all classes of a file."""
    kinds = (
        ("class_definition",)
        if file.is_python
        else ("class_declaration", "abstract_class_declaration", "class")
    )
    found = []
    for node in file.root.find(*kinds):
        if node.field("body") is None:
            continue
        name = node.field("name")
        found.append(
            Class(node, name.text if name is not None else "", _bases(node), _decorators_of(node))
        )
    return found


def functions_of(file: SourceFile) -> dict[str, Function]:
    """Return the functions of a file by name, without methods; arrow functions in constants too."""
    functions: dict[str, Function] = {}
    if file.is_python:
        for node in file.root.find("function_definition"):
            name = node.field("name")
            if name is not None and not _is_method(node):
                functions.setdefault(name.text, Function(node, name.text, _decorators_of(node)))
        return functions
    for node in file.root.find(
        "function_declaration", "generator_function_declaration", "variable_declarator"
    ):
        name = node.field("name")
        value = node.field("value") if node.kind == "variable_declarator" else node
        if name is not None and value is not None and value.kind in FUNCTIONS:
            functions.setdefault(name.text, Function(value, name.text))
    return functions


def imports_of(file: SourceFile) -> dict[str, Import]:
    """Return what a file imports, by its local name."""
    return _python_imports(file) if file.is_python else _js_imports(file)


def _js_imports(file: SourceFile) -> dict[str, Import]:
    imports: dict[str, Import] = {}
    for node in file.root.find("import_statement", "export_statement"):
        source = node.field("source")
        module = source.string if source is not None else None
        if module is None:
            continue
        for name in node.find("import_specifier", "export_specifier"):
            named, renamed = name.field("name"), name.field("alias")
            if named is not None:
                imports[(renamed or named).text] = Import(module, named.text)
        for clause in (each for each in node.children if each.kind == "import_clause"):
            for child in clause.children:
                if child.kind == "identifier":
                    imports[child.text] = Import(module, "default")
                elif child.kind == "namespace_import" and child.children:
                    imports[child.children[-1].text] = Import(module, "*")
        if node.kind == "export_statement" and re.match(r"export\s*\*", node.text):
            imports[f"* {module}"] = Import(module, "*")
    for call in file.root.calls("require"):
        declarator = call.node.enclosing("variable_declarator")
        module = call.args[0].string if call.args else None
        target = declarator.field("name") if declarator is not None else None
        if module is None or target is None:
            continue
        if target.kind == "identifier":
            imports.setdefault(target.text, Import(module, "*"))
        for each in target.find("shorthand_property_identifier_pattern"):
            imports.setdefault(each.text, Import(module, each.text))
        for pair in target.find("pair_pattern"):
            key, value = pair.field("key"), pair.field("value")
            if key is not None and value is not None:
                imports.setdefault(value.text, Import(module, key.text))
    return imports


def _python_imports(file: SourceFile) -> dict[str, Import]:
    imports: dict[str, Import] = {}
    for node in file.root.find("import_statement", "import_from_statement"):
        source = node.field("module_name")
        names = [Node(file, raw) for raw in node.raw.field_children("name")]
        for name in names:
            original, alias = name, name
            if name.kind == "aliased_import":
                original, alias = name.field("name") or name, name.field("alias") or name
            if source is None:
                local = alias.text if alias is not original else original.text.split(".")[0]
                imports[local] = Import(original.text, "*")
            else:
                imports[alias.text] = Import(source.text, original.text)
    return imports


def _decorator(node: Node) -> Decorator:
    inner = node.children[0] if node.children else node
    if inner.kind in ("call_expression", "call"):
        call = Call(inner)
        return Decorator(node, call.name, call)
    return Decorator(node, inner.text.rsplit(".", 1)[-1], None)


def _decorators_of(node: Node) -> list[Decorator]:
    holders = [node]
    parent = node.parent
    if parent is not None and parent.kind in ("export_statement", "decorated_definition"):
        holders.append(parent)
    return [
        _decorator(child)
        for holder in holders
        for child in holder.children
        if child.kind == "decorator"
    ]


def _member_function(child: Node, decorators: list[Decorator]) -> Function | None:
    if child.kind == "method_definition":
        name = child.field("name")
        return Function(child, name.text if name is not None else "", list(decorators))
    if child.kind in ("public_field_definition", "field_definition"):
        name, value = child.field("name") or child.field("property"), child.field("value")
        if name is not None and value is not None and value.kind in FUNCTIONS:
            own = [_decorator(each) for each in child.children if each.kind == "decorator"]
            return Function(value, name.text, own + decorators)
        return None
    inner = child.field("definition") if child.kind == "decorated_definition" else child
    if inner is None or inner.kind != "function_definition":
        return None
    name = inner.field("name")
    return Function(inner, name.text if name is not None else "", _decorators_of(inner))


def _is_method(node: Node) -> bool:
    for around in node.ancestors():
        if around.kind == "class_definition":
            return True
        if around.kind in FUNCTIONS:
            return False
    return False


def _bases(node: Node) -> list[str]:
    if node.file.is_python:
        arguments = node.field("superclasses")
        children = arguments.children if arguments is not None else []
        return [child.text for child in children if child.kind != "keyword_argument"]
    heritage = next((each for each in node.children if each.kind == "class_heritage"), None)
    if heritage is None:
        return []
    match = re.match(r"(?:extends\s+)?([\w$.]+)(\s*\(\s*([\w$.]+))?", heritage.text)
    if match is None or heritage.text.startswith("implements"):
        return []
    # A mixin, extends Mixin(Base): both may hold what we look for.
    return [name for name in (match[1], match[3]) if name]


def _parameter(node: Node) -> Parameter:
    decorators = tuple(_decorator(each) for each in node.children if each.kind == "decorator")
    if node.kind in ("identifier", "object_pattern", "array_pattern"):
        return Parameter(node, node.text, "", None)
    name = node.field("pattern") or node.field("name") or node.field("left")
    if name is None:
        name = next((each for each in node.children if each.kind == "identifier"), None)
    type_ = node.field("type")
    default = node.field("value") or node.field("right")
    text = type_.text.lstrip(": ") if type_ is not None else ""
    return Parameter(node, name.text if name is not None else "", text, default, decorators)
