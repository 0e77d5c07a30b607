"""Edits of a NestJS app's own files: only what is missing is put in, all else stays as it is.

The files are not parsed as TypeScript; comments and strings are blanked out first, and places are
found in what is left. Where that is not plain, the edit is refused with what to do by hand. Doing
it again changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from tidegate.errors import TemplateError
from tidegate.scaffold.typescript import TypeScriptFile

__all__ = ["add_dependencies", "add_to_module", "use_realtime"]

MAX_LINE = 80
"""Of Nest's own Prettier settings."""

_APP = re.compile(
    r"\b(?:const|let|var)\s+(\w+)\s*(?::[^=;]*)?=\s*await\s+NestFactory\s*\.\s*create\s*[<(]"
)


def add_to_module(
    source: str,
    path: PurePosixPath,
    imports: Mapping[str, str],
    members: Mapping[str, Sequence[str]],
) -> str:
    """Return a module's file with members in its ``@Module({...})``.

    Args:
        source: The file.
        path: The file's, for the error.
        imports: Where each name comes from, such as ``{"JwtModule": "@nestjs/jwt"}``.
        members: What each list of the module holds: ``{"imports": ["JwtModule.register({})"]}``;
            one whose first name is in the list already is left out.

    Raises:
        TemplateError: It is not plain where the module's lists are.
    """
    file = TypeScriptFile(source)
    try:
        for key, texts in members.items():
            for text in texts:
                if _add_member(file, key, text):
                    name = _first_name(text)
                    file.add_import(name, imports[name])
    except ValueError as error:
        lists = "; ".join(f"{', '.join(texts)} in {key}" for key, texts in members.items() if texts)
        raise TemplateError(
            f"{path} is left alone: {error}. Add by hand: {lists}; then run this again"
        ) from None
    return file.text


def use_realtime(source: str, path: PurePosixPath, module: str) -> str:
    """Return ``main.ts`` with the realtime parts connected before the app listens.

    Args:
        source: The file.
        path: The file's, for the error.
        module: Where ``useRealtime`` is imported from.

    Raises:
        TemplateError: It is not plain where the app is made, or it has another WebSocket adapter.
    """
    file = TypeScriptFile(source)
    if re.search(r"\buseRealtime\s*\(", file.code):
        return source
    try:
        _connect(file, module)
    except ValueError as error:
        raise TemplateError(
            f"{path} is left alone: {error}. Add by hand, before the app listens: "
            f"useRealtime(app) from {module!r}, and await app.startAllMicroservices(); "
            "then run this again"
        ) from None
    return file.text


def add_dependencies(
    source: str, path: PurePosixPath, wanted: Mapping[str, Mapping[str, str]]
) -> str:
    """Return ``package.json`` with the packages that are in none of its lists.

    Args:
        source: The file.
        path: The file's, for the error.
        wanted: Ranges by package, for ``dependencies`` and ``devDependencies``.

    Raises:
        TemplateError: It is no JSON object.
    """
    try:
        package = json.loads(source)
        known = {
            name
            for key in ("dependencies", "devDependencies", "peerDependencies")
            for name in package.get(key, {})
        }
    except (ValueError, AttributeError) as error:
        raise TemplateError(f"{path} is left alone: it is no package.json ({error})") from None
    missing = {
        key: {name: version for name, version in packages.items() if name not in known}
        for key, packages in wanted.items()
    }
    if not any(missing.values()):
        return source
    for key, packages in missing.items():
        if packages:
            package[key] = dict(sorted({**package.get(key, {}), **packages}.items()))
    indent = re.search(r"\n([ \t]+)", source)
    text = json.dumps(package, indent=indent[1] if indent else 2, ensure_ascii=False)
    return text + "\n" * source.endswith("\n")


