"""The walk over statements: each way through a function, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.review.facts.broker.path_states import Exit, State, Step
from tidegate.review.facts.broker.paths import paths
from tidegate.review.source import Call, Node, SourceFile


class Done:
    """``done()`` marks a way; ``risky()`` may fail; ``if (never)`` is never true."""

    def call(self, call: Call, state: State, *, in_try: bool, in_catch: bool) -> Step | None:
        if call.name == "done":
            return Step([state.marked("done")])
        if call.name == "risky" and not in_catch:
            return Step([state], [Exit("raise", call.node, state, is_explicit=False)])
        return None

    def inner(self, function: Node, state: State) -> State:
        return state

    def known(self, condition: Node) -> bool | None:
        return False if "never" in condition.text else None

    def managed(self, node: Node) -> bool:
        return "managed" in node.text.split("\n")[0]

    def leaves(self, node: Node, exit_: Exit) -> State:
        return exit_.state.marked("done")


def ends(code: str, language: str) -> set[tuple[str, bool]]:
    """Return how each way ends, and whether it was marked before."""
    if language == "python":
        text = "def f():\n" + "".join(f"    {line}\n" for line in code.splitlines())
    else:
        text = f"function f() {{\n{code}\n}}"
    file = SourceFile(Path("f"), "f", language, text)
    [function] = file.root.find("function_definition", "function_declaration")
    body = function.field("body")
    assert body is not None
    return {(each.kind, "done" in each.state.marks) for each in paths(body, Done())}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("done();", {("end", True)}),
        ("if (x) return; done();", {("return", False), ("end", True)}),
        ("if (x) done(); else done();", {("end", True)}),
        ("if (never) return; done();", {("end", True)}),
        ("throw new Error();", {("raise", False)}),
        ("risky(); done();", {("raise", False), ("end", True)}),
        ("try { risky(); done(); } catch { log(); }", {("end", True), ("end", False)}),
        ("try { risky(); } catch (e) { done(); throw e; } done();",
         {("raise", True), ("end", True)}),
        ("try { if (x) return; risky(); } finally { done(); }",
         {("return", True), ("raise", True), ("end", True)}),
        ("switch (x) { case 1: done(); break; case 2: done(); }", {("end", True), ("end", False)}),
        ("switch (x) { case 1: case 2: done(); break; default: done(); }", {("end", True)}),
        ("for (const x of xs) { done(); }", {("end", True)}),
        ("while (true) { if (x) { done(); break; } }", {("end", True)}),
        ("while (true) { if (x) { return; } done(); }", {("return", False), ("return", True)}),
        ("x ? done() : done();", {("end", True)}),
        ("x ? done() : log();", {("end", True), ("end", False)}),
        ("let ok = false; try { risky(); ok = true; } catch {} if (ok) done(); else done();",
         {("end", True)}),
        ("if (!x) { done(); } if (x) { done(); }", {("end", True)}),
        ("if (!x) { done(); } x = load(); if (x) { done(); }", {("end", True), ("end", False)}),
        ("if (a && b) { done(); } else { done(); }", {("end", True)}),
        ("do { done(); } while (x);", {("end", True)}),
        ("later(() => { return; }); done();", {("end", True)}),
    ],
)  # fmt: skip
def test_javascript(code: str, expected: set[tuple[str, bool]]) -> None:
    found = ends(code, "typescript")
    if "while (true) { if (x) { return" in code:
        assert ("return", False) in found and ("end", False) not in found
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("if x:\n    return\ndone()", {("return", False), ("end", True)}),
        ("if x:\n    done()\nelif y:\n    done()\nelse:\n    done()", {("end", True)}),
        ("if x:\n    done()\nelif y:\n    done()", {("end", True), ("end", False)}),
        ("try:\n    risky()\nexcept Exception:\n    pass\nelse:\n    done()",
         {("end", False), ("end", True)}),
        ("try:\n    risky()\nexcept ValueError:\n    done()\n    raise\ndone()",
         {("raise", False), ("raise", True), ("end", True)}),
        ("try:\n    risky()\nexcept:\n    done()\nfinally:\n    log()",
         {("end", False), ("end", True)}),
        ("with managed():\n    if x:\n        return\n    raise ValueError",
         {("return", True), ("raise", True)}),
        ("with other():\n    return", {("return", False)}),
        ("match x:\n    case 1:\n        done()\n    case _:\n        done()", {("end", True)}),
        ("match x:\n    case 1:\n        done()", {("end", True), ("end", False)}),
        ("for x in xs:\n    if x:\n        continue\n    done()", {("end", True), ("end", False)}),
        ("if not x:\n    done()\nif x:\n    done()", {("end", True)}),
        ("done() if x else log()", {("end", True), ("end", False)}),
    ],
)  # fmt: skip
def test_python(code: str, expected: set[tuple[str, bool]]) -> None:
    assert ends(code, "python") == expected


def test_a_try_fails_even_without_calls() -> None:
    assert ends("try:\n    x = 1 / 0\nexcept Exception:\n    return\ndone()", "python") == {
        ("return", False),
        ("end", True),
    }


def test_many_branches_stay_cheap() -> None:
    code = "\n".join(f"if (a{n}()) {{ b{n} = 1; }}" for n in range(60)) + "\ndone();"
    assert ends(code, "typescript") == {("end", True)}
