"""Edits of a NestJS app's own files: what is missing goes in, all else stays."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

import pytest

from tidegate.errors import TemplateError
from tidegate.scaffold.nest_registration import add_dependencies, add_to_module, use_realtime

MODULE = PurePosixPath("app.module.ts")
MAIN = PurePosixPath("main.ts")
REALTIME = {"RealtimeModule": "./realtime/realtime.module"}


def with_module(source: str) -> str:
    edited = add_to_module(source, MODULE, REALTIME, {"imports": ["RealtimeModule"]})
    assert add_to_module(edited, MODULE, REALTIME, {"imports": ["RealtimeModule"]}) == edited
    return edited


def with_realtime(source: str) -> str:
    edited = use_realtime(source, MAIN, "./realtime/realtime.setup")
    assert use_realtime(edited, MAIN, "./realtime/realtime.setup") == edited
    return edited


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("@Module({})", "@Module({\n  imports: [RealtimeModule],\n})", id="empty"),
        pytest.param("({ imports: [] })", "({ imports: [RealtimeModule] })", id="an empty list"),
        pytest.param(
            "({ providers: [A] })",
            "({ providers: [A], imports: [RealtimeModule] })",
            id="no list, one line",
        ),
        pytest.param(
            "({\n  providers: [A] // why\n})",
            "({\n  providers: [A], // why\n  imports: [RealtimeModule],\n})",
            id="no list, no comma",
        ),
        pytest.param(
            "({\n  imports: [A, B],\n})",
            "({\n  imports: [A, B, RealtimeModule],\n})",
            id="one line",
        ),
        pytest.param(
            "({\n  imports: [A.forRoot({ a: [1, 2] }), B, Cccccccccccccccccccccccccccccccc],\n})",
            "({\n  imports: [\n    A.forRoot({ a: [1, 2] }),\n    B,\n"
            "    Cccccccccccccccccccccccccccccccc,\n    RealtimeModule,\n  ],\n})",
            id="a line that gets too long",
        ),
        pytest.param(
            "({\n  imports: [\n    A, // RealtimeModule goes here]\n    ...others,\n  ],\n})",
            "({\n  imports: [\n    A, // RealtimeModule goes here]\n    ...others,\n"
            "    RealtimeModule,\n  ],\n})",
            id="comments and spreads",
        ),
        pytest.param(
            "({\n  imports: [\n    A.forRoot({\n      url: 'a]b',\n    })\n  ],\n})",
            "({\n  imports: [\n    A.forRoot({\n      url: 'a]b',\n    }),\n    RealtimeModule,\n"
            "  ],\n})",
            id="no comma at the end",
        ),
        pytest.param(
            "({\n  imports: [\n    A,\n    B],\n})",
            "({\n  imports: [\n    A,\n    B, RealtimeModule],\n})",
            id="a bracket behind the last",
        ),
        pytest.param(
            "({\n  imports: [\n    A, // the first\n    // the last:\n    B, // note\n    // more\n"
            "  ],\n})",
            "({\n  imports: [\n    A, // the first\n    // the last:\n    B, // note\n"
            "    RealtimeModule,\n    // more\n  ],\n})",
            id="comments at the end",
        ),
    ],
)
def test_a_member_goes_into_its_list(before: str, after: str) -> None:
    head = "import { Module } from '@nestjs/common';\n"
    before, after = (text if "@" in text else f"@Module{text}" for text in (before, after))
    tail = "\nexport class AppModule {}\n"
    expected = f"{head}import {{ RealtimeModule }} from './realtime/realtime.module';\n"
    assert with_module(head + before + tail) == expected + after + tail


def test_imports_are_written_as_the_others_are() -> None:
    source = (
        "// import { RealtimeModule } from 'nowhere'\r\n"
        'import {\r\n  Module,\r\n} from "@nestjs/common"\r\nimport "./side-effect"\r\n\r\n'
        "@Module({ imports: [] })\r\nexport class AppModule {}\r\n"
    )
    edited = with_module(source)
    line = 'import { RealtimeModule } from "./realtime/realtime.module"\r\n'
    assert f'import "./side-effect"\r\n{line}\r\n@Module' in edited
    assert "\n" not in edited.replace("\r\n", "")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("export class AppModule {}", "it has no @Module({...})"),
        ("@Module({})\nclass A {}\n@Module({})\nclass B {}", "it has several modules"),
        ("@Module({ imports: all })", "imports of its @Module is not written as a list"),
        ("@Module({ imports })", "imports of its @Module is not written as a list"),
        ("@Module({ imports: [A, })", "its brackets don't match"),
        ("// @Module({ imports: [] })", "it has no @Module({...})"),
    ],
)
def test_a_module_that_is_not_plain_is_left_alone(source: str, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        with_module(source)
    assert str(caught.value) == (
        f"app.module.ts is left alone: {reason}. Add by hand: RealtimeModule in imports; "
        "then run this again"
    )


MAIN_HEAD = "import { NestFactory } from '@nestjs/core';\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "  const app = await NestFactory.create<NestExpressApplication>(AppModule, {});\n"
            "  app.enableCors();\n"
            "  await app.listen(3000);\n",
            "  app.enableCors();\n  useRealtime(app);\n  await app.startAllMicroservices();\n"
            "  await app.listen(3000);\n",
            id="plain",
        ),
        pytest.param(
            "  const api: INestApplication = await NestFactory.create(AppModule);\n"
            "  // api.listen(1);\n"
            "  await api.startAllMicroservices();\n"
            "  await api.listen(3000);\n",
            "  // api.listen(1);\n  useRealtime(api);\n  await api.startAllMicroservices();\n"
            "  await api.listen(3000);\n",
            id="with microservices",
        ),
        pytest.param(
            "const app = await NestFactory.create(AppModule);\nawait app.listen(3000);\n",
            "useRealtime(app);\nawait app.startAllMicroservices();\nawait app.listen(3000);\n",
            id="top level",
        ),
    ],
)
def test_the_app_is_connected_before_it_listens(before: str, after: str) -> None:
    edited = with_realtime(MAIN_HEAD + before)
    assert edited.startswith(
        MAIN_HEAD + "import { useRealtime } from './realtime/realtime.setup';\n"
    )
    assert edited.endswith(after)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("NestFactory.create(A).then((app) => app.listen(1));", "where NestFactory.create makes"),
        ("const app = await NestFactory.createMicroservice(A);", "where NestFactory.create makes"),
        ("const app = await NestFactory.create(A);\nserve(app);", "where app begins to listen"),
        (
            "const app = await NestFactory.create(A);\n"
            "app.useWebSocketAdapter(new Own(app));\nawait app.listen(1);",
            "it has a WebSocket adapter",
        ),
    ],
)
def test_a_main_that_is_not_plain_is_left_alone(body: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=r"main\.ts is left alone: .*" + reason):
        with_realtime(MAIN_HEAD + body)


def test_a_main_that_is_connected_by_hand_stays_as_it_is() -> None:
    source = "const app = make();\napp.useWebSocketAdapter(x);\nuseRealtime(app);\n"
    assert with_realtime(source) == source


def test_packages_that_are_missing_are_added_in_order() -> None:
    wanted = {"dependencies": {"b": "^1", "c": "^2"}, "devDependencies": {"d": "^3"}}
    lists = '"dependencies": {"a": "1"},\n    "peerDependencies": {"c": "1"}'
    source = f'{{\n    "name": "ö",\n    {lists}\n}}\n'
    edited = add_dependencies(source, PurePosixPath("package.json"), wanted)
    assert edited.startswith('{\n    "name": "ö",\n') and edited.endswith("}\n")
    package = json.loads(edited)
    assert list(package["dependencies"].items()) == [("a", "1"), ("b", "^1")]
    assert package["devDependencies"] == {"d": "^3"}
    assert add_dependencies(edited, PurePosixPath("package.json"), wanted) == edited


@pytest.mark.parametrize("source", ["{", "[]", '"text"'])
def test_what_is_no_package_is_left_alone(source: str) -> None:
    with pytest.raises(TemplateError, match=r"it is no package\.json"):
        add_dependencies(source, PurePosixPath("package.json"), {"dependencies": {"a": "1"}})
