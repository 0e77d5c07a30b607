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
