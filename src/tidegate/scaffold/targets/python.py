"""The Python target: a package for each domain, and the gateway that serves them all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from tidegate.errors import AnswersError, BadAnswer
from tidegate.scaffold.domain import Domain, EventShape, RoomShape
from tidegate.scaffold.fields import python_name
from tidegate.scaffold.names import words_of
from tidegate.scaffold.plan import PlannedFile, ProjectView
from tidegate.scaffold.registration import add_namespace, packages_in
from tidegate.scaffold.render import render
from tidegate.scaffold.settings_file import add_queue, binding_line
from tidegate.scaffold.targets.python_code import WIDTH, event_types, fitted, import_line
from tidegate.scaffold.targets.samples import python_literal, sample_of, wrong_payload

__all__ = ["files", "next_steps"]

_SERVICE_FILES = {
    "pyproject.toml": "pyproject.toml",
    "Dockerfile": "Dockerfile",
    ".dockerignore": "dockerignore",
}
# Names in the generated modules that a function must not hide.
_MODULE_NAMES = frozenset({"logger", "logging", "client", "command", "message"})


def files(domain: Domain, project: ProjectView) -> list[PlannedFile]:
    """Return the package, the registration, the settings, and what a service of its own needs.

    Raises:
        AnswersError: Another domain has the namespace.
        TemplateError: The registration or the settings can't be edited safely.
    """
    shared = {"domain": domain, "names": domain.names, "variable": domain.names.plural_snake}
    return [
        *_package(domain, shared),
        *_once(project, domain.python_root / "__init__.py", "package.py", shared),
        _registration(domain, project, shared),
        _settings(domain, project, shared),
        *(_service_files(domain, project, shared) if domain.is_standalone else ()),
    ]


def next_steps(domain: Domain) -> list[str]:
    """Return what is left to do by hand."""
    root, name = domain.python_root, domain.names.plural_snake
    start = (
        f"Run it from {domain.gateway_root}: tidegate serve realtime.app:gateway"
        if domain.is_standalone
        else f"Mount the gateway in your application, once: {root}/app.py says how."
    )
    return [
        f"Set the environment: {domain.gateway_root}/tidegate.toml names it.",
        start,
        f"Call your services where {root}/{name}/gateway.py says TODO.",
        f"Run its test from {domain.gateway_root}; it needs pytest-asyncio and no broker: "
        f"pytest realtime/{name}",
    ]


def _package(domain: Domain, shared: dict[str, Any]) -> list[PlannedFile]:
    variable = domain.names.plural_snake
    contexts: dict[str, tuple[str, dict[str, Any]]] = {
        "__init__.py": ("__init__.py", {"exported": _exported(variable)}),
        "events.py": ("events.py", event_types(domain)),
        "gateway.py": ("gateway.py", _gateway(domain)),
        "consumer.py": ("consumer.py", _consumer(domain)),
        f"test_{variable}.py": ("test_domain.py", _test(domain)),
    }
    return [
        PlannedFile(
            domain.python_folder / name, render(f"python/{template}.jinja", **shared, **context)
        )
        for name, (template, context) in contexts.items()
    ]


def _exported(variable: str) -> str:
    return ", ".join(f'"{name}"' for name in sorted(("consumer", variable)))


def _once(
    project: ProjectView, path: PurePosixPath, template: str, shared: dict[str, Any]
) -> list[PlannedFile]:
    """Return a file that domains share: the first one brings it, and then it is the project's."""
    if project.read(path) is not None:
        return []
    return [PlannedFile(path, render(f"python/{template}.jinja", **shared))]


def _registration(domain: Domain, project: ProjectView, shared: dict[str, Any]) -> PlannedFile:
    path = domain.python_root / "app.py"
    source = project.read(path)
    if source is None:
        return PlannedFile(path, render("python/app.py.jinja", **shared), "edit")
    _check_namespace(domain, project, source)
    return PlannedFile(path, add_namespace(source, domain.names.plural_snake, path), "edit")


def _check_namespace(domain: Domain, project: ProjectView, registration: str) -> None:
    """Raise AnswersError if another domain of this gateway has the namespace."""
    for package in packages_in(registration):
        text = project.read(domain.python_root / package / "gateway.py") or ""
        taken = re.findall(r"\bNamespace\(\s*[\"']([^\"']+)", text)
        if package != domain.names.plural_snake and domain.namespace in taken:
            reason = f"a duplicate: {package} has it"
            raise AnswersError([BadAnswer("namespace", domain.namespace, reason)])


