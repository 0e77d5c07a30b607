"""Places in a file where a correction may put a line: after the imports, in an import, a class."""

from __future__ import annotations

import re

from tidegate.review.fix import Edit, inserted_after
from tidegate.review.model import Class
from tidegate.review.source import Node, SourceFile

__all__ = ["after_imports", "in_class", "named_import"]

_IMPORTS = ("import_statement", "import_from_statement", "future_import_statement")
_LOADS_ENV = re.compile(
    r"^(?:require\(['\"]dotenv(?:-\w+)?['\"]\)[.(]|(?:\w+\.)?(?:config|expand|load_?dotenv)\()",
    re.IGNORECASE,
)
"""What reads a file of variables: a check of one must not run before it."""


def after_imports(file: SourceFile, text: str) -> Edit:
    """Put lines after the imports of a file, with an empty line before them."""
    last: Node | None = None
    for node in file.root.children:
        is_require = node.kind in ("lexical_declaration", "variable_declaration") and re.search(
            r"=\s*require\(", node.text
        )
        if node.kind in _IMPORTS or is_require or _LOADS_ENV.search(node.text[:80]):
            last = node
    if last is None:
        return Edit(file.name, 0, 0, f"{text}\n")
    end = last.end + (1 if file.text[last.end : last.end + 1] == ";" else 0)
    return Edit(file.name, end, end, f"\n\n{text}")


def named_import(file: SourceFile, name: str, module: str) -> list[Edit]:
    """Import a name of a module (TypeScript), in the statement that imports others of it."""
    statements = [node for node in file.root.children if node.kind == "import_statement"]
    if any(re.search(rf"\b{name}\b", node.text) for node in statements):
        return []
    for node in statements:
        source = node.field("source")
        listed = node.find("named_imports")
        is_type = node.text.startswith("import type")
        is_fit = source is not None and source.string == module and not is_type
        if is_fit and listed and listed[0].children:
            return [inserted_after(listed[0].children[-1], f", {name}")]
    if not statements:
        return []
    quote = '"' if '"' in statements[0].text else "'"
    line = f"import {{ {name} }} from {quote}{module}{quote};\n"
    return [Edit(file.name, statements[0].start, statements[0].start, line)]


def in_class(owner: Class, text: str) -> Edit | None:
    """Put a member at the start of a class."""
    body = owner.node.field("body")
    if body is None:
        return None
    indent = "  "
    if body.children:
        line = body.file.line(body.children[0].line)
        indent = line[: len(line) - len(line.lstrip())] or indent
    rest = body.file.text[body.start + 1 : body.end]
    if not body.children:
        return Edit(body.file.name, body.start + 1, body.end - 1, f"\n{indent}{text}\n")
    end = "\n" if rest.startswith("\n") else f"\n{indent}"
    return Edit(body.file.name, body.start + 1, body.start + 1, f"\n{indent}{text}{end}")