def _add_member(file: TypeScriptFile, key: str, text: str) -> bool:
    """Put a member into one list; return whether it was missing."""
    start, end = _module_object(file)
    found = _property(file, start, end, key)
    if found is None:
        _add_property(file, start, end, f"{key}: [{text}]")
        return True
    if file.code[found] != "[":
        raise ValueError(f"{key} of its @Module is not written as a list")
    elements = file.elements(found)
    name = _first_name(text)
    if name in [_first_name(file.code[at:until]) for at, until in elements]:
        return False
    _add_element(file, found, elements, text)
    return True


def _module_object(file: TypeScriptFile) -> tuple[int, int]:
    """Return where the object in ``@Module({...})`` begins and ends."""
    found = list(re.finditer(r"@Module\s*\(\s*\{", file.code))
    if len(found) != 1:
        raise ValueError("it has no @Module({...})" if not found else "it has several modules")
    start = found[0].end() - 1
    return start, file.closing(start)


def _property(file: TypeScriptFile, start: int, end: int, key: str) -> int | None:
    """Return where the value of a property begins."""
    for at, until in file.elements(start):
        match = re.match(rf"{key}\s*:\s*", file.code[at:until])
        if match is not None:
            return at + match.end()
        if re.match(rf"{key}\b", file.code[at:until]):
            raise ValueError(f"{key} of its @Module is not written as a list")
    return None


def _add_property(file: TypeScriptFile, start: int, end: int, text: str) -> None:
    elements = file.elements(start)
    if not elements:
        file.replace(start, end + 1, f"{{\n  {text},\n}}")
    else:
        _add_after(file, elements[-1], end, text)


def _add_element(
    file: TypeScriptFile, start: int, elements: list[tuple[int, int]], text: str
) -> None:
    """Put an element at the end of a list, on a line of its own where the others are."""
    end = file.closing(start)
    if not elements:
        if file.source[start + 1 : end].strip():
            raise ValueError("there is only a comment in one of its lists")
        file.replace(start + 1, end, text)
        return
    line_start = file.code.rfind("\n", 0, start) + 1
    length = file.line_end(end) - line_start + len(text) + len(", ")
    if "\n" not in file.code[start:end] and length > MAX_LINE:
        indent = file.indent_at(start)
        parts = [file.source[at:until] for at, until in elements] + [text]
        lines = "".join(f"{indent}  {part},\n" for part in parts)
        file.replace(start + 1, end, f"\n{lines}{indent}")
    else:
        _add_after(file, elements[-1], end, text)


def _add_after(file: TypeScriptFile, last: tuple[int, int], end: int, text: str) -> None:
    """Put an element behind the last one; on a line of its own if the bracket's end is."""
    if "\n" not in file.code[last[1] : end]:
        file.insert(last[1], f", {text}")
        return
    indent = file.indent_at(last[0])
    place = last[1]
    if "," not in file.code[place:end]:
        file.insert(place, ",")
    after = file.code.index("\n", file.code.index(",", place))
    file.insert(after + 1, f"{indent}{text},\n")


def _connect(file: TypeScriptFile, module: str) -> None:
    found = _APP.findall(file.code)
    if len(found) != 1:
        raise ValueError("it is not plain where NestFactory.create makes the app")
    app = found[0]
    if re.search(rf"\b{app}\s*\.\s*useWebSocketAdapter\s*\(", file.code):
        raise ValueError(
            "it has a WebSocket adapter, and there can be only one: let it extend "
            "RealtimeIoAdapter, or remove it"
        )
    call = re.search(
        rf"^([ \t]*)(?:await\s+)?{app}\s*\.\s*(startAllMicroservices|listen)\s*\(",
        file.code,
        re.MULTILINE,
    )
    if call is None:
        raise ValueError(f"it is not plain where {app} begins to listen")
    lines = [f"useRealtime({app})"]
    if "startAllMicroservices" not in file.code:
        lines.append(f"await {app}.startAllMicroservices()")
    end = ";\n" if file.has_semicolons else "\n"
    file.insert(call.start(), "".join(call[1] + line + end for line in lines))
    file.add_import("useRealtime", module)


def _first_name(text: str) -> str:
    return re.split(r"\W", text, maxsplit=1)[0]
