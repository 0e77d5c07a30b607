"""Guards around ``handleConnection``, and handlers that trust what a guard sets."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project

from tidegate.review.fix import applied

RULE = "guard-not-run-on-connect"
GATEWAY = """\
import { UseGuards } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WsGuard } from './ws.guard';
CLASS
@WebSocketGateway({ namespace: 'a' })
export class A {
  OWN
  async handleConnection(client: Socket) { BODY }
  MESSAGE
  @SubscribeMessage('x') x(client: Socket) { return client.data.user; }
  who(client: Socket) { return client.data.user; }
  async load(client: Socket) { client.data.user = await this.find(client.handshake.auth); }
}
"""
GUARD = """\
export class WsGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const client = context.switchToWs().getClient();
    SET
    return true;
  }
}
"""
GUARDED = "@UseGuards(WsGuard)"


def judged(body: str, own: str = "", on_class: str = "", message: str = "", use: str = "") -> bool:
    code = GATEWAY.replace("CLASS", on_class).replace("OWN", own).replace("BODY", body)
    files = {
        "a.gateway.ts": code.replace("MESSAGE", message),
        "ws.guard.ts": GUARD.replace("SET", use),
    }
    return bool(review_project(files, RULE).findings)


@pytest.mark.parametrize(
    "body",
    [
        "client.join('all');",
        "if (!client.data.user) { client.disconnect(); return; } client.join('a');",
        "const user: JwtPayload = client.data?.user; if (!user) client.disconnect(true);",
        "const user = client['user']; if (!user) return client.disconnect();",
        "const { user } = client.data; if (!user) { client.disconnect(true); }",
        "const id = (client as any).user?.sub; this.presence.online(id);",
        "const user = client.handshake.user; if (!user) client.disconnect();",
        "const user = this.who(client); if (!user) client.disconnect();",
    ],
)
def test_the_guard_is_on_the_handler_or_the_class(body: str) -> None:
    assert judged(body, own=GUARDED)
    assert judged(body, on_class=GUARDED)
    assert judged(body, own="@UseGuards(AuthGuard('jwt'))")


def test_only_a_guard_of_messages_sets_the_user() -> None:
    body = "if (!client.data.user) { client.disconnect(); return; }"
    assert judged(body, message=GUARDED, use="client.data.user = this.verified(client);")
    assert not judged(body, message=GUARDED, use="const user = this.verified(client);")
    assert not judged(body, use="client.data.user = this.verified(client);")
    log = "this.logger.log(client.id);"
    assert not judged(log, message=GUARDED, use="client.data.user = this.verified(client);")


@pytest.mark.parametrize(
    "body",
    [
        "const user = await this.jwt.verifyAsync(client.handshake.auth.token);"
        " if (!user) return client.disconnect(); client.data.user = user;"
        " client.join(client.data.user.id);",
        "await this.load(client); if (!client.data.user) client.disconnect();",
    ],
)
def test_the_handler_asks_for_itself(body: str) -> None:
    assert not judged(body, own=GUARDED)
    assert not judged(body, on_class=GUARDED)


def test_what_is_no_check_of_a_user() -> None:
    assert not judged("client.join('all');", own="@UseGuards(WsThrottlerGuard)")
    assert not judged("client.join('all');", on_class="@UseGuards(RateLimitGuard)")


def test_a_middleware_has_set_the_user() -> None:
    code = GATEWAY.replace("CLASS", GUARDED).replace("OWN", "").replace("MESSAGE", "")
    code = code.replace("BODY", "client.join(client.data.user.id);")
    use = "afterInit(server) { server.use(wsMiddleware(this.jwt)); }\n  who"
    assert not found(code.replace("who", use, 1), RULE)
    throwing = "afterInit() { if (!this.ready) throw new Error('no redis'); }\n  who"
    assert found(code.replace("who", throwing, 1), RULE)


def test_the_correction_is_a_middleware() -> None:
    code = GATEWAY.replace("CLASS", "").replace("OWN", GUARDED).replace("MESSAGE", "")
    code = code.replace("BODY", "if (!client.data.user) client.disconnect();")
    [finding] = review_project({"a.ts": code}, RULE).findings
    assert finding.fix is not None
    good = applied(code, finding.fix.edits)
    assert "server.use((socket, next) => {" in good
    assert not found(good, RULE)
