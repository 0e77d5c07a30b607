"""Edits of ``realtime/app.py``: what is missing is put in, at parsed places.

Nothing else of the file moves: comments, order and form stay. Where it can't be told what the file
does, the edit is refused with the lines to add by hand. Doing it again changes nothing.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import PurePosixPath

from tidegate.errors import TemplateError

__all__ = ["add_namespace", "packages_in"]


def add_namespace(source: str, name: str, path: PurePosixPath) -> str:
    """Return ``realtime/app.py`` with a domain's namespace imported and served.

    Args:
        source: The file.
        name: Of the domain's package and of its namespace, ``notifications``.
        path: The file's, for the error.

    Raises:
        TemplateError: It is not plain where the namespaces are listed.
    """
    newline = "\r\n" if "\r\n" in source else "\n"
    try:
        edited = _PythonFile(source.replace("\r\n", "\n"), name, path.parent.name).edited()
    except (ValueError, SyntaxError) as error:
        raise TemplateError(
            f"{path} is left alone: {error}. Add by hand: `from .{name} import {name}`, and "
            f"{name} to the list of namespaces in Gateway([...]); then run this again"
        ) from None
    return edited.replace("\n", newline)


def packages_in(source: str) -> list[str]:
    """Return the packages beside ``realtime/app.py`` that it imports from; none if it is broken."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return [node.module for node in imports if node.level == 1 and node.module]


class _PythonFile:
    """One parse of the file; edits are made from the end to the start, so that positions hold."""

    def __init__(self, source: str, name: str, package: str) -> None:
        self._source = source if source.endswith("\n") else f"{source}\n"
        self._tree = ast.parse(source)
        self._name = name
        self._modules = {(1, name), (0, f"{package}.{name}")}

    def edited(self) -> str:
        bound, listed = self._bound_name(), self._namespaces()
        edits: list[tuple[int, str]] = []
        if bound is None:
            edits.append(self._import_edit())
        wanted = bound or self._name
        if wanted not in [item.id for item in listed.elts if isinstance(item, ast.Name)]:
            edits += self._list_edits(listed, wanted)
        text = self._source
        for position, addition in sorted(edits, reverse=True):
            text = text[:position] + addition + text[position:]
        return text

    # Imports

    def _bound_name(self) -> str | None:
        """Return the name that the namespace is imported as, if it is."""
        for node in self._tree.body:
            if isinstance(node, ast.ImportFrom) and (node.level, node.module) in self._modules:
                for alias in node.names:
                    if alias.name == self._name:
                        return alias.asname or alias.name
        if self._name in _names_bound_by(self._tree):
            raise ValueError(f"{self._name!r} is the name of something else in it")
        return None

    def _import_edit(self) -> tuple[int, str]:
        line = f"from .{self._name} import {self._name}\n"
        imports = [
            node for node in self._tree.body if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        own = [node for node in imports if isinstance(node, ast.ImportFrom) and node.level]
        for node in own:
            if (node.module or "") > self._name and node.level == 1:
                return self._offset(node.lineno, 0), line
        if imports:
            blank = "" if own else "\n"
            return self._line_after(imports[-1]), blank + line
        first = self._tree.body[0] if self._tree.body else None
        is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        return (self._line_after(first), f"\n{line}") if first and is_text else (0, f"{line}\n")

    # The list

    def _namespaces(self) -> ast.List:
        calls = [node for node in ast.walk(self._tree) if _is_gateway_call(node, self._gateways())]
        if len(calls) != 1:
            raise ValueError(
                "Gateway(...) is not called in it" if not calls else "it has several Gateway(...)"
            )
        call = calls[0]
        assert isinstance(call, ast.Call)  # noqa: S101  # for the type checker
        keywords = [word.value for word in call.keywords if word.arg == "namespaces"]
        found: ast.expr | None = next(iter((*call.args[:1], *keywords)), None)
        if isinstance(found, ast.Name):
            found = self._value_of(found.id)
        if not isinstance(found, ast.List):
            raise ValueError("Gateway's namespaces are not written as a list")  # noqa: TRY004
        return found

    def _gateways(self) -> set[str]:
        return {
            alias.asname or alias.name
            for node in ast.walk(self._tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tidegate"
            for alias in node.names
            if alias.name == "Gateway"
        }

    def _value_of(self, name: str) -> ast.expr | None:
        values: list[ast.expr | None] = []
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                    values.append(node.value)
        return values[0] if len(values) == 1 else None

    def _list_edits(self, listed: ast.List, name: str) -> list[tuple[int, str]]:
        if not listed.elts:
            return [(self._offset(listed.lineno, listed.col_offset) + 1, name)]
        last = listed.elts[-1]
        assert last.end_lineno is not None and listed.end_lineno is not None  # noqa: S101
        end = self._offset(last.end_lineno, last.end_col_offset or 0)
        closing = self._offset(listed.end_lineno, listed.end_col_offset or 0) - 1
        comma = self._comma_between(end, closing)
        first_on_line = self._source[self._offset(last.lineno, 0) :][: last.col_offset]
        if first_on_line.strip() or "\n" not in self._source[end:closing]:
            return [(end, f", {name}")]
        edits = [] if comma else [(end, ",")]
        return [*edits, (self._line_after(last), f"{first_on_line}{name},\n")]

    def _comma_between(self, start: int, end: int) -> bool:
        tail = self._source[start:end]
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO(tail).readline))
        except tokenize.TokenError:
            return "," in tail
        return any(token.type == tokenize.OP and token.string == "," for token in tokens)

    # Positions

    def _offset(self, line: int, column: int) -> int:
        """Return the index of a place; ``ast`` counts columns in bytes of UTF-8."""
        lines = re.findall(r"[^\n]*\n", self._source)
        before = sum(len(text) for text in lines[: line - 1])
        return (
            before + len(lines[line - 1].encode()[:column].decode())
            if line <= len(lines)
            else before
        )

    def _line_after(self, node: ast.stmt | ast.expr) -> int:
        end = node.end_lineno or node.lineno
        return self._offset(end + 1, 0)


def _is_gateway_call(node: ast.AST, names: set[str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    if isinstance(function, ast.Name):
        return function.id in names
    return isinstance(function, ast.Attribute) and function.attr == "Gateway"


def _names_bound_by(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))
