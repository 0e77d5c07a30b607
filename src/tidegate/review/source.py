"""A parsed file, and a handle on the nodes of its tree.

Nodes remember their file, so that a rule can pass one node around and a finding knows its place.
Lines start at 1 in findings and at 0 in the tree; the tree counts columns in characters.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ast_grep_py import SgNode, SgRoot

__all__ = ["FUNCTIONS", "Call", "Node", "SourceFile"]

FUNCTIONS = frozenset(
    {
        *("function_declaration", "function_expression", "arrow_function", "method_definition"),
        *("generator_function_declaration", "function_definition", "lambda"),
    }
)
"""Kinds of nodes that are functions, in all languages."""

_CALLS = ("call_expression", "call", "new_expression")
_MEMBERS = ("member_expression", "attribute", "subscript_expression", "subscript")
_WRAPPERS = (
    *("non_null_expression", "parenthesized_expression", "as_expression"),
    *("await_expression", "await"),
)


@functools.cache
def _is_kind(language: str, kind: str) -> bool:
    """Tell whether a language's grammar has a kind of node; asking for another is an error."""
    try:
        SgRoot("", language).root().find(kind=kind)
    except RuntimeError:
        return False
    return True


@dataclass(eq=False)
class SourceFile:
    """One file: its text, its tree, its imports.

    Attributes:
        path: Where it is.
        name: Relative to the project, with forward slashes.
        language: ``typescript``, ``tsx``, ``javascript`` or ``python``.
        is_realtime: The cheap look found something; others were parsed for an import's sake.
    """

    path: Path
    name: str
    language: str
    text: str
    is_realtime: bool = True
    _root: SgRoot | None = field(default=None, repr=False)

    @cached_property
    def root(self) -> Node:
        """Return the tree's root."""
        self._root = SgRoot(self.text, self.language)
        return Node(self, self._root.root())

    @cached_property
    def lines(self) -> list[str]:
        """Return the lines, without their ends."""
        return self.text.split("\n")

    @property
    def is_python(self) -> bool:
        """Tell Python from TypeScript and JavaScript."""
        return self.language == "python"

    @cached_property
    def is_test(self) -> bool:
        """Tell whether the file's name says that it is a test."""
        pattern = (
            r"(^|/)(tests?|__tests__|e2e|spec|mocks?|__mocks__)/|(\.|-|_)(spec|test|e2e-spec)\.\w+$"
        )
        return bool(re.search(pattern + r"|(^|/)(test_[^/]*|tests?|conftest)\.py$", self.name))

    @cached_property
    def comments(self) -> list[Node]:
        """Return all comments."""
        return self.root.find("comment")

    @cached_property
    def calls(self) -> list[Call]:
        """Return all calls of the file, outer ones first."""
        return self.root.calls()

    def line(self, number: int) -> str:
        """Return a line, counted from 1, or an empty text."""
        return self.lines[number - 1].rstrip("\r") if 0 < number <= len(self.lines) else ""


class Node:
    """A node of a file's tree. Equal when it is the same node."""

    __slots__ = ("_kind", "_text", "file", "raw")

    def __init__(self, file: SourceFile, raw: SgNode) -> None:
        self.file = file
        self.raw = raw
        self._kind: str | None = None
        self._text: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.file.name}:{self.line} {self.text[:40]!r}>"

    # What it is

    @property
    def kind(self) -> str:
        """Return its kind, as the grammar of its language names it."""
        if self._kind is None:
            self._kind = self.raw.kind()
        return self._kind

    @property
    def text(self) -> str:
        """Return its source text."""
        if self._text is None:
            self._text = self.raw.text()
        return self._text

    @property
    def line(self) -> int:
        """Return its first line, counted from 1."""
        return self.raw.range().start.line + 1

    @property
    def start(self) -> int:
        """Return the index of its first character in the file's text."""
        return self.raw.range().start.index

    @property
    def end(self) -> int:
        """Return the index after its last character."""
        return self.raw.range().end.index

    @property
    def string(self) -> str | None:
        """Return the value of a string literal without interpolation, else None."""
        if self.kind not in ("string", "template_string"):
            return None
        if any(child.kind.endswith(("substitution", "interpolation")) for child in self.children):
            return None
        match = re.match(r"""[a-zA-Z]*('''|\"\"\"|['"`])(.*)\1$""", self.text, re.DOTALL)
        return match[2] if match else None

    # Where it is

    @property
    def parent(self) -> Node | None:
        """Return the node around it."""
        raw = self.raw.parent()
        return None if raw is None else Node(self.file, raw)

    def ancestors(self) -> Iterator[Node]:
        """Yield the nodes around it, inner ones first."""
        for raw in self.raw.ancestors():
            yield Node(self.file, raw)

    def enclosing(self, *kinds: str) -> Node | None:
        """Return the nearest node around it of one of the kinds."""
        return next((node for node in self.ancestors() if node.kind in kinds), None)

    @property
    def function(self) -> Node | None:
        """Return the function around it."""
        return self.enclosing(*FUNCTIONS)

    # What is in it

    def field(self, name: str) -> Node | None:
        """Return the child that the grammar gives this name."""
        raw = self.raw.field(name)
        return None if raw is None else Node(self.file, raw)

    @property
    def children(self) -> list[Node]:
        """Return its named children, without comments."""
        nodes = [Node(self.file, raw) for raw in self.raw.named_children()]
        return [node for node in nodes if node.kind != "comment"]

    def find(self, *kinds: str) -> list[Node]:
        """Return all nodes in it of one of the kinds, itself too, outer ones first."""
        known = [kind for kind in kinds if _is_kind(self.file.language, kind)]
        if not known:
            return []
        found = self.raw.find_all(any=[{"kind": kind} for kind in known])
        return [Node(self.file, raw) for raw in found]

    def calls(self, *names: str) -> list[Call]:
        """Return all calls in it, outer ones first; only of functions so named, if any are."""
        kinds = ("call",) if self.file.is_python else ("call_expression", "new_expression")
        calls = [Call(node) for node in self.find(*kinds)]
        return [call for call in calls if call.name in names] if names else calls

    def identifiers(self) -> list[Node]:
        """Return all names in it: variables, and the shorthand properties of an object."""
        if self.file.is_python:
            return self.find("identifier")
        return self.find(
            "identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"
        )

    # Literals of objects and dictionaries

    def pairs(self) -> dict[str, Node]:
        """Return the entries of an object literal, or a call's keyword arguments.

        Methods and shorthand properties are among them; what is spread is under ``...``.
        """
        entries: dict[str, Node] = {}
        for child in self.children:
            if child.kind in ("pair", "keyword_argument"):
                key = child.field("key") or child.field("name")
                value = child.field("value")
                if key is not None and value is not None:
                    entries[key.string or key.text.strip("'\"")] = value
            elif child.kind == "method_definition":
                entries[((name := child.field("name")) and name.text) or ""] = child
            elif child.kind == "shorthand_property_identifier":
                entries[child.text] = child
            elif child.kind in ("spread_element", "dictionary_splat"):
                entries["..."] = child
        return entries


