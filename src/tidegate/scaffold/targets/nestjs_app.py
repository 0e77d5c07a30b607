"""The NestJS app that a domain is written into: its own files, read and edited.

A service of its own that does not exist yet reads as it will begin.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from tidegate.errors import TemplateError
from tidegate.scaffold.domain import Domain
from tidegate.scaffold.nest_registration import add_dependencies, add_to_module, use_realtime
from tidegate.scaffold.plan import PlannedFile, ProjectView
from tidegate.scaffold.render import render

__all__ = ["NestAppFiles"]

SERVICE_FILES = {
    ".dockerignore": "dockerignore",
    "Dockerfile": "Dockerfile",
    "package.json": "package.json",
    "src/app.module.ts": "app.module.ts",
    "src/main.ts": "main.ts",
    "tsconfig.json": "tsconfig.json",
}
"""What a service of its own begins with."""

_NEST_PACKAGES = ("microservices", "platform-socket.io", "websockets")
# Not socket.io: Nest pins one version of it, and a second copy has other types.
_PACKAGES = {
    "amqp-connection-manager": "^4.1.14",
    "amqplib": "^0.10.9",
    "class-transformer": "^0.5.1",
    "class-validator": "^0.15.1",
}
_DEV_PACKAGES = {"@types/amqplib": "^0.10.7", "socket.io-client": "^4.8.1"}
_RELATIVE_IMPORT = re.compile(r"(from '\.{1,2}/[^']*)'")


class NestAppFiles:
    """The files of one app.

    Attributes:
        runs_vitest: Whether its tests are Vitest's and not Jest's.
    """

    def __init__(self, domain: Domain, project: ProjectView) -> None:
        self._domain = domain
        self._project = project
        self._begun = self._begin() if domain.is_standalone else {}
        self._package_path, self._package = self._read_package()
        self._is_esm = self._package.get("type") == "module"
        packages = self._package.get("devDependencies", {})
        self.runs_vitest = "vitest" in packages and "jest" not in packages

    def read(self, path: PurePosixPath | str) -> str | None:
        """Return a file as the project has it, or as it has just begun."""
        text = self._project.read(path)
        return self._begun.get(PurePosixPath(path)) if text is None else text

    def text(self, template: str, **context: Any) -> str:
        """Return a template's text; in an ES module, imports name files with their endings."""
        text = render(f"nestjs/{template}.jinja", **context)
        return _RELATIVE_IMPORT.sub(r"\1.js'", text) if self._is_esm else text

    def registered(self) -> Iterator[PlannedFile]:
        """Return the app's files with the domain in them.

        Raises:
            TemplateError: There is no app, or one of its files can't be edited safely.
        """
        app_path, main_path = (
            self._domain.gateway_root / "src" / name for name in ("app.module.ts", "main.ts")
        )
        app, main = self.read(app_path), self.read(main_path)
        if app is None or main is None:
            missing = app_path if app is None else main_path
            raise TemplateError(
                f"there is no NestJS app in {self._domain.gateway_root} ({missing} is missing): "
                "make one with `nest new`, or name the folder of yours"
            )
        realtime = {"RealtimeModule": self._module("./realtime/realtime.module")}
        setup = self._module("./realtime/realtime.setup")
        edited = [
            self._realtime_module(),
            self._edited(
                app_path, add_to_module(app, app_path, realtime, {"imports": ["RealtimeModule"]})
            ),
            self._edited(main_path, use_realtime(main, main_path, setup)),
            *self._dependencies(),
        ]
        yield from edited
        done = [file.path for file in edited]
        yield from (self._edited(p, text) for p, text in self._begun.items() if p not in done)

    def _begin(self) -> dict[PurePosixPath, str]:
        """Return what a service of its own lacks."""
        paths = {
            self._domain.gateway_root / name: template for name, template in SERVICE_FILES.items()
        }
        return {
            path: render(f"nestjs/{template}.jinja")
            for path, template in paths.items()
            if self._project.read(path) is None
        }

    def _edited(self, path: PurePosixPath, text: str) -> PlannedFile:
        return PlannedFile(path, text, "edit" if self._project.read(path) is not None else "create")

    def _realtime_module(self) -> PlannedFile:
        names = self._domain.names
        folder = f"./{names.plural_camel}/{names.plural_kebab}"
        imports = {
            "ConfigModule": "@nestjs/config",
            "JwtModule": "@nestjs/jwt",
            "RealtimeConfig": self._module("./realtime.config"),
            "TokenService": self._module("./token.service"),
            names.nest_consumer: self._module(f"{folder}-ws.consumer"),
            names.nest_gateway: self._module(f"{folder}.gateway"),
        }
        members = {
            "imports": ["ConfigModule", "JwtModule.register({})"],
            "controllers": [names.nest_consumer],
            "providers": ["RealtimeConfig", "TokenService", names.nest_gateway],
            "exports": [names.nest_gateway],
        }
        path = self._domain.nest_root / "realtime.module.ts"
        source = self.read(path)
        if source is None:
            source = self.text("realtime.module.ts")
        if not re.search(r"\bclass\s+RealtimeModule\b", source):
            raise TemplateError(f"{path} is there, but has no class RealtimeModule")
        return self._edited(path, add_to_module(source, path, imports, members))

    def _module(self, path: str) -> str:
        return f"{path}.js" if self._is_esm else path

    def _dependencies(self) -> Iterator[PlannedFile]:
        if self._package_path is None:
            return
        source = self.read(self._package_path) or ""
        wanted = {"dependencies": self._packages(), "devDependencies": dict(_DEV_PACKAGES)}
        # In a workspace, what the root has is there for all.
        for key in ("dependencies", "devDependencies"):
            root = _json_object(self.read("package.json") or "{}").get(key, {})
            for packages in wanted.values():
                for name in root:
                    packages.pop(name, None)
        text = add_dependencies(source, self._package_path, wanted)
        yield self._edited(self._package_path, text)

    def _packages(self) -> dict[str, str]:
        have = {**self._package.get("devDependencies", {}), **self._package.get("dependencies", {})}
        version = have.get("@nestjs/core", have.get("@nestjs/common", "11"))
        match = re.search(r"\d+", str(version))
        major = int(match[0]) if match else 11
        nest = {f"@nestjs/{name}": f"^{major}.0.0" for name in _NEST_PACKAGES}
        config = {"@nestjs/config": "^4.0.0" if major < 12 else f"^{major}.0.0"}
        return {**nest, **config, "@nestjs/jwt": f"^{major}.0.0", **_PACKAGES}

    def _read_package(self) -> tuple[PurePosixPath | None, dict[str, Any]]:
        for folder in (self._domain.gateway_root, PurePosixPath()):
            text = self.read(folder / "package.json")
            if text is not None:
                return folder / "package.json", _json_object(text)
        return None, {}


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
