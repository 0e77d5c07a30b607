"""Edits of client code: options, hooks that are imported, cleanups, the names an effect uses."""

from __future__ import annotations

import re

from tidegate.review.fix import Edit, inserted_after, inserted_before, replaced, with_entry
from tidegate.review.model import ClientSocket
from tidegate.review.model.react import Effect, declared, own_nodes
from tidegate.review.source import FUNCTIONS, Node, SourceFile

__all__ = ["added_cleanup", "imported", "indented", "used_names", "with_option"]


def with_option(client: ClientSocket, key: str, text: str) -> Edit | None:
    """Set an option of ``io(url, options)``; None if the options are made elsewhere."""
    if client.holder is not None:
        return with_entry(client.holder, key, text)
    arguments = client.call.node.field("arguments")
    if arguments is None or client.options:
        return None
    given = ", ".join([*(arg.text for arg in client.call.args[:1]), f"{{ {key}: {text} }}"])
    return replaced(arguments, f"({given})")


def imported(file: SourceFile, *names: str) -> list[Edit]:
    """Import hooks from ``react`` where they are not; none if the file says ``React.useEffect``."""
    missing = [name for name in names if not re.search(rf"\b{name}\b", _imports_text(file))]
    if not missing:
        return []
    for node in file.root.find("import_statement"):
        source = node.field("source")
        if source is None or source.string != "react" or node.text.startswith("import type"):
            continue
        listed = node.find("named_imports")
        if listed and listed[0].children:
            return [inserted_after(listed[0].children[-1], f", {', '.join(missing)}")]
        clause = next((each for each in node.children if each.kind == "import_clause"), None)
        if clause is not None and not node.find("namespace_import"):
            return [inserted_after(clause, f", {{ {', '.join(missing)} }}")]
    first = next(iter(file.root.find("import_statement")), None)
    if first is None:
        return []
    quote = '"' if '"' in first.text else "'"
    end = ";" if first.text.endswith(";") else ""
    line = f"import {{ {', '.join(missing)} }} from {quote}react{quote}{end}\n"
    return [inserted_before(first, line)]


def _imports_text(file: SourceFile) -> str:
    return "\n".join(node.text for node in file.root.find("import_statement"))


def indented(node: Node) -> str:
    """Return the white space that the line of a node starts with."""
    line = node.file.line(node.line)
    return line[: len(line) - len(line.lstrip())]


def added_cleanup(effect: Effect, line: str) -> Edit | None:
    """Let an effect's cleanup run one more line; None if its body has no braces."""
    body = effect.body.field("body")
    if body is None or body.kind != "statement_block":
        return None
    inner = _step(body)
    for cleanup in effect.cleanups():
        block = cleanup.field("body") if cleanup.kind in FUNCTIONS else None
        if block is None or block.kind != "statement_block":
            return None
        if not block.children:
            return replaced(block, f"{{\n{inner}{inner_step(body)}{line}\n{inner}}}")
        last = block.children[-1]
        return inserted_after(last, f"\n{indented(last)}{line}")
    text = f"return () => {{\n{inner}{inner_step(body)}{line}\n{inner}}};"
    if not body.children:
        return replaced(body, f"{{\n{inner}{text}\n{indented(body)}}}")
    last = body.children[-1]
    if last.kind == "return_statement":
        return None
    return inserted_after(last, f"\n{inner}{text}")


def _step(body: Node) -> str:
    """Return how far the statements of a block are indented."""
    if body.children and body.children[0].line != body.line:
        return indented(body.children[0])
    return indented(body) + "  "


def inner_step(body: Node) -> str:
    """Return one step of indentation, as a block has it."""
    return _step(body).removeprefix(indented(body)) or "  "


def used_names(component: Node, node: Node) -> list[str]:
    """Return the names of a component that a part of it uses, in their order: its deps.

    What React keeps (refs, setters) is left out.
    """
    names = _values(component)
    found = []
    for each in node.identifiers():
        name = each.text
        if name not in names or name in found:
            continue
        parent = each.parent
        if parent is not None and parent.kind == "pair" and parent.field("key") == each:
            continue
        found.append(name)
    inner = {
        left.text
        for each in node.find("variable_declarator")
        if (left := each.field("name")) is not None
    }
    return [name for name in found if name not in inner]


def _values(component: Node) -> set[str]:
    names: set[str] = set()
    listed = component.field("parameters") or component.field("parameter")
    for each in listed.identifiers() if listed is not None else ():
        if not _is_in_type(each):
            names.add(each.text)
    for name, value in declared(component).items():
        if value is None or not re.match(
            r"(?:React\.)?use(?:Ref|EffectEvent|Event|Dispatch)\b", value.text
        ):
            names.add(name)
    for node in own_nodes(component, "variable_declarator"):
        pattern = node.field("name")
        if pattern is None or pattern.kind not in ("array_pattern", "object_pattern"):
            continue
        parts = [each.text for each in pattern.identifiers()]
        is_state = pattern.kind == "array_pattern" and len(parts) == 2
        names |= set(parts[:1] if is_state else parts)
    return names


def _is_in_type(node: Node) -> bool:
    return any(around.kind in ("type_annotation", "type_arguments") for around in node.ancestors())
