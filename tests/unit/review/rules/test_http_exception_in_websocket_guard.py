from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "http-exception-in-websocket-guard"
GUARD = """\
import { CanActivate, ForbiddenException, UnauthorizedException } from '@nestjs/common';
export class AuthGuard implements CanActivate {
  canActivate(context) {
    BODY
  }
}
"""
CLIENT = "const client = context.switchToWs().getClient(); "
GATEWAY = """\
import { WebSocketGateway } from '@nestjs/websockets';
import { AuthGuard } from './auth.guard';
@UseGuards(AuthGuard)
FILTER@WebSocketGateway()
export class A {
  @SubscribeMessage('a') a(client) {}
}
"""
PYTHON = """\
from fastapi import APIRouter, Depends, HTTPException, WebSocket
router = APIRouter()
async def user(websocket: WebSocket):
    BODY
@router.websocket("/ws")
async def ws(websocket: WebSocket, user=Depends(user)):
    await websocket.accept()
"""


@pytest.mark.parametrize(
    "body",
    [
        "throw new UnauthorizedException();",
        "if (!client.data.user) throw new ForbiddenException('no');",
        "try { check(client); } catch (e) { throw new UnauthorizedException('bad'); }",
        "try { throw new UnauthorizedException(); } catch (e) { log(e); throw e; }",
    ],
)
def test_a_guard_throws(body: str) -> None:
    assert found(GUARD.replace("BODY", CLIENT + body), RULE) == [4]


@pytest.mark.parametrize(
    "body",
    [
        CLIENT + "throw new WsException('no');",
        CLIENT + "return false;",
        CLIENT + "try { throw new UnauthorizedException(); } catch { throw new WsException(); }",
        CLIENT + "// throw new UnauthorizedException();",
        "const request = context.switchToHttp().getRequest(); throw new UnauthorizedException();",
        "const s = context.switchToWs(); if (context.getType() === 'http') "
        "throw new UnauthorizedException(); else throw new WsException('no');",
    ],
)
def test_the_near_misses(body: str) -> None:
    assert not found(GUARD.replace("BODY", body), RULE)


def test_a_guard_of_both_kinds() -> None:
    body = "if (context.getType() === 'ws') { throw new UnauthorizedException(); }"
    assert found("import 'socket.io';\n" + GUARD.replace("BODY", body), RULE) == [5]


def test_a_helper_of_the_guard_throws() -> None:
    code = GUARD.replace("BODY", CLIENT + "return this.check(client);").replace(
        "  canActivate", "  check(client) { throw new ForbiddenException(); }\n  canActivate"
    )
    assert found(code, RULE) == [3]


@pytest.mark.parametrize(
    ("catches", "lines"),
    [("WsException", [4]), ("", []), ("HttpException, WsException", [])],
)
def test_a_filter_that_makes_something_else_of_it(catches: str, lines: list[int]) -> None:
    files = {
        "auth.guard.ts": GUARD.replace("BODY", "throw new UnauthorizedException();"),
        "a.gateway.ts": "import { WsFilter } from './ws.filter';\n"
        + GATEWAY.replace("FILTER", "@UseFilters(new WsFilter())\n"),
        "ws.filter.ts": f"@Catch({catches})\nexport class WsFilter {{}}\n",
    }
    assert [each.line for each in review_project(files, RULE).findings] == lines


def test_a_guard_of_a_gateway_in_another_file() -> None:
    files = {
        "auth.guard.ts": GUARD.replace("BODY", "throw new UnauthorizedException();"),
        "a.gateway.ts": GATEWAY.replace("FILTER", ""),
    }
    assert [each.file for each in review_project(files, RULE).findings] == ["auth.guard.ts"]
    files["a.gateway.ts"] = files["a.gateway.ts"].replace("@UseGuards(AuthGuard)\n", "")
    assert not review_project(files, RULE).findings


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("raise HTTPException(status_code=403)", [4]),
        ("raise fastapi.HTTPException(403)", [4]),
        ("raise WebSocketException(code=1008)", []),
        ("try: raise HTTPException(403)\n    except HTTPException: await refuse()", []),
    ],
)
def test_a_dependency_raises(body: str, lines: list[int]) -> None:
    assert found(PYTHON.replace("BODY", body), RULE, "a.py") == lines


def test_a_dependency_of_a_route_is_another_matter() -> None:
    code = PYTHON.replace("BODY", "raise HTTPException(403)").replace(
        "router.websocket", "router.get"
    )
    assert not found(code, RULE, "a.py")


def test_the_correction() -> None:
    code = GUARD.replace("BODY", CLIENT + "throw new UnauthorizedException('no', 'x');")
    [finding] = review_text(code, RULE)
    assert finding.fix is not None
    after = applied(code, finding.fix.edits)
    assert after == code.replace(
        "new UnauthorizedException('no', 'x')", "new WsException('no')"
    ).replace(
        "'@nestjs/common';\n",
        "'@nestjs/common';\nimport { WsException } from '@nestjs/websockets';\n",
    )
    assert not found(after, RULE)


def test_the_correction_in_python() -> None:
    code = PYTHON.replace("BODY", 'raise HTTPException(status_code=401, detail="no")')
    [finding] = review_text(code, RULE, name="a.py")
    assert finding.fix is not None
    after = applied(code, finding.fix.edits)
    assert after == PYTHON.replace(
        "BODY", 'raise WebSocketException(code=1008, reason="no")'
    ).replace("HTTPException, WebSocket\n", "HTTPException, WebSocket, WebSocketException\n")
    assert not found(after, RULE, "a.py")
