from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

GATEWAY = """\
import { WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway(OPTIONS)
export class A {}
"""


@pytest.mark.parametrize(
    "options",
    [
        "{ cors: true }",
        "81, { cors: { origin: '*' } }",
        "{ cors: { origin: true, credentials: true } }",
        "{ cors: { origin: ['https://a.example', '*'] } }",
        "{ cors: {} }",
        "{ cors: { credentials: true } }",
        "{ cors: { origin: (origin, callback) => callback(null, true) } }",
    ],
)
def test_any_page_may_connect(options: str) -> None:
    assert found(GATEWAY.replace("OPTIONS", options), "any-origin")


@pytest.mark.parametrize(
    "options",
    [
        "",
        "{ cors: false }",
        "{ cors: { origin: 'https://a.example' } }",
        "{ cors: { origin: process.env.ORIGIN } }",
        "{ cors: { origin: (o, done) => done(null, allowed.has(o) && true) } }",
        "{ namespace: '*' }",
    ],
)
def test_the_near_misses(options: str) -> None:
    assert not found(GATEWAY.replace("OPTIONS", options), "any-origin")


def test_options_come_from_a_constant_of_another_file() -> None:
    files = {
        "options.ts": "export const OPTIONS = { cors: { origin: '*' } };\n",
        "a.gateway.ts": "import { OPTIONS } from './options';\n" + GATEWAY,
    }
    [finding] = review_project(files, "any-origin").findings
    assert finding.file == "options.ts"


def test_options_from_a_function_can_not_be_told() -> None:
    [finding] = review_text(
        GATEWAY.replace("OPTIONS", "{ cors: corsOf() }"), "any-origin", could_not_tell=True
    )
    assert finding.verdict == "could-not-tell"


def test_a_server_on_node() -> None:
    code = """\
const { Server } = require('socket.io');
const io = new Server(http, {
  cors: { origin: '*' },
});
"""
    assert found(code, "any-origin", "a.js") == [3]
    assert not found(code.replace("socket.io", "other.io"), "any-origin", "a.js")
