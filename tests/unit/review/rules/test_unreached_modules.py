"""Modules that only unreached modules import, and modules that share a name."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import review_project

RULE = "module-not-imported"
CHAT = """\
import { Module } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';

@WebSocketGateway()
export class ChatGateway {}

@Module({ providers: [ChatGateway] })
export class ChatModule {}
"""
SOCIAL = """\
import { Module, forwardRef } from '@nestjs/common';
import { ChatModule } from './chat.module';

@Module({ imports: [forwardRef(() => ChatModule)], exports: [ChatModule] })
export class SocialModule {}
"""
MAIN = """\
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
IMPORT

@Module({ imports: [NAMES] })
export class AppModule {}

await NestFactory.create(AppModule);
"""
OTHER = """\
import { Module } from '@nestjs/common';

@Module({})
export class ChatModule {}
"""


@pytest.mark.parametrize(
    ("imports", "names", "count"),
    [
        ("", "", 1),
        ("import { SocialModule } from './social.module';", "SocialModule", 0),
        ("import { ChatModule } from './chat.module';", "ChatModule", 0),
        ("import { ChatModule } from './other/other.module';", "ChatModule", 1),
    ],
)
def test_modules(imports: str, names: str, count: int) -> None:
    files = {
        "src/chat.module.ts": CHAT,
        "src/social.module.ts": SOCIAL,
        "src/other/other.module.ts": OTHER,
        "src/main.ts": MAIN.replace("IMPORT", imports).replace("NAMES", names),
    }
    report = review_project(files, RULE)
    assert [each.file for each in report.findings] == ["src/chat.module.ts"] * count


IDLE = {
    "example.gateway.ts": """\
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { Server } from 'socket.io';

@WebSocketGateway()
export class ExampleGateway {
  @WebSocketServer() server!: Server;

  @SubscribeMessage('say')
  say(@MessageBody() text: string) {
    this.server.emit('said', text);
  }
}
""",
    "app.module.ts": """\
import { Module } from '@nestjs/common';
import { OtherGateway } from './other.gateway';

@Module({ providers: [OtherGateway] })
export class AppModule {}
""",
}


def test_what_a_gateway_does_that_nobody_makes_is_no_fault() -> None:
    report = review_project(IDLE, could_not_tell=True)
    faults = {finding.rule for finding in report.faults}
    assert faults == {"module-not-imported"}
    assert "global-emit" in {finding.rule for finding in report.findings}


def test_the_same_gateway_is_judged_once_a_module_has_it() -> None:
    module = IDLE["app.module.ts"].replace("[OtherGateway]", "[OtherGateway, ExampleGateway]")
    report = review_project({**IDLE, "app.module.ts": module}, "global-emit")
    assert [finding.line for finding in report.faults] == [11]