def _settings(domain: Domain, project: ProjectView, shared: dict[str, Any]) -> PlannedFile:
    path = domain.gateway_root / "tidegate.toml"
    text = project.read(path)
    if text is None:
        text = render("python/tidegate.toml.jinja", **shared)
    queue = f"realtime.{domain.names.plural_kebab}"
    keys = [event.name for event in domain.events]
    bindings = [binding_line(key) for key in keys]
    table = render("python/queue.toml.jinja", queue=queue, bindings=bindings, **shared)
    return PlannedFile(path, add_queue(text, queue, keys, table, path), "edit")


def _service_files(
    domain: Domain, project: ProjectView, shared: dict[str, Any]
) -> Iterable[PlannedFile]:
    for name, template in _SERVICE_FILES.items():
        yield from _once(project, domain.gateway_root / name, template, shared)


# gateway.py and consumer.py


def _gateway(domain: Domain) -> dict[str, Any]:
    variable = domain.names.plural_snake
    listed = [event.class_name for event in domain.events]
    line = f'{variable} = Namespace("{domain.namespace}", events=[{", ".join(listed)}])'
    if len(line) > WIDTH:
        names = [f"        {name}," for name in listed]
        lines = [f"{variable} = Namespace(", f'    "{domain.namespace}",', "    events=["]
        line = "\n".join([*lines, *names, "    ],", ")"])
    accepted = ["Accepted"] if domain.commands else []
    classes = [shape.class_name for shape in domain.payloads]
    return {
        "imports": import_line(".events", [*accepted, *classes]),
        "namespace": line,
        "commands": [_command(command, domain) for command in domain.commands],
        "rooms": [_room(room, domain) for room in domain.rooms],
    }


def _command(command: EventShape, domain: Domain) -> dict[str, str]:
    name = _function(command.function_name, domain)
    arguments = ["client: Client", f"command: {command.class_name}"]
    return {
        "name": command.name,
        "decorator": _decorator(domain, "on", command.name),
        "head": fitted(f"async def {name}(", arguments, ") -> Accepted:"),
    }


def _room(room: RoomShape, domain: Domain) -> dict[str, str]:
    parameter = python_name(room.parameter)
    name = f"may_join_{'_'.join(words_of(room.prefix))}"
    arguments = ["client: Client", f"{parameter}: str"]
    return {
        "decorator": _decorator(domain, "room", f"{room.prefix}:{{{parameter}}}"),
        "head": fitted(f"async def {name}(", arguments, ") -> bool:"),
    }


def _consumer(domain: Domain) -> dict[str, Any]:
    classes = [event.class_name for event in domain.events]
    imports = [
        import_line(".events", classes),
        import_line(".gateway", [domain.names.plural_snake]),
    ]
    return {
        "imports": "\n".join(imports),
        "events": [_consumed(event, domain) for event in domain.events],
    }


def _consumed(event: EventShape, domain: Domain) -> dict[str, Any]:
    name = _function("_".join(words_of(event.class_name)), domain)
    room = domain.room_of(event)
    text = f'f"{room.prefix}:{{message.data.{python_name(room.parameter)}}}"' if room else ""
    return {
        "decorator": _decorator(domain, "consume", event.name),
        "head": fitted(f"def {name}(", [f"message: Message[{event.class_name}]"], ") -> Audience:"),
        "room": {"prefix": room.prefix, "text": text} if room else None,
    }


# The test


def _test(domain: Domain) -> dict[str, Any]:
    samples = {shape.name: sample_of(shape.fields) for shape in domain.payloads}
    joined = [
        f"{room.prefix}:{samples[event.name][room.parameter]}"
        for event in domain.events
        if (room := domain.room_of(event)) is not None
    ]
    first = domain.events[0]
    return {
        "samples": {
            name: python_literal(value, indent=4, room=len(name) + 5)
            for name, value in samples.items()
        },
        "bad_payload": python_literal(wrong_payload(first.fields), indent=4),
        "joined": python_literal(list(dict.fromkeys(joined)), indent=8) if joined else "",
    }


def _decorator(domain: Domain, method: str, pattern: str) -> str:
    return fitted(f"@{domain.names.plural_snake}.{method}(", [f'"{pattern}"'], ")")


def _function(name: str, domain: Domain) -> str:
    is_taken = name == domain.names.plural_snake or name in _MODULE_NAMES
    return f"on_{name}" if is_taken else name
