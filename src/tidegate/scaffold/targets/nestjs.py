"""The NestJS target: a gateway, a consumer and their types in an app's ``src/realtime``.

Each domain has a folder; what all domains share lies beside the folders and is written once. The
app's own files are edited: ``realtime.module.ts``, ``app.module.ts``, ``main.ts``, and
``package.json``, which gets the packages that are missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from tidegate.errors import TemplateError
from tidegate.scaffold import nest_fields
from tidegate.scaffold.domain import Domain, EventShape
from tidegate.scaffold.fields import ObjectShape
from tidegate.scaffold.plan import PlannedFile, ProjectView
from tidegate.scaffold.targets.nestjs_app import NestAppFiles
from tidegate.scaffold.typescript_layout import fitted, import_line, items

__all__ = ["files", "next_steps"]

SHARED = (
    "audience",
    "identity",
    "payload",
    "realtime-io.adapter",
    "realtime-rmq.server",
    "realtime.config",
    "realtime.setup",
    "token-life",
    "token.service",
    "ws-error.filter",
)
GUARD = "guards/ws-auth.guard.ts"
GUARD_FOLDERS = ("src/realtime", "src", "src/auth", "src/common", "src/shared")
"""Where a guard is looked for, under the gateway's root; else it is written into the first."""

_VITEST = "import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';\n"

# Names in the generated files that an event's class would hide.
_TAKEN_CLASSES = frozenset(
    {
        *("Allow", "Channel", "Controller", "Ctx", "Identity", "Logger", "Payload", "Type"),
        *("IsArray", "IsBoolean", "IsIn", "IsInt", "IsNumber", "IsObject", "IsOptional"),
        *("IsDateTime", "IsPresent", "IsString", "ValidateNested", "ConsumeMessage", "SocketData"),
        *("ConnectedSocket", "EventPattern", "MessageBody", "SubscribeMessage", "PayloadPipe"),
        *("DefaultEventsMap", "RealtimeSocket", "RmqContext", "RoomAnswer", "RoomPipe"),
        *("RoomRequest", "UseFilters", "UseGuards", "WebSocketGateway", "WebSocketServer"),
        *("OnGatewayConnection", "WsAuthGuard", "WsErrorFilter", "WsException"),
    }
)


def files(domain: Domain, project: ProjectView) -> list[PlannedFile]:
    """Return the files of a domain, and the app's files with the domain registered.

    Raises:
        TemplateError: There is no NestJS app, or one of its files can't be edited safely.
    """
    return list(_NestFiles(domain, project).all())


def next_steps(domain: Domain) -> list[str]:
    """Return what is left to do by hand."""
    folder, kebab = domain.nest_folder, domain.names.plural_kebab
    steps = [
        "Install the packages that package.json has got: npm install.",
        "Set JWT_SECRET (or JWT_PUBLIC_KEY), JWT_AUDIENCE, JWT_ISSUER, REALTIME_ORIGINS and "
        f"RABBITMQ_URL; {domain.nest_root}/realtime.config.ts tells what they are.",
        "Have services publish to the topic exchange `events` (REALTIME_EXCHANGE) with the event's "
        "name as the routing key: Nest's ClientProxy with `wildcards: true` does.",
        f"Run its spec: {folder}/{kebab}.gateway.spec.ts.",
    ]
    if domain.commands or domain.rooms:
        gateway = f"{folder}/{domain.names.nest_gateway_file}"
        steps.insert(3, f"Call your services where {gateway} says TODO.")
    return steps


