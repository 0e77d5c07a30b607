"""The Next.js target: contract, store, hook and provider of a domain, on a shared connection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

from tidegate.errors import TemplateError
from tidegate.scaffold.domain import Domain, EventShape
from tidegate.scaffold.fields import Field, ts_type
from tidegate.scaffold.names import camel, pascal, words_of
from tidegate.scaffold.plan import PlannedFile, ProjectView
from tidegate.scaffold.render import render

__all__ = ["files", "next_steps"]

WIDTH = 100
SHARED = ("realtime-socket.ts", "kept.ts")
"""What all domains share: written once, and then the project's."""

# Names in the generated files that a payload's type would hide.
_TAKEN = frozenset({"Ack", "Connection", "Partial", "RealtimeError", "RealtimeSocket", "StoreApi"})
_TAKEN_AFTER_PLURAL = ("Commands", "Events", "Received", "Socket", "SocketOptions", "Store")


def files(domain: Domain, project: ProjectView) -> list[PlannedFile]:
    """Return the domain's files, and the shared ones unless the project has them.

    Raises:
        TemplateError: A payload's type has a name that the generated code has another use for.
    """
    _check_types(domain)
    names = domain.names
    context = {"domain": domain, "plural": names.plural_pascal, "file": names.plural_kebab}
    own: dict[str, tuple[str, dict[str, Any]]] = {
        f"{names.plural_kebab}.events.ts": ("events.ts", {"payload": _payload}),
        f"{names.plural_kebab}.store.ts": ("store.ts", _store(domain)),
        names.hook_file: ("use-socket.ts", _hook(domain)),
        f"{names.plural_kebab}-provider.tsx": ("provider.tsx", _provider(domain)),
    }
    return [
        *(
            PlannedFile(
                domain.web_folder / name, render(f"nextjs/{template}.jinja", **context, **more)
            )
            for name, (template, more) in own.items()
        ),
        *(
            PlannedFile(path, render(f"nextjs/{path.name}.jinja"))
            for path in (_shared_folder(domain) / name for name in SHARED)
            if project.read(path) is None
        ),
    ]


def next_steps(domain: Domain) -> list[str]:
    """Return what is left to do by hand."""
    return [
        f"In {domain.web_root}: npm install socket.io-client zustand",
        f"Put <{domain.names.plural_pascal}Provider url={{…}} getToken={{…}}> around your pages.",
    ]


def _shared_folder(domain: Domain) -> PurePosixPath:
    return domain.web_root / "src" / "lib" / "realtime"


def _check_types(domain: Domain) -> None:
    taken = _TAKEN | {domain.names.plural_pascal + end for end in _TAKEN_AFTER_PLURAL}
    types = [shape.class_name for shape in domain.payloads]
    types += [shape.class_name for shape in domain.objects]
    for name in types:
        if name in taken:
            raise TemplateError(
                f"the type {name} is the generated hook's already; "
                "name the event or the object otherwise"
            )


# events.ts


def _payload(name: str, fields: Sequence[Field]) -> str:
    """Return the type of a payload, or of an object inside one."""
    if not fields:
        return f"export type {name} = Record<string, never>;"
    lines = [line for field in fields for line in _field(field)]
    return "\n".join([f"export interface {name} {{", *(f"  {line}" for line in lines), "}"])


def _field(field: Field) -> Iterable[str]:
    if field.kind == "datetime":
        yield "/** ISO 8601. */"
    mark = "?" if field.is_optional else ""
    kind = f"readonly {ts_type(field)}" if field.is_array else ts_type(field)
    yield f"readonly {field.name}{mark}: {kind};"


# The store and the hook


def _store(domain: Domain) -> dict[str, str]:
    received = f"{domain.names.plural_pascal}Received"
    arguments = [f"fetched: Partial<{received}>", f"before: {received}"]
    return {"refill": _fitted("  readonly refill: (", arguments, ") => void;", indent="  ")}


