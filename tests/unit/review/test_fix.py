"""Edits put text where a reader would write it, and keep everything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.review.fix import (
    Edit,
    applied,
    inserted_after,
    line_after,
    line_before,
    removed_line,
    replaced,
    with_entry,
    without_entry,
)
from tidegate.review.source import Node, SourceFile


def parse(text: str, language: str = "typescript") -> SourceFile:
    return SourceFile(Path("a"), "a", language, text)


def first(text: str, kind: str, language: str = "typescript") -> Node:
    return parse(text, language).root.find(kind)[0]


@pytest.mark.parametrize(
    ("before", "kind", "after"),
    [
        ("f({})", "object", "f({ x: 1 })"),
        ("f({ a })", "object", "f({ a, x: 1 })"),
        ("f({ a, })", "object", "f({ a, x: 1, })"),
        ("f({\n  a: 2, // two\n})", "object", "f({\n  a: 2,\n  x: 1, // two\n})"),
        ("f({ x: [0], b })", "object", "f({ x: 1, b })"),
        ("f({ x, b })", "object", "f({ x: 1, b })"),
        ("f({ ...rest })", "object", "f({ ...rest, x: 1 })"),
    ],
)
def test_an_entry_of_an_object(before: str, kind: str, after: str) -> None:
    assert applied(before, [with_entry(first(before, kind), "x", "1")]) == after


@pytest.mark.parametrize(
    ("before", "kind", "after"),
    [
        ("f()", "argument_list", "f(x=1)"),
        ("f(a)", "argument_list", "f(a, x=1)"),
        ("f(\n    a,\n)", "argument_list", "f(\n    a,\n    x=1,\n)"),
        ("f(a, x=0, b=2)", "argument_list", "f(a, x=1, b=2)"),
        ("d = {}", "dictionary", 'd = {"x": 1}'),
        ("d = {'a': 0}", "dictionary", "d = {'a': 0, \"x\": 1}"),
        ("f(a for a in b)", "generator_expression", "f((a for a in b), x=1)"),
    ],
)
def test_an_entry_in_python(before: str, kind: str, after: str) -> None:
    assert applied(before, [with_entry(first(before, kind, "python"), "x", "1")]) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f({ x: 1 })", "f({  })"),
        ("f({ x: 1, b })", "f({ b })"),
        ("f({ b, x: 1 })", "f({ b })"),
        ("f({\n  x: 1,\n  b,\n})", "f({\n  b,\n})"),
    ],
)
def test_an_entry_is_taken_out(before: str, after: str) -> None:
    assert applied(before, [without_entry(first(before, "object"), "x")]) == after


def test_lines_are_indented_as_the_statement_is() -> None:
    text = "function f() {\n  if (a) {\n    b(c);\n  }\n}\n"
    call = first(text, "call_expression")
    before = applied(text, [line_before(call, "if (!c) {\n  return;\n}")])
    assert "    if (!c) {\n      return;\n    }\n    b(c);\n" in before
    assert "    b(c);\n    d();\n  }" in applied(text, [line_after(call, "d();")])


def test_a_statement_is_removed_with_its_line() -> None:
    text = "a();\nb();\nc();\n"
    node = parse(text).root.find("call_expression")[1]
    assert applied(text, [removed_line(node)]) == "a();\nc();\n"
    text = "a(); b();\n"
    node = parse(text).root.find("call_expression")[1]
    assert applied(text, [removed_line(node)]) == "a(); \n"


def test_characters_beyond_the_basic_plane_do_not_shift_edits() -> None:
    text = "const a = '😀é'; foo(1);"
    assert applied(text, [replaced(first(text, "number"), "2")]) == "const a = '😀é'; foo(2);"


def test_of_two_edits_that_overlap_the_first_is_made() -> None:
    assert applied("abcd", [Edit("a", 0, 2, "x"), Edit("a", 1, 3, "y")]) == "xcd"


def test_the_same_edit_is_made_once() -> None:
    node = first("f(a)", "identifier")
    assert applied("f(a)", [inserted_after(node, "!"), inserted_after(node, "!")]) == "f!(a)"


def test_insertions_at_one_place_keep_their_order() -> None:
    node = first("f(a)", "identifier")
    for texts in (["1", "2", "3", "4"], ["4", "3", "2", "1"]):
        assert applied("f(a)", [inserted_after(node, each) for each in texts]) == (
            f"f{''.join(texts)}(a)"
        )
