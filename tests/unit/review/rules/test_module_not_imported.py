from __future__ import annotations

import pytest
from tests.unit.review.helpers import review_project, review_text

from tidegate.review.fix import applied

RULE = "module-not-imported"
GATEWAY = """\
import { WebSocketGateway } from '@nestjs/websockets';
import { JwtService } from '@nestjs/jwt';
@WebSocketGateway()
export class ChatGateway {
  constructor(private readonly jwt: JwtService) {}
}
"""
PLAIN = """\
import { WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway()
export class ChatGateway {}
"""
MAIN = """\
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';
const app = await NestFactory.create(AppModule);
"""


def project(app: str, chat: str = "", gateway: str = PLAIN, **more: str) -> dict[str, str]:
    head = (
        "import { Module } from '@nestjs/common';\n"
        "import { JwtModule, JwtService } from '@nestjs/jwt';\n"
    )
    files = {
        "src/main.ts": MAIN,
        "src/app.module.ts": head
        + "import { ChatModule } from './chat/chat.module';\n"
        + "import { AuthModule } from './auth.module';\n"
        + f"@Module({app})\nexport class AppModule {{}}\n",
        "src/chat/chat.gateway.ts": gateway,
    }
    if chat:
        files["src/chat/chat.module.ts"] = (
            head
            + "import { ChatGateway } from './chat.gateway';\n"
            + "import { AuthModule } from '../auth.module';\n"
            + f"@Module({chat})\nexport class ChatModule {{}}\n"
        )
    return files | {name.replace("__", "/") + ".ts": text for name, text in more.items()}


def test_no_module_provides_the_gateway() -> None:
    files = project("{ imports: [ChatModule] }", "{\n  providers: [],\n}")
    [finding] = review_project(files, RULE).findings
    assert (finding.file, finding.line) == ("src/chat/chat.gateway.ts", 3)
    assert finding.fix is not None
    assert {edit.file for edit in finding.fix.edits} == {"src/chat/chat.module.ts"}
    name = "src/chat/chat.module.ts"
    files[name] = applied(files[name], finding.fix.edits)
    assert "providers: [ChatGateway]," in files[name]
    assert not review_project(files, RULE).findings


def test_the_correction_imports_the_gateway() -> None:
    files = project("{\n  providers: [\n    A,\n  ],\n}")
    [finding] = review_project(files, RULE).findings
    assert finding.fix is not None
    text = applied(files["src/app.module.ts"], finding.fix.edits)
    assert text.startswith("import { ChatGateway } from './chat/chat.gateway';\n")
    assert "    A,\n    ChatGateway,\n" in text


@pytest.mark.parametrize(
    "chat",
    [
        "{ providers: [ChatGateway] }",
        "{ providers: [{ provide: 'CHAT', useClass: ChatGateway }] }",
        "{ providers: [...gateways] }",
        "{ providers: isTest ? [] : [ChatGateway] }",
        "providersOf(ChatGateway)",
    ],
)
def test_it_is_provided(chat: str) -> None:
    assert not review_project(project("{ imports: [ChatModule] }", chat), RULE).findings


def test_a_list_in_another_file() -> None:
    files = project(
        "{ imports: [ChatModule] }",
        "{ providers: gateways }",
        src__chat__gateways="import { ChatGateway } from './chat.gateway';\n"
        "export const gateways = [ChatGateway];\n",
    )
    name = "src/chat/chat.module.ts"
    files[name] = "import { gateways } from './gateways';\n" + files[name]
    assert not review_project(files, RULE).findings


def test_a_dynamic_module_provides_it() -> None:
    dynamic = """\
import { ChatGateway } from './chat.gateway';
@Module({})
export class ChatModule {
  static register() {
    return { module: ChatModule, providers: [ChatGateway] };
  }
}
"""
    files = project("{ imports: [ChatModule.register()] }", "{}")
    files["src/chat/chat.module.ts"] = dynamic
    assert not review_project(files, RULE).findings


def test_exports_provide_nothing() -> None:
    files = project("{ imports: [ChatModule] }", "{ exports: [ChatGateway] }")
    assert review_project(files, RULE).findings


def test_base_classes_are_not_provided_themselves() -> None:
    derived = """\
import { ChatGateway } from './chat.gateway';
@WebSocketGateway()
export class RoomGateway extends ChatGateway {}
"""
    files = project(
        "{ imports: [ChatModule] }", "{ providers: [RoomGateway] }", src__chat__room=derived
    )
    assert not review_project(files, RULE).findings


