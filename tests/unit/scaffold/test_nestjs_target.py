"""What the NestJS target makes of a domain, compared with stored trees."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.scaffold.domains import activity_feed, notification
from tests.scaffold.golden import assert_matches_golden

from tidegate.errors import TemplateError
from tidegate.scaffold import Answers, Domain, MemoryProject, domain_from, plan

ROOT = "apps/api-gateway"
APP = """\
import { Module } from '@nestjs/common';

@Module({ imports: [] })
export class AppModule {}
"""
MAIN = """\
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(3000);
}
void bootstrap();
"""


def nest_app(**more: str) -> MemoryProject:
    files = {f"{ROOT}/src/app.module.ts": APP, f"{ROOT}/src/main.ts": MAIN, **more}
    return MemoryProject({path: text for path, text in files.items() if text})


def nestjs(**answers: Any) -> Domain:
    return domain_from(Answers(**{"target": "nestjs", "has_frontend": False, **answers}))


def texts(domain: Domain, project: MemoryProject) -> dict[str, str]:
    """Plan a domain, put it into the project, and return the planned texts by file."""
    planned = {str(file.path): file.content for file in plan(domain, project).files}
    project.files |= planned
    return planned


def test_in_an_api_gateway() -> None:
    assert_matches_golden(plan(notification(target="nestjs"), nest_app()), "nestjs-api-gateway")


def test_a_service_of_its_own() -> None:
    domain = activity_feed(target="nestjs", gateway="standalone")
    assert_matches_golden(plan(domain, MemoryProject()), "nestjs-standalone")


def test_a_second_run_plans_the_same_texts() -> None:
    for domain in (notification(target="nestjs"), activity_feed(target="nestjs")):
        project = nest_app()
        texts(domain, project)
        before = dict(project.files)
        texts(domain, project)
        assert project.files == before


def test_a_second_domain_brings_no_shared_file_again() -> None:
    project = nest_app()
    texts(notification(target="nestjs"), project)
    shared = f"{ROOT}/src/realtime/realtime-io.adapter.ts"
    project.files[shared] += "// ours\n"
    again = texts(activity_feed(target="nestjs"), project)
    assert shared not in again
    assert f"{ROOT}/src/realtime/room-request.ts" in again
    module = again[f"{ROOT}/src/realtime/realtime.module.ts"]
    assert "providers: [\n" in module and "    ActivityFeedsGateway,\n" in module


@pytest.mark.parametrize(
    ("folder", "imported"),
    [
        ("src", "../../guards/ws-auth.guard"),
        ("src/auth", "../../auth/guards/ws-auth.guard"),
        ("src/realtime", "../guards/ws-auth.guard"),
    ],
)
def test_a_guard_that_is_there_is_used(folder: str, imported: str) -> None:
    project = nest_app(
        **{f"{ROOT}/{folder}/guards/ws-auth.guard.ts": "export class WsAuthGuard {}"}
    )
    planned = texts(notification(target="nestjs"), project)
    assert not [path for path in planned if path.endswith("guard.ts")]
    gateway = planned[f"{ROOT}/src/realtime/notifications/notifications.gateway.ts"]
    assert f"import {{ WsAuthGuard }} from '{imported}';" in gateway


def test_es_modules_name_files_with_their_endings_and_vitest_is_imported() -> None:
    package = {"type": "module", "dependencies": {"@nestjs/core": "^12.0.1"}}
    text = json.dumps({**package, "devDependencies": {"vitest": "^4"}})
    planned = texts(notification(target="nestjs"), nest_app(**{f"{ROOT}/package.json": text}))
    spec = planned[f"{ROOT}/src/realtime/notifications/notifications.gateway.spec.ts"]
    assert "from '../realtime.module.js';" in spec
    assert spec.splitlines()[1].endswith("from 'vitest';")
    assert "from './realtime/realtime.setup.js';" in planned[f"{ROOT}/src/main.ts"]
    needed = json.loads(planned[f"{ROOT}/package.json"])
    assert needed["dependencies"]["@nestjs/microservices"] == "^12.0.0"
    assert needed["dependencies"]["@nestjs/config"] == "^12.0.0"


def test_a_workspace_keeps_packages_that_its_root_has() -> None:
    root = json.dumps({"dependencies": {"amqplib": "1", "class-validator": "1"}})
    own = json.dumps({"dependencies": {"@nestjs/common": "11.1.0"}})
    project = nest_app(**{"package.json": root, f"{ROOT}/package.json": own})
    planned = texts(notification(target="nestjs"), project)
    needed = json.loads(planned[f"{ROOT}/package.json"])["dependencies"]
    assert "amqplib" not in needed and needed["@nestjs/websockets"] == "^11.0.0"
    assert "package.json" not in planned


def test_room_events_go_to_their_room_and_names_that_are_not_used_are_not_imported() -> None:
    chat = nestjs(
        name="Chat",
        events=["message.sent:conversationId,text"],
        rooms=["conversation:{conversationId}"],
    )
    planned = texts(chat, nest_app())
    gateway = planned[f"{ROOT}/src/realtime/chats/chats.gateway.ts"]
    assert "resourceRoom(tenantId, 'conversation', id)" in gateway
    assert "roomOf" not in gateway and "PayloadPipe" not in gateway
    assert "@SubscribeMessage('tidegate.join')" in gateway


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({f"{ROOT}/src/main.ts": ""}, "there is no NestJS app in apps/api-gateway"),
        ({f"{ROOT}/src/app.module.ts": ""}, "there is no NestJS app in apps/api-gateway"),
        ({f"{ROOT}/package.json": "{"}, "it is no package.json"),
        ({f"{ROOT}/src/guards/ws-auth.guard.ts": "class Other {}"}, "has no class WsAuthGuard"),
        (
            {f"{ROOT}/src/realtime/realtime.module.ts": "@Module({})\nclass M {}"},
            "has no class RealtimeModule",
        ),
    ],
)
def test_an_app_that_is_not_plain_is_refused(files: dict[str, str], reason: str) -> None:
    with pytest.raises(TemplateError, match=reason):
        plan(notification(target="nestjs"), nest_app(**files))


@pytest.mark.parametrize("event", ["logger", "payload", "is.string", "notifications.gateway"])
def test_a_type_that_would_hide_a_name_is_refused(event: str) -> None:
    with pytest.raises(TemplateError, match="would hide a name"):
        plan(nestjs(name="Notification", events=[event]), nest_app())
