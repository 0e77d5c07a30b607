"""What stays the same between renders of a React component, and what is made anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from tidegate.review.discover import read
from tidegate.review.facts.client.sockets import package_of
from tidegate.review.model import Function, Model
from tidegate.review.model.react import declared, name_of_function, own_nodes
from tidegate.review.source import FUNCTIONS, Call, Node, SourceFile

__all__ = ["compiles", "depended_on", "given_by_callers", "kind_of", "unstable"]

_MEMO = ("useCallback", "useMemo")
_MAKES_LISTS = re.compile(
    r"\.(?:map|filter|concat|slice|split|flatMap)$|^Object\.(?:keys|values|entries|assign)$"
    r"|^JSON\.parse$|^Array\.from$"
)
_MAX_FILES = 5_000  # of a project, to be read for one name; only where an effect asks
_CONFIGURATIONS = (
    *("package.json", "next.config.js", "next.config.ts", "next.config.mjs", "vite.config.ts"),
    *("vite.config.js", "babel.config.js", "app.json"),
)
_NEW = {"object": "object", "array": "array", "new_expression": "object", "regex": "object"}


def unstable(component: Node, name: str, depth: int = 0) -> str:
    """Return what a name is made of at each render: function, object, array; empty if it stays.

    Only what the component's own code shows: values of other hooks are taken to stay.
    """
    if depth > 4:
        return ""
    default = _default(component, name)
    if default is not None:
        return kind_of(default)
    values = declared(component)
    if name not in values:
        return ""
    value = values[name]
    if value is None:
        return ""
    if value.kind == "call_expression":
        call = Call(value)
        if call.name not in _MEMO or not call.args:
            return kind_of(value)
        if len(call.args) < 2:
            return "function" if call.name == "useCallback" else ""
        if call.args[1].kind != "array":
            return ""
        for dep in call.args[1].children:
            if dep.kind == "identifier" and unstable(component, dep.text, depth + 1):
                return "function" if call.name == "useCallback" else "object"
        return ""
    return kind_of(value)


def kind_of(value: Node) -> str:
    """Return what an expression makes anew: function, object, array; empty for what it may not."""
    while value.kind in ("as_expression", "satisfies_expression", "parenthesized_expression"):
        value = value.children[0]
    if value.kind in FUNCTIONS:
        return "function"
    if value.kind == "call_expression" and _MAKES_LISTS.search(Call(value).path):
        return "array"
    return _NEW.get(value.kind, "")


def _default(component: Node, name: str) -> Node | None:
    """Return the default of a parameter or a destructured prop: ``options = {}``."""
    parameters = component.field("parameters")
    if parameters is None:
        return None
    for node in parameters.find(
        "object_assignment_pattern", "required_parameter", "assignment_pattern"
    ):
        left = node.field("left") or node.field("pattern")
        value = node.field("right") or node.field("value")
        if left is not None and value is not None and left.text == name:
            return value
    return None


def depended_on(component: Node, name: str) -> list[str]:
    """Return a name and what it depends on, through ``useCallback`` and ``useMemo``."""
    found = [name]
    values = declared(component)
    for each in found:
        value = values.get(each)
        if value is None or value.kind != "call_expression" or Call(value).name not in _MEMO:
            continue
        listed = Call(value).arg(1)
        for dep in listed.children if listed is not None else ():
            if dep.kind == "identifier" and dep.text not in found:
                found.append(dep.text)
    return found


def compiles(model: Model, file: SourceFile) -> bool:
    """Tell whether the React Compiler may keep what components make: then nothing is known."""
    if re.search(r"""['"]use memo['"]""", file.text):
        return True
    if "react compiler" not in model.found:
        model.found["react compiler"] = _has_compiler(model)
    return bool(model.found["react compiler"])


