from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "gateway-options-ignored"
TWO = """\
import { WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway(FIRST)
export class A {}
@WebSocketGateway(SECOND)
export class B {}
"""
ADAPTER = """\
import { IoAdapter } from '@nestjs/platform-socket.io';
export class ChatAdapter extends IoAdapter {
  createIOServer(port: number, options?: ServerOptions) {
    BODY
  }
}
"""
MAIN = "import { ChatAdapter } from './a';\napp.useWebSocketAdapter(new ChatAdapter(app));\n"


def two(first: str, second: str) -> str:
    return TWO.replace("FIRST", first).replace("SECOND", second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{ cors: { origin: 'https://a' } }", "{ cors: { origin: 'https://b' } }"),
        ("{ cors: true }", "{ namespace: 'b', cors: { origin: ['https://b'] } }"),
        ("{ namespace: 'a' }", "{ namespace: 'b', cors: true }"),
        ("81, { transports: ['websocket'] }", "81, { transports: ['polling'] }"),
        ("{ pingInterval: 1000 }", "0, { namespace: 'b', pingInterval: 2000 }"),
    ],
)
def test_only_one_of_the_two_counts(first: str, second: str) -> None:
    code = two(first, second)
    [finding] = review_text(code, RULE)
    assert finding.line == 4
    assert finding.fix is not None
    assert not found(applied(code, finding.fix.edits), RULE)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("", ""),
        ("{ namespace: 'a' }", "{ namespace: 'b' }"),
        ("{ cors: true }", "{ namespace: 'b' }"),
        ("{ cors: { origin: 'https://a' } }", '{ cors: { origin: "https://a", } }'),
        ("81, { cors: true }", "82, { cors: false }"),
        ("{ cors: true }", "81, { cors: false }"),
        ("{ path: '/a', cors: true }", "{ path: '/b', cors: false }"),
        ("{ ...a, cors: true }", "{ cors: false }"),
    ],
)
def test_the_near_misses(first: str, second: str) -> None:
    assert not found(two(first, second), RULE)


def test_the_order_of_modules_decides() -> None:
    gateway = """\
import { WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway({ cors: { origin: 'https://NAME' } })
export class NAME {}
"""
    module = """\
import { Module } from '@nestjs/common';
@Module({ providers: [Second] })
export class Late {}
@Module({ providers: [First] })
export class Early {}
@Module({ imports: [Early, Late] })
export class AppModule {}
"""
    files = {
        "a.ts": gateway.replace("NAME", "Second"),
        "b.ts": gateway.replace("NAME", "First"),
        "app.module.ts": module,
    }
    [finding] = review_project(files, RULE).findings
    assert (finding.file, finding.confidence) == ("a.ts", "certain")
    assert "of `First`" in finding.message
    files["a.ts"] = files["a.ts"].replace("{ cors: { origin: 'https://Second' } }", "")
    assert not review_project(files, RULE).findings
    files["b.ts"] = files["b.ts"].replace("{ cors: { origin: 'https://First' } }", "")
    files["a.ts"] = gateway.replace("NAME", "Second")
    [finding] = review_project(files, RULE).findings
    assert finding.file == "a.ts"


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("return super.createIOServer(port);", 1),
        ("return super.createIOServer(port, { path: '/x' });", 1),
        ("return new Server(this.http, { path: '/x' });", 1),
        ("return super.createIOServer(port, options);", 0),
        ("return super.createIOServer(port, { ...options, path: '/x' });", 0),
        ("return super.createIOServer(port, { cors: { origin: 'https://a' } });", 0),
        ("return super.createIOServer(port, { ...options, cors: false });", 0),
        ("return super.createIOServer(port, this.build(options));", 0),
    ],
)
def test_what_an_adapter_passes_on(body: str, count: int) -> None:
    gateway = """\
import { WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway({ namespace: 'a', cors: { origin: 'https://a' } })
export class A {}
"""
    files = {"a.ts": ADAPTER.replace("BODY", body), "main.ts": MAIN, "a.gateway.ts": gateway}
    findings = review_project(files, RULE).findings
    assert len(findings) == count
    for finding in findings:
        assert finding.fix is not None
        files["a.ts"] = applied(files["a.ts"], finding.fix.edits)
        assert not review_project(files, RULE).findings


def test_the_adapter_overrides_what_differs() -> None:
    body = "return super.createIOServer(port, { ...options, cors: { origin: 'https://c' } });"
    files = {
        "a.ts": ADAPTER.replace("BODY", body),
        "main.ts": MAIN,
        "b.ts": two("{ cors: true }", "{ cors: false }"),
    }
    assert not review_project(files, RULE).findings


def test_methods_are_no_matter() -> None:
    first = "{ cors: { origin: 'https://a', methods: ['GET', 'POST'] } }"
    assert not found(two(first, "{ namespace: 'b', cors: { origin: 'https://a' } }"), RULE)
    assert found(two(first, "{ cors: { origin: 'https://a', credentials: true } }"), RULE)


def test_no_empty_space_is_left() -> None:
    code = two("{ cors: { origin: 'https://a' } }", "{ cors: true }")
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    assert "@WebSocketGateway({})" in applied(code, finding.fix.edits)
