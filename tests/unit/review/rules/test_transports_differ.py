from __future__ import annotations

import pytest
from tests.unit.review.helpers import review_project

from tidegate.review.fix import applied

RULE = "transports-differ"
SERVER = "import { Server } from 'socket.io';\nexport const io = new Server(3000, OPTIONS);\n"
CLIENT = "import { io } from 'socket.io-client';\nexport const socket = io(ARGS);\n"
WEBSOCKET = "{ transports: ['websocket'] }"


def files_of(options: str, args: str) -> dict[str, str]:
    return {
        "server/index.ts": SERVER.replace("OPTIONS", options),
        "web/socket.ts": CLIENT.replace("ARGS", args),
    }


@pytest.mark.parametrize(
    ("options", "args"),
    [
        (WEBSOCKET, "'http://localhost:3000'"),
        (WEBSOCKET, "url, { auth }"),
        (WEBSOCKET, "url, { transports: ['polling'] }"),
        (WEBSOCKET, "url, { transports: ['polling', 'websocket'] }"),
        (WEBSOCKET, "url, { transports: ['websocket', 'polling'] }"),
        ("{ transports: ['polling'] }", "url, { transports: ['websocket'] }"),
    ],
)
def test_the_client_tries_what_is_not_offered(options: str, args: str) -> None:
    files = files_of(options, args)
    [finding] = review_project(files, RULE).findings
    assert finding.file == "web/socket.ts"
    assert finding.fix is not None
    for name, text in files.items():
        edits = [edit for edit in finding.fix.edits if edit.file == name]
        files[name] = applied(text, edits)
    assert not review_project(files, RULE).findings
    assert "polling" not in files["server/index.ts"]


@pytest.mark.parametrize(
    ("options", "args"),
    [
        (WEBSOCKET, "url, { transports: ['websocket'] }"),
        (WEBSOCKET, "'https://elsewhere.example'"),
        (WEBSOCKET, "url, { tryAllTransports: true }"),
        ("{}", "url"),
        ("{}", "url, { transports: ['websocket'] }"),
        ("{ transports: ['polling', 'websocket'] }", "url, { transports: ['websocket'] }"),
        ("optionsOf(config)", "url"),
        (WEBSOCKET, "url, { ...shared }"),
    ],
)
def test_the_near_misses(options: str, args: str) -> None:
    assert not review_project(files_of(options, args), RULE).findings


def test_the_client_may_be_another_servers() -> None:
    files = files_of(WEBSOCKET, "url")
    files["other/index.ts"] = SERVER.replace("OPTIONS", "{}")
    assert not review_project(files, RULE).findings


def test_a_nest_gateway_and_a_hook() -> None:
    gateway = """\
import { WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway({ transports: ['websocket'] })
export class A {}
"""
    files = {"api/a.gateway.ts": gateway, "web/use-socket.tsx": CLIENT.replace("ARGS", "URL, {}")}
    [finding] = review_project(files, RULE).findings
    assert finding.fix is not None
    assert "io(URL, { transports: ['websocket'] })" in applied(
        files[finding.file], finding.fix.edits
    )