def test_a_module_that_none_imports() -> None:
    files = project("{ imports: [] }", "{ providers: [ChatGateway] }")
    [finding] = review_project(files, RULE).findings
    assert (finding.file, finding.line) == ("src/chat/chat.module.ts", 6)
    assert finding.fix is not None
    name = "src/app.module.ts"
    files[name] = applied(files[name], finding.fix.edits)
    assert "imports: [ChatModule]" in files[name]
    assert not review_project(files, RULE).findings
    del files["src/main.ts"]
    files[name] = files[name].replace("[ChatModule]", "[]")
    assert not review_project(files, RULE).findings


def test_a_module_of_which_the_rest_is_not_here() -> None:
    files = project("{ imports: [ChatModule] }")
    assert not review_project(files, RULE).findings
    assert not review_text(PLAIN, RULE)


AUTH = """\
import { JwtModule } from '@nestjs/jwt';
GLOBAL
@Module({ imports: [JwtModule.register({})], exports: EXPORTS })
export class AuthModule {}
"""


@pytest.mark.parametrize(
    ("chat", "auth", "expected"),
    [
        ("{ providers: [ChatGateway] }", "", True),
        ("{ providers: [ChatGateway], imports: [ConfigModule] }", "", True),
        (
            "{ providers: [ChatGateway], imports: [AuthModule] }",
            AUTH.replace("EXPORTS", "[AuthService]"),
            True,
        ),
        (
            "{ providers: [ChatGateway], imports: [AuthModule] }",
            AUTH.replace("EXPORTS", "[JwtModule]"),
            False,
        ),
        (
            "{ providers: [ChatGateway], imports: [forwardRef(() => AuthModule)] }",
            AUTH.replace("EXPORTS", "[JwtModule]"),
            False,
        ),
        (
            "{ providers: [ChatGateway] }",
            AUTH.replace("GLOBAL", "@Global()").replace("EXPORTS", "[JwtModule]"),
            False,
        ),
        (
            "{ providers: [ChatGateway] }",
            "JwtModule.register({ global: true, secret });  // @Module(",
            False,
        ),
        ("{ providers: [ChatGateway], imports: [JwtModule.register({})] }", "", False),
        ("{ providers: [ChatGateway], imports: [JwtModule.registerAsync(o)] }", "", False),
        ("{ providers: [ChatGateway], imports: [JwtModule] }", "", False),
        ("{ providers: [ChatGateway, JwtService] }", "", False),
        ("{ providers: [ChatGateway], imports: [...shared] }", "", False),
        ("{ providers: [ChatGateway], imports: [AuthModule] }", None, False),
    ],
)
def test_jwt_service_needs_its_module(chat: str, auth: str | None, expected: bool) -> None:
    files = project("{ imports: [ChatModule] }", chat, GATEWAY)
    if auth is not None:
        files["src/auth.module.ts"] = auth.replace("GLOBAL", "") or "export {};"
    if "ConfigModule" in chat:
        name = "src/chat/chat.module.ts"
        files[name] = "import { ConfigModule } from '@nestjs/config';\n" + files[name]
    findings = review_project(files, RULE).findings
    assert [finding.file for finding in findings] == ["src/chat/chat.module.ts"] * expected
    for finding in findings:
        assert finding.fix is not None
        files[finding.file] = applied(files[finding.file], finding.fix.edits)
        assert not review_project(files, RULE).findings


def test_a_guard_of_the_gateway_needs_it() -> None:
    guard = GATEWAY.replace("@WebSocketGateway()\nexport class ChatGateway", "export class WsGuard")
    gateway = """\
import { WebSocketGateway } from '@nestjs/websockets';
import { WsGuard } from './ws.guard';
@UseGuards(WsGuard)
@WebSocketGateway()
export class ChatGateway {}
"""
    files = project(
        "{ imports: [ChatModule] }",
        "{ providers: [ChatGateway] }",
        gateway,
        src__chat__ws_guard=guard,
    )
    files["src/chat/ws.guard.ts"] = files.pop("src/chat/ws_guard.ts")
    [finding] = review_project(files, RULE).findings
    assert "`WsGuard`" in finding.message


def test_a_consumer_that_no_module_has() -> None:
    consumer = """\
import { Controller } from '@nestjs/common';
import { EventPattern, RmqContext } from '@nestjs/microservices';
@Controller()
export class OrdersConsumer {
  @EventPattern('order.created')
  created(@Payload() data, @Ctx() context: RmqContext) {}
}
"""
    files = project("{ controllers: [] }", src__orders=consumer)
    del files["src/chat/chat.gateway.ts"]
    [finding] = review_project(files, RULE).findings
    assert finding.file == "src/orders.ts"
    files["src/app.module.ts"] = files["src/app.module.ts"].replace(
        "controllers: []", "controllers: [OrdersConsumer]"
    )
    assert not review_project(files, RULE).findings