def _has_compiler(model: Model) -> bool:
    folders = {""}
    for file in model.files:
        parts = file.name.split("/")[:-1]
        folders |= {"/".join(parts[:count]) for count in range(min(len(parts), 3) + 1)}
    for folder in folders:
        for name in _CONFIGURATIONS:
            try:
                text = (model.project.root / folder / name).read_text("utf-8", "replace")
            except OSError:
                continue
            if re.search(r"react-compiler|reactCompiler[\"']?\s*:\s*(?:true|\{)", text[:200_000]):
                return True
    return False


def given_by_callers(model: Model, component: Node, name: str) -> Literal["new", "same", "unknown"]:
    """Tell whether who uses a component or hook makes a prop or an argument anew each time.

    ``unknown`` if nobody in the project uses it, or it is no prop.
    """
    position, is_prop = _position(component, name)
    own = name_of_function(component)
    if position is None or not own:
        return "same"
    seen = False
    for file in _files_naming(model, own, package_of(model, component.file)):
        for user, value in _given(model, file, component, own, position, is_prop, name):
            seen = True
            if value is not None and _is_new(user, value):
                return "new"
    return "same" if seen else "unknown"


def _files_naming(model: Model, name: str, folder: str) -> list[SourceFile]:
    """Return the files of a package that have a name in them, without realtime code too."""
    key = f"files of {folder} naming {name}"
    if key not in model.found:
        project, word = model.project, name.encode()
        found = []
        prefix = f"{folder}/" if folder else ""
        names = [each for each in sorted(project.names) if each.startswith(prefix)]
        for each in names[:_MAX_FILES]:
            if each.endswith(".py"):
                continue
            data = read(project.root / each, each, [])
            file = project.file(each) if data is not None and word in data else None
            if file is not None and not file.is_test:
                found.append(file)
        model.found[key] = found
    files: list[SourceFile] = model.found[key]
    return files


def _position(component: Node, name: str) -> tuple[int | None, bool]:
    """Return which parameter a name is, and whether it is destructured from it."""
    for index, parameter in enumerate(Function(component, "").parameters):
        if parameter.name == name:
            return index, False
        pattern = parameter.node.field("pattern") or parameter.node
        if pattern.kind == "object_pattern" and name in [
            each.text for each in pattern.find("shorthand_property_identifier_pattern")
        ]:
            return index, True
    # const { onMessage } = options;
    for node in own_nodes(component, "variable_declarator"):
        taken, value = node.field("name"), node.field("value")
        if taken is None or value is None or taken.kind != "object_pattern":
            continue
        if name in [each.text for each in taken.find("shorthand_property_identifier_pattern")]:
            return _position(component, value.text)[0], True
    return None, False


def _given(
    model: Model,
    file: SourceFile,
    component: Node,
    own: str,
    position: int,
    is_prop: bool,
    name: str,
) -> Iterator[tuple[Node, Node | None]]:
    """Yield what users give for a parameter or prop, with the place."""
    target = model.project.resolve(file, own)
    if target is None or target.node != component:
        return
    if not own[:1].isupper():
        for call in file.calls:
            if call.path != own:
                continue
            value = call.args[position] if len(call.args) > position else None
            if is_prop:
                value = (
                    value.pairs().get(name)
                    if value is not None and value.kind == "object"
                    else None
                )
            yield call.node, value
        return
    for element in file.root.find("jsx_self_closing_element", "jsx_opening_element"):
        tag = element.field("name")
        if tag is None or tag.text != own:
            continue
        given = None
        for attribute in element.find("jsx_attribute"):
            parts = attribute.children
            if len(parts) == 2 and parts[0].text == name and attribute.parent == element:
                given = parts[1].children[0] if parts[1].children else None
        yield element, given


def _is_new(user: Node, value: Node) -> bool:
    if kind_of(value):
        return True
    if value.kind not in ("identifier", "shorthand_property_identifier"):
        return False
    for around in user.ancestors():
        if around.kind in FUNCTIONS and value.text in declared(around):
            return bool(unstable(around, value.text))
    return False
