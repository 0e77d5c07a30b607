"""A TypeScript file as text with places: enough to add a line to an import or a list.

``code`` is the text with comments and the insides of strings blanked out, place for place, so that
brackets and names found in it are code.
"""

from __future__ import annotations

import re

__all__ = ["TypeScriptFile"]

_NOT_CODE = re.compile(
    r"""
    //[^\n]*
    | /\*.*?\*/
    | "(?:\\.|[^"\\\n])*"
    | '(?:\\.|[^'\\\n])*'
    | `(?:\\.|[^`\\])*`
    | (?<=[=(,:;!&|?{}\[])\s*/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/
    """,
    re.DOTALL | re.VERBOSE,
)
_IMPORT = re.compile(r"^import\b[^;]*?(?:\bfrom\s*)?(['\"]) *\1[ \t]*;?", re.MULTILINE)
_BRACKETS = {"(": ")", "[": "]", "{": "}"}


class TypeScriptFile:
    r"""A file being edited.

    Attributes:
        source: The file as it is now, its lines ended by ``\n``.
        code: The same, without what is no code.
        has_semicolons: Whether statements end with one.
    """

    def __init__(self, source: str) -> None:
        self._newline = "\r\n" if "\r\n" in source else "\n"
        self._set(source.replace("\r\n", "\n"))
        self.has_semicolons = ";" in self.code or not self.code.strip()

    @property
    def text(self) -> str:
        """Return the file with the line ends that it came with."""
        return self.source.replace("\n", self._newline)

    def insert(self, place: int, addition: str) -> None:
        """Put text at a place."""
        self.replace(place, place, addition)

    def replace(self, start: int, end: int, text: str) -> None:
        """Put text in place of what is between two places."""
        self._set(self.source[:start] + text + self.source[end:])

    def add_import(self, name: str, module: str) -> None:
        """Import a name after the imports that are there, unless it is imported already.

        Raises:
            ValueError: The name is that of something else.
        """
        imports = list(_IMPORT.finditer(self.code))
        for found in imports:
            if re.search(
                rf"\b{name}\b", self.source[found.start() : found.end()].split(" from ")[0]
            ):
                return
        if re.search(rf"\b(?:class|const|let|var|function|interface|type)\s+{name}\b", self.code):
            return  # it is made in this very file
        quote = imports[-1][1] if imports else "'"
        end = ";" if self.has_semicolons else ""
        line = f"import {{ {name} }} from {quote}{module}{quote}{end}\n"
        if not imports:
            self.insert(0, f"{line}\n")
            return
        place = self.line_end(imports[-1].end()) + 1
        self.insert(place, line)

    # Places

    def closing(self, start: int) -> int:
        """Return where the bracket at ``start`` is closed."""
        expected: list[str] = []
        for place in range(start, len(self.code)):
            letter = self.code[place]
            if letter in _BRACKETS:
                expected.append(_BRACKETS[letter])
            elif letter in ")]}" and letter != expected.pop():
                break
            if not expected:
                return place
        raise ValueError("its brackets don't match")

    def elements(self, start: int) -> list[tuple[int, int]]:
        """Return where the elements between the bracket at ``start`` and its end are."""
        end = self.closing(start)
        found: list[tuple[int, int]] = []
        depth, begin = 0, start + 1
        for place in range(start + 1, end + 1):
            letter = self.code[place]
            if (letter == "," and depth == 0) or place == end:
                part = self.code[begin:place]
                if part.strip():
                    at = begin + len(part) - len(part.lstrip())
                    found.append((at, begin + len(part.rstrip())))
                begin = place + 1
            depth += (letter in "([{") - (letter in ")]}")
        return found

    def indent_at(self, place: int) -> str:
        """Return the blanks that the line of a place begins with."""
        line = self.source[self.source.rfind("\n", 0, place) + 1 :]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def line_end(self, place: int) -> int:
        """Return where the line of a place ends."""
        end = self.source.find("\n", place)
        return len(self.source) if end == -1 else end

    def _set(self, text: str) -> None:
        self.source = text
        self.code = _NOT_CODE.sub(lambda match: _blank(match[0]), text)


def _blank(text: str) -> str:
    """Return blanks in place of a comment or of what a string says; quotes and lines stay."""
    inside = re.sub(r"[^\n]", " ", text)
    return text[0] + inside[1:-1] + text[-1] if text[0] in "\"'`" else inside
