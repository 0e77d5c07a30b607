"""``--fix`` and ``--diff``: safe fixes, made until none is left; and a fix shown as a few lines.

Fixes are made on texts in memory, one pass after the other, since one may make another possible or
move it. A fix whose result has more syntax errors than the file had before is not made. Files are
written at the end, each as a whole.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ast_grep_py import SgRoot

from tidegate.review.diagnostic import Finding, Note
from tidegate.review.discover import LANGUAGES
from tidegate.review.fix import Edit, Fix, applied
from tidegate.review.run import Options, Report, review

__all__ = ["Correction", "correct", "corrected_lines", "write"]

_MAX_PASSES = 10


@dataclass
class Correction:
    """What safe fixes made of the code.

    Attributes:
        before: Texts of the files that change, by name.
        after: Their new texts.
        report: What is found in the new texts.
        count: How many fixes were made.
    """

    report: Report
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def diff(self) -> str:
        """Return a unified diff, as ``patch -p1`` and ``git apply`` take it."""
        return "".join(
            line
            for name in sorted(self.after)
            for line in _unified(name, self.before[name], self.after[name])
        )


def correct(paths: Sequence[Path], options: Options) -> Correction:
    """Return what safe fixes make of files and folders; nothing is written."""
    correction = Correction(review(paths, options))
    for _ in range(_MAX_PASSES):
        texts = {**correction.report.texts}
        made = _made(correction.report.findings, texts)
        if not made:
            break
        for name in made:
            correction.before.setdefault(name, correction.report.texts[name])
            correction.after[name] = texts[name]
        correction.count += len({fix for fixes in made.values() for fix in fixes})
        correction.report = review(paths, replace(options, texts=correction.after))
    correction.after = {
        name: text for name, text in correction.after.items() if text != correction.before[name]
    }
    return correction


def write(correction: Correction, root: Path) -> list[Path]:
    """Write the new texts, each file at once; a file that is not UTF-8 is left, with a note."""
    written = []
    for name, text in correction.after.items():
        path = (root / name).resolve()
        data = path.read_bytes()
        mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
        if data != mark + correction.before[name].encode():
            note = Note(name, "not fixed: it is not UTF-8, or was changed meanwhile")
            correction.report.notes.append(note)
            continue
        _write(path, mark + text.encode())
        written.append(path)
    return written


def corrected_lines(finding: Finding, texts: dict[str, str]) -> list[str]:
    """Return a finding's fix as the lines of a diff, without its header; empty if it has none."""
    lines: list[str] = []
    for name, edits in _by_file(finding.fix).items() if finding.fix else ():
        if name not in texts:
            continue
        hunks = list(_unified(name, texts[name], _applied(texts[name], edits), context=1))[2:]
        if name != finding.file:
            lines.append(f"in {name}:")
        lines += [line.rstrip("\r\n") for line in hunks if not line.startswith("\\")]
    return lines


def _made(findings: Iterable[Finding], texts: dict[str, str]) -> dict[str, list[Fix]]:
    """Make the safe fixes that do not get in each other's way; texts become the new ones."""
    original = {**texts}
    accepted: dict[str, list[Edit]] = {}
    made: dict[str, list[Fix]] = {}
    for fix in dict.fromkeys(each.fix for each in findings if each.fix and each.fix.is_safe):
        files = _by_file(fix)
        if any(name not in original or "\ufffd" in original[name] for name in files):
            continue
        if any(_overlaps(edits, accepted.get(name, ())) for name, edits in files.items()):
            continue
        changed = {
            name: _applied(original[name], [*accepted.get(name, ()), *edits])
            for name, edits in files.items()
        }
        if any(_errors(name, text) > _errors(name, texts[name]) for name, text in changed.items()):
            continue
        for name, edits in files.items():
            accepted.setdefault(name, []).extend(edits)
            made.setdefault(name, []).append(fix)
        texts.update(changed)
    return made


def _by_file(fix: Fix) -> dict[str, list[Edit]]:
    files: dict[str, list[Edit]] = {}
    for edit in fix.edits:
        files.setdefault(edit.file, []).append(edit)
    return files


def _overlaps(edits: Iterable[Edit], others: Iterable[Edit]) -> bool:
    return any(
        edit != other and edit.start <= other.end and other.start <= edit.end
        for edit in edits
        for other in others
    )


def _applied(text: str, edits: Iterable[Edit]) -> str:
    """Make edits with the line ends that the file has."""
    if "\r\n" in text:
        edits = [replace(edit, text=edit.text.replace("\n", "\r\n")) for edit in edits]
    return applied(text, edits)


def _errors(name: str, text: str) -> int:
    language = LANGUAGES[Path(name).suffix.lower()]
    root = SgRoot(text, language).root()
    return len(root.find_all(kind="ERROR"))


def _unified(name: str, before: str, after: str, context: int = 3) -> Iterator[str]:
    for line in difflib.unified_diff(
        _lines(before), _lines(after), f"a/{name}", f"b/{name}", n=context
    ):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """Split at line feeds only, where ``splitlines`` knows more ends than editors do."""
    *lines, last = text.split("\n")
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _write(path: Path, data: bytes) -> None:
    """Put a file in another's place at once, with its rights."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, path.stat().st_mode)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