class _NestFiles:
    """Plans the files of one domain."""

    def __init__(self, domain: Domain, project: ProjectView) -> None:
        self._domain = domain
        self._names = domain.names
        self._app = NestAppFiles(domain, project)

    def all(self) -> Iterator[PlannedFile]:
        self._check_classes()
        yield from self._app.registered()
        yield from self._shared()
        kebab = self._names.plural_kebab
        guard = self._guard()
        if guard is None:
            yield PlannedFile(self._domain.nest_root / GUARD, self._app.text("ws-auth.guard.ts"))
        for name, template in (
            (f"{kebab}.events.ts", "events.ts"),
            (self._names.nest_gateway_file, "gateway.ts"),
            (f"{kebab}.gateway.spec.ts", "gateway.spec.ts"),
            (self._names.nest_consumer_file, "consumer.ts"),
        ):
            text = self._app.text(
                template, **self._context(guard or self._domain.nest_root / GUARD)
            )
            if template == "gateway.spec.ts" and self._app.runs_vitest:
                text = text.replace("\n", f"\n{_VITEST}", 1)
            yield PlannedFile(self._domain.nest_folder / name, text)

    # Parts

    def _shared(self) -> Iterator[PlannedFile]:
        for name in (*SHARED, *(["room-request"] if self._domain.rooms else [])):
            path = self._domain.nest_root / f"{name}.ts"
            if self._app.read(path) is None:
                yield PlannedFile(path, self._app.text(f"{name}.ts"))

    def _guard(self) -> PurePosixPath | None:
        """Return where the app has its guard."""
        for folder in GUARD_FOLDERS:
            path = self._domain.gateway_root / folder / GUARD
            text = self._app.read(path)
            if text is not None:
                if not re.search(r"\bclass\s+WsAuthGuard\b", text):
                    raise TemplateError(f"{path} is there, but has no class WsAuthGuard; rename it")
                return path
        return None

    def _context(self, guard: PurePosixPath) -> dict[str, Any]:
        domain = self._domain
        shapes: list[EventShape | ObjectShape] = [*domain.payloads, *domain.objects]
        needed = nest_fields.imports(field for shape in shapes for field in shape.fields)
        event = next((e for e in domain.events if domain.room_of(e) is None), domain.events[0])
        user = event.field("userId")
        is_for_tenant = domain.room_of(event) is None and (user is None or user.is_optional)
        ears = ["colleague"] * is_for_tenant + ["stranger"]
        return {
            "domain": domain,
            "names": self._names,
            "guard_import": _relative(guard.with_suffix(""), domain.nest_folder),
            "decorators": nest_fields.decorators,
            "property_type": nest_fields.property_type,
            "sample": nest_fields.sample,
            "row": _row,
            "fitted": fitted,
            "import_line": import_line,
            "event_classes": [event.class_name for event in domain.events],
            "event_imports": [
                *(command.class_name for command in domain.commands),
                *(f"type {event.class_name}" for event in domain.events),
                f"type {self._names.plural_pascal}Namespace",
            ],
            "identity_imports": self._identity_imports(),
            "validator_imports": needed["validator"],
            "transformer_imports": needed["transformer"],
            "own_imports": needed["own"],
            "event": event,
            "is_for_tenant": is_for_tenant,
            "heard": items([f"'{ear} {event.name}'" for ear in ears], "[]", 4, 24),
            "key": self._event_key,
            "missing": next((field for field in event.fields if not field.is_optional), None),
        }

    def _event_key(self, event: EventShape) -> str:
        """Return a property's name; quoted, unless none of them needs it."""
        names = [each.name for each in self._domain.events]
        return event.name if all(map(str.isidentifier, names)) else f"'{event.name}'"

    def _identity_imports(self) -> list[str]:
        has_rooms = bool(self._domain.rooms)
        rooms = [self._domain.room_of(event) for event in self._domain.events]
        wanted = {
            "resourceRoom": has_rooms,
            "roomOf": None in rooms,
            "tenantRoom": True,
            "userRoom": True,
            "type Audience": True,
            "type Identity": has_rooms,
            "type RealtimeSocket": True,
        }
        return [name for name, is_wanted in wanted.items() if is_wanted]

    # Texts

    def _check_classes(self) -> None:
        shapes: list[EventShape | ObjectShape] = [*self._domain.payloads, *self._domain.objects]
        own = {
            self._names.nest_gateway,
            self._names.nest_consumer,
            f"{self._names.plural_pascal}Namespace",
            f"{self._names.plural_pascal}ServerEvents",
        }
        for shape in shapes:
            if shape.class_name in _TAKEN_CLASSES | own:
                raise TemplateError(
                    f"the type {shape.class_name} would hide a name that the NestJS code uses: "
                    "call the event (or the object) otherwise"
                )


def _row(values: Sequence[str]) -> str:
    """Return a row of a table in the spec."""
    return "    " + items(values, "[]", 4, 1) + ","


def _relative(path: PurePosixPath, folder: PurePosixPath) -> str:
    """Return a path as seen from a folder, such as ``../guards/ws-auth.guard``."""
    up = 0
    while not path.is_relative_to(folder):
        folder, up = folder.parent, up + 1
    return "../" * up + str(path.relative_to(folder))