class Call:
    """A call: ``receiver.name(args, keyword=…)``, or ``new name(…)``."""

    __slots__ = ("_args", "node")

    def __init__(self, node: Node) -> None:
        self.node = node
        self._args: list[Node] | None = None

    def __repr__(self) -> str:
        return f"<Call {self.node!r}>"

    @property
    def file(self) -> SourceFile:
        """Return the file it is in."""
        return self.node.file

    @property
    def callee(self) -> Node | None:
        """Return what is called, without ``new`` and arguments."""
        callee = self.node.field("function") or self.node.field("constructor")
        if callee is not None and callee.kind == "await_expression" and callee.children:
            return callee.children[0]  # the grammar's reading of: await f<T>(x)
        return callee

    @property
    def name(self) -> str:
        """Return the last name of what is called, or an empty text."""
        callee = self.callee
        if callee is None:
            return ""
        last = callee.field("property") or callee.field("attribute")
        if last is not None:
            return last.text
        return callee.text if "identifier" in callee.kind else ""

    @property
    def receiver(self) -> Node | None:
        """Return what stands before the last dot."""
        callee = self.callee
        return callee and callee.field("object")

    @property
    def path(self) -> str:
        """Return what is called as written, such as ``this.server.emit``; on one line."""
        text = self.callee.text if self.callee else ""
        return re.sub(r"\s*\n\s*", "", text) if "\n" in text[:200] else text

    @property
    def is_new(self) -> bool:
        """Tell ``new X()`` from a call."""
        return self.node.kind == "new_expression"

    @property
    def args(self) -> list[Node]:
        """Return the positional arguments."""
        if self._args is None:
            arguments = self.node.field("arguments")
            children = arguments.children if arguments is not None else []
            self._args = [child for child in children if child.kind != "keyword_argument"]
        return self._args

    @property
    def keywords(self) -> dict[str, Node]:
        """Return the keyword arguments (Python)."""
        arguments = self.node.field("arguments")
        if arguments is None or not self.file.is_python:
            return {}
        return arguments.pairs()

    def arg(self, position: int, keyword: str = "") -> Node | None:
        """Return an argument by position, or by keyword."""
        if len(self.args) > position:
            return self.args[position]
        return self.keywords.get(keyword)

    def chain(self) -> list[Call]:
        """Return the calls before it in its chain, last first: of ``a.to(b).emit()``, ``to``."""
        calls = []
        node = self.receiver
        while node is not None:
            if node.kind in _CALLS:
                calls.append(Call(node))
                node = calls[-1].receiver
            elif node.kind in _MEMBERS:
                node = node.field("object")
            elif node.kind in _WRAPPERS and node.children:
                node = node.children[0]
            else:
                break
        return calls

    @property
    def origin(self) -> Node:
        """Return the object that the chain starts with, such as ``this.server``."""
        chain = self.chain()
        last = chain[-1] if chain else self
        node = last.receiver or last.node
        while node.kind in ("non_null_expression", "parenthesized_expression") and node.children:
            node = node.children[0]
        return node
