"""Whether an application runs as several processes or machines, as the project itself says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tidegate.review.model import Model
from tidegate.review.source import SourceFile

__all__ = ["Several", "several_nodes"]

_FOLDERS = (
    *("k8s", "kubernetes", "deploy", "deployment", "deployments", "helm", "charts", "chart"),
    *("manifests", "infra", "docker", "ops", ".k8s", "templates"),
)
_FILES = re.compile(
    r"(?:docker-)?compose[\w.-]*\.ya?ml|ecosystem(?:\.\w+)*\.(?:c?js|json)|pm2[\w.]*\.(?:json|ya?ml)"
    r"|package\.json|Procfile|[\w.-]*Dockerfile[\w.-]*|[\w-]+\.sh|values[\w.-]*\.ya?ml|Makefile"
    r"|[\w-]*(?:deploy\w*|api|server|backend|app|k8s|realtime|gateway|socket)[\w-]*\.ya?ml"
)
_MANY = r"(?:[2-9]|[1-9]\d+)\b"
_COMMANDS = re.compile(
    rf"pm2\s+(?:start|reload)\b[^\n\"]*\s-i[ =]*(?:max|0|-1|{_MANY})"
    rf"|(?:gunicorn|uvicorn|hypercorn|daphne)\b[^\n]*[\s\"'](?:-w|--workers)[ =\"',]*{_MANY}"
)
_PM2 = re.compile(rf"[\"']?instances[\"']?\s*:\s*[\"']?(?:max|0|-1|{_MANY})")
_REPLICAS = re.compile(rf"^\s*(?:replicas|replicaCount|scale):\s*[\"']?{_MANY}", re.MULTILINE)
_OTHERS = re.compile(
    r"redis|postgres|mysql|mongo|rabbit|kafka|nginx|web\b|front|client|\bui\b|worker|consumer|cron",
    re.IGNORECASE,
)
_MAX_FILES = 300


@dataclass(frozen=True)
class Several:
    """Where it is said; in code it is sure, in a file of a deployment it is likely."""

    place: str
    what: str
    is_code: bool


def several_nodes(model: Model, app: str) -> Several | None:
    """Return what says that an application has several nodes; None if nothing does."""
    key = f"several nodes {app}"
    if key not in model.found:
        model.found[key] = next(_in_code(model, app), None) or next(_in_files(model, app), None)
    found: Several | None = model.found[key]
    return found


def _in_code(model: Model, app: str) -> Iterator[Several]:
    for file in _starting(model):
        if model.app_of(file) != app:
            continue
        for call in file.calls:
            place = f"{file.name.rsplit('/', 1)[-1]}:{call.node.line}"
            if call.path in ("cluster.fork", "cluster.default.fork") and _is_cluster(file.text):
                yield Several(place, "`cluster.fork()` makes several processes", is_code=True)
            workers = call.keywords.get("workers") if file.is_python else None
            is_many = workers is not None and re.fullmatch(_MANY, workers.text)
            if call.path == "uvicorn.run" and is_many:
                yield Several(place, "uvicorn runs several workers", is_code=True)


def _starting(model: Model) -> list[SourceFile]:
    """Return the files that may start processes, of all applications."""
    if "starting files" not in model.found:
        model.found["starting files"] = [
            file
            for file in model.project.files.values()
            if ("fork(" in file.text or "workers" in file.text) and not file.is_test
        ]
    found: list[SourceFile] = model.found["starting files"]
    return found


def _is_cluster(text: str) -> bool:
    return bool(re.search(r"['\"](?:node:)?cluster['\"]", text))


def _in_files(model: Model, app: str) -> Iterator[Several]:
    """Look at the files that tell how an application is run."""
    for name, text in _texts(model, app):
        if name.endswith((".yml", ".yaml")) and not name.startswith("pm2"):
            if _replicated(model, text, app):
                yield Several(name, "several replicas are deployed", is_code=False)
        elif re.match(r"ecosystem|pm2", name):
            if _PM2.search(text):
                yield Several(name, "pm2 runs several instances", is_code=False)
        elif _COMMANDS.search(text):
            yield Several(name, "several workers are started", is_code=False)


def _replicated(model: Model, text: str, app: str) -> bool:
    """Tell whether a file of Compose or Kubernetes runs several nodes of an application."""
    apps = {gateway.app for gateway in model.gateways}
    for part in _parts(text):
        if not _REPLICAS.search(part):
            continue
        head = " ".join(re.findall(r"^\s*(?:- )?(?:name|image|[\w-]+):.*$", part, re.MULTILINE)[:3])
        if _OTHERS.search(head) or re.search(r"kind:\s*(?:StatefulSet|DaemonSet)", part):
            continue
        if len(apps) == 1 or app.rsplit("/", 1)[-1] in part:
            return True
    return False


def _parts(text: str) -> list[str]:
    """Return the services of a Compose file, or the documents of another."""
    if not re.search(r"^services:", text, re.MULTILINE):
        return re.split(r"^---\s*$", text, flags=re.MULTILINE)
    match = re.search(r"^services:\s*\n((?:[ \t]+.*\n?|\s*\n)*)", text, re.MULTILINE)
    body = match[1] if match else ""
    first = re.search(r"^([ \t]+)\S", body, re.MULTILINE)
    indent = first[1] if first else "  "
    return re.split(rf"^(?={indent}\S)", body, flags=re.MULTILINE)


def _texts(model: Model, app: str) -> Iterator[tuple[str, str]]:
    """Yield names and texts of such files, without comments: of the application, of the whole."""
    for folder in dict.fromkeys([model.project.root / app, model.project.root]):
        key = f"run by {folder}"
        if key not in model.found:
            model.found[key] = list(_read(folder))
        yield from model.found[key]


def _read(folder: Path) -> Iterator[tuple[str, str]]:
    for path in _files(folder):
        try:
            text = path.read_text("utf-8", "replace")[:100_000]
        except OSError:
            continue
        yield path.name, re.sub(r"(?m)^\s*(?:#|//).*$", "", text)


def _files(top: Path) -> Iterator[Path]:
    count, waiting = 0, [top]
    for folder in waiting:
        try:
            entries = sorted(folder.iterdir())
        except OSError:
            continue
        for path in entries:
            count += 1
            if count > _MAX_FILES:
                return
            if path.is_dir():
                is_inner = folder != top or path.name in _FOLDERS
                if is_inner and len(path.relative_to(top).parts) < 4:
                    waiting.append(path)
            elif _FILES.fullmatch(path.name) or (
                folder != top and path.suffix in (".yaml", ".yml")
            ):
                yield path