def _hook(domain: Domain) -> dict[str, Any]:
    names, plural = domain.names, domain.names.plural_pascal
    throws = bool(domain.commands or domain.rooms)
    options = [f"options: {plural}SocketOptions"]
    return {
        "commands": [_command(command) for command in domain.commands],
        "rooms": [
            {"name": pascal(words_of(room.prefix)), "prefix": room.prefix} for room in domain.rooms
        ],
        "contract": _contract(domain),
        "listener": _fitted(
            f"    readonly [Name in keyof {plural}Events]?: (",
            [f"payload: {plural}Events[Name]"],
            ") => void;",
            indent="    ",
        ),
        "hook_head": _fitted(f"export function {names.hook}(", options, f"): {plural}Socket {{"),
        "socket_import": _import(
            [
                *(["type Ack"] if domain.commands else []),
                "openRealtimeSocket",
                "RealtimeError" if throws else "type RealtimeError",
                "type RealtimeSocket",
                "type RealtimeStatus",
            ],
            "../../../lib/realtime/realtime-socket",
        ),
        "events_import": _import(
            _contract_types(domain), f"./{names.plural_kebab}.events", "type "
        ),
        "store_import": _import(
            [
                f"create{plural}Store",
                *([f"type {plural}Received"] if domain.events else []),
                f"type {plural}Store",
            ],
            f"./{names.plural_kebab}.store",
        ),
    }


def _command(command: EventShape) -> dict[str, str]:
    name = camel(command.short_words)
    argument = f"payload: {command.class_name}" if command.fields else ""
    payload = "payload" if command.fields else "{}"
    head = f"        {name}: async ({argument}) =>"
    call = f'opened().send("{command.name}", {payload}),'
    line = f"{head} {call}"
    return {
        "type": _fitted(
            f"    readonly {name}: (",
            [argument] if argument else [],
            ") => Promise<Ack>;",
            indent="    ",
        ),
        "code": line if len(line) <= WIDTH else f"{head}\n          {call}",
    }


def _contract(domain: Domain) -> str:
    """Return the type arguments: events and commands, as far as there are any."""
    plural = domain.names.plural_pascal
    events = f"{plural}Events" if domain.events else "Record<never, object>"
    if domain.commands:
        return f"<{events}, {plural}Commands>"
    return f"<{events}>" if domain.events else ""


def _contract_types(domain: Domain) -> list[str]:
    plural = domain.names.plural_pascal
    return [
        *(command.class_name for command in domain.commands if command.fields),
        *([f"{plural}Commands"] if domain.commands else []),
        *([f"{plural}Events"] if domain.events else []),
    ]


def _provider(domain: Domain) -> dict[str, str]:
    plural = domain.names.plural_pascal
    line = f"export function {plural}Provider({{ children, ...options }}: {plural}ProviderProps) {{"
    if len(line) > WIDTH:
        line = "\n".join(
            [
                f"export function {plural}Provider({{",
                "  children,",
                "  ...options",
                f"}}: {plural}ProviderProps) {{",
            ]
        )
    hook = [f"type {plural}Socket", f"type {plural}SocketOptions", domain.names.hook]
    module = f"./{domain.names.hook_file.removesuffix('.ts')}"
    return {"provider_head": line, "hook_import": _import(hook, module)}


# Lines that fit the page


def _fitted(start: str, arguments: Sequence[str], end: str, indent: str = "") -> str:
    line = f"{start}{', '.join(arguments)}{end}"
    if len(line) <= WIDTH:
        return line
    inner = [f"{indent}  {argument}," for argument in arguments]
    return "\n".join([start, *inner, f"{indent}{end}"])


def _import(names: Iterable[str], module: str, kind: str = "") -> str:
    """Return an import, its names in the order that import sorters want."""
    ordered = sorted(names, key=lambda name: name.removeprefix("type ").lower())
    line = f'import {kind}{{ {", ".join(ordered)} }} from "{module}";'
    if len(line) <= WIDTH:
        return line
    return "\n".join(
        [f"import {kind}{{", *(f"  {name}," for name in ordered), f'}} from "{module}";']
    )
