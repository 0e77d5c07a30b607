"""What rules ask of client sockets: who uses them, whose code it is, what is in its package."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator

from tidegate.review.model import ClientSocket, Model
from tidegate.review.model.client_sockets import Opening, openings
from tidegate.review.model.react import is_react
from tidegate.review.model.socket_names import normal
from tidegate.review.source import SourceFile

__all__ = [
    "SOCKET_LIKE",
    "in_package",
    "is_connected",
    "is_page",
    "judged",
    "openings_of",
    "package_of",
]

_THROWAWAY = re.compile(
    r"(?:^|/)(?:scripts?|bench\w*|load\w*|stress\w*|perf\w*|tools?|k6|artillery|cypress|playwright"
    r"|tests?|testing|fixtures?|stories)/|(?:^|[/._-])(?:load|stress|bench|test|spec|stories)"
    r"[._-]?\w*\.\w+$",
    re.IGNORECASE,
)
_NODE = re.compile(
    r"""^#!|(?:from\s+|require\(\s*)['"](?:node:)?(?:fs|fs/promises|http|https|child_process|net|os"""
    r"""|readline|cluster|worker_threads|express|fastify|koa|commander|yargs|socket\.io|dotenv"""
    r"""|@nestjs/\w[\w-]*)['"]|\bprocess\.(?:argv|exit|stdin|on)\b|\b__dirname\b""",
    re.MULTILINE,
)
_PAGE = re.compile(
    r"\b(?:window|document|localStorage|sessionStorage|navigator)\b|import\.meta\.env"
    r"|process\.env\.(?:NEXT_PUBLIC|REACT_APP|VITE|EXPO_PUBLIC|NUXT|VUE_APP|GATSBY)_"
    r"""|['"]use client['"]|from\s+['"](?:vue|pinia|zustand|@angular/|svelte|solid-js|next/)"""
)
_PAGE_PACKAGES = frozenset(
    {
        *("react", "preact", "vue", "next", "nuxt", "@angular/core", "svelte", "solid-js", "expo"),
        *("react-native", "react-dom", "vite", "gatsby", "ember-source", "lit", "@ionic/core"),
    }
)
SOCKET_LIKE = re.compile(
    r"sock|(?:^|\.)_?(?:ws|io|conn\w*|client|s|c)$|\)$|current$", re.IGNORECASE
)


def judged(model: Model, *, plain: bool = False) -> Iterator[ClientSocket]:
    """Yield the client sockets that people use: not those of tests and load scripts.

    Args:
        plain: Also sockets of ``new WebSocket(…)``.
    """
    for client in [*model.clients, *(model.plain_clients if plain else ())]:
        if not _THROWAWAY.search(client.file.name):
            yield client


def openings_of(model: Model, client: ClientSocket) -> list[Opening]:
    """Return where a socket is made, found once."""
    key = f"openings {client.file.name}:{client.call.node.start}"
    if key not in model.found:
        model.found[key] = openings(model.project, client)
    return list(model.found[key])


# Whose code it is


def is_page(model: Model, file: SourceFile) -> bool:
    """Tell code of a page or an app from programs that run on Node."""
    if is_react(file) or file.language == "tsx" or file.name.endswith(".jsx"):
        return True
    if _PAGE.search(file.text):
        return True
    if _NODE.search(file.text):
        return False
    packages = _dependencies(model, file)
    return not packages or bool(packages & _PAGE_PACKAGES) or "socket.io" not in packages


def package_of(model: Model, file: SourceFile) -> str:
    """Return the folder of the nearest ``package.json``; empty for the whole project."""
    folder = os.path.dirname(file.name)
    while folder.strip("/"):
        if _packages(model, folder) is not None:
            return folder
        folder = os.path.dirname(folder)
    return ""


def _dependencies(model: Model, file: SourceFile) -> frozenset[str]:
    return _packages(model, package_of(model, file)) or frozenset()


def _packages(model: Model, folder: str) -> frozenset[str] | None:
    """Return what a folder's ``package.json`` asks for; None if it has none."""
    key = f"packages {folder}"
    if key not in model.found:
        found: frozenset[str] | None = None
        try:
            text = (model.project.root / folder / "package.json").read_text("utf-8", "replace")
            data = json.loads(text)
            kinds = ("dependencies", "devDependencies", "peerDependencies")
            found = frozenset(name for kind in kinds for name in data.get(kind) or ())
        except (OSError, ValueError, AttributeError, TypeError, RecursionError):
            found = (
                found
                if not (model.project.root / folder / "package.json").exists()
                else (frozenset())
            )
        model.found[key] = found
    known: frozenset[str] | None = model.found[key]
    return known


def in_package(model: Model, file: SourceFile) -> list[SourceFile]:
    """Return the realtime files of the package that a file belongs to, itself too."""
    if "package files" not in model.found:
        by_package: dict[str, list[SourceFile]] = {}
        for each in model.files:
            if not each.is_python:
                by_package.setdefault(package_of(model, each), []).append(each)
        model.found["package files"] = by_package
    files: list[SourceFile] = model.found["package files"].get(package_of(model, file), [])
    return files or [file]


def is_connected(model: Model, client: ClientSocket) -> bool:
    """Tell a socket that connects from one that only is made, with ``autoConnect: false``."""
    connects = (client.options or {}).get("autoConnect")
    if connects is None or re.search(r"\btrue$|!==? false$", connects.text):
        return True  # also options.autoConnect ?? true
    return any(
        call.receiver is not None and SOCKET_LIKE.search(normal(call.receiver.text))
        for file in in_package(model, client.file)
        if "connect" in file.text or ".open(" in file.text
        for call in file.calls
        if call.name in ("connect", "open")
    )
