"""Which files to review: the walk, what it leaves out, and a cheap look at the bytes.

The look decides before anything is parsed: most files of a repository have no realtime code,
and several literal searches in the raw bytes cost less than a millionth of a parse.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tidegate.review.diagnostic import Note

__all__ = ["LANGUAGES", "MAX_FILE_SIZE", "discover", "is_realtime", "read"]

MAX_FILE_SIZE = 1_000_000
_MAX_LINE = 20_000

LANGUAGES = {
    **dict.fromkeys((".ts", ".mts", ".cts"), "typescript"),
    ".tsx": "tsx",
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs"), "javascript"),
    ".py": "python",
}
"""Language by the end of a file's name."""

_IGNORED = frozenset(
    {
        *("node_modules", "bower_components", "__pycache__", "site-packages", "vendor"),
        *("dist", "build", "out", "target", "coverage", "htmlcov"),
        *("venv", "env", "virtualenv", "__snapshots__", "__generated__"),
    }
)
_LITERALS = (
    *(b"socket.io", b"socketio", b"ebSocket", b"ebsocket", b"amqp", b"aio_pika", b"faststream"),
    *(b"tidegate", b"@Module(", b"NestFactory", b"abbit", b"getChannelRef", b"connect_error"),
    *(b"@nestjs/microservices", b"switchToWs", b"CHANNEL_LAYERS"),
)
"""One of these is enough."""

_PATTERNS = tuple(
    (literal, re.compile(pattern))
    for literal, pattern in (
        (b"ocket", rb"ocket\??\.(?:on|once|emit|join|data|auth|connect|handshake|use)\b"),
        (b"Pattern", rb"(?:Event|Message)Pattern[(<]"),
        (b"pika", rb"\bpika\b"),
        (b"query_string", rb"scope(?:\[|\.get\()['\"]query_string"),
        (b"channels", rb"channels\.|from channels"),
        (b"sio.", rb"\bsio\.(?:on|event|emit)\b"),
        (b"io.", rb"\bio\.(?:to|in|emit)\("),
        (b"io?.", rb"\bio\?\.(?:to|in|emit)\("),
        (b"getI", rb"\bget(?:IO|Io)\(\)"),
        (b"IO()", rb"\b(?:use|get)(?:Socket)?IO\(\)"),
        (b"SocketServer()", rb"\b(?:get|use)SocketServer\(\)"),
    )
)
"""And these are looked for where the literal is: a search for a pattern costs twenty times more."""


def discover(
    paths: Sequence[Path], root: Path, exclude: Sequence[str], notes: list[Note]
) -> Iterator[Path]:
    """Yield each file of a language that can be reviewed, in a stable order, once.

    Directories that are links are not followed, so a loop of links can't catch the walk.

    Args:
        paths: Files and directories; a file that is named is taken even if it would be ignored.
        root: What excluded patterns are relative to.
        exclude: Patterns as in ``.gitignore``, without negation.
        notes: Gets what could not be read.
    """
    seen: set[str] = set()
    for path in paths:
        found = _walk(path, root, exclude, notes) if path.is_dir() else iter([path])
        for file in found:
            key = os.path.realpath(file)
            if key not in seen and file.suffix.lower() in LANGUAGES:
                seen.add(key)
                yield file


def read(path: Path, name: str, notes: list[Note]) -> bytes | None:
    """Return a file's bytes, or None with a note if it can't or should not be reviewed."""
    try:
        if not path.is_file():
            notes.append(Note(name, "not a regular file"))
            return None
        with path.open("rb") as file:
            data = file.read(MAX_FILE_SIZE + 1)
    except OSError as error:
        notes.append(Note(name, f"can't be read: {error.strerror or error}"))
        return None
    if len(data) > MAX_FILE_SIZE:
        notes.append(Note(name, "larger than 1 MB"))
        return None
    return data


def is_realtime(data: bytes) -> bool:
    """Tell whether a file may have realtime code; says yes rather too often."""
    if any(literal in data for literal in _LITERALS):
        return True
    return any(literal in data and pattern.search(data) for literal, pattern in _PATTERNS)


def is_minified(data: bytes) -> bool:
    """Tell whether no person wrote this: a line of thousands of characters."""
    longest = max(map(len, data.split(b"\n")))
    return longest > _MAX_LINE or (longest > 2_000 and data.count(b"\n") * 500 < len(data))


def _walk(top: Path, root: Path, exclude: Sequence[str], notes: list[Note]) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        notes.append(Note(str(error.filename), f"can't be read: {error.strerror}"))

    patterns: dict[str, re.Pattern[str] | None] = {}
    for folder, folders, files in os.walk(top, onerror=unreadable):
        here = os.path.relpath(folder, root).replace(os.sep, "/")
        base = "" if here == "." else f"{here}/"
        inherited = patterns.get(os.path.dirname(folder))
        own = [*(exclude if folder == os.fspath(top) else ()), *_gitignore(folder, files)]
        ignored = patterns[folder] = _compile(own, base, inherited)
        folders[:] = sorted(
            name
            for name in folders
            if name not in _IGNORED
            and not name.startswith(".")
            and not (ignored and ignored.match(f"{base}{name}/"))
        )
        for name in sorted(files):
            if os.path.splitext(name)[1].lower() not in LANGUAGES:
                continue
            if name.endswith((".d.ts", ".min.js")) or (ignored and ignored.match(base + name)):
                continue
            yield Path(folder, name)


def _gitignore(folder: str, files: list[str]) -> list[str]:
    if ".gitignore" not in files:
        return []
    try:
        text = Path(folder, ".gitignore").read_text("utf-8", "replace")
    except OSError:
        return []
    lines = (line.strip() for line in text.splitlines())
    # A file that negates is read without its negations: they only bring back what is rarely code.
    return [line for line in lines if line and line[0] not in "#!"]


def _compile(
    patterns: list[str], base: str, inherited: re.Pattern[str] | None
) -> re.Pattern[str] | None:
    parts = [inherited.pattern] if inherited else []
    for pattern in patterns:
        is_anchored = "/" in pattern.rstrip("/")
        body = fnmatch.translate(pattern.strip("/").replace("**/", "*"))
        body = body.removeprefix("(?s:").removesuffix(")\\Z").removesuffix(")\\z")
        end = "/.*" if pattern.endswith("/") else "(?:/.*)?"
        parts.append(f"{re.escape(base)}{'' if is_anchored else '(?:.*/)?'}(?:{body}){end}$")
    return re.compile("|".join(parts), re.DOTALL) if parts else inherited
