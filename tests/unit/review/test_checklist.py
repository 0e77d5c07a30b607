"""The checklist says for each gateway what holds, with the place that proves it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from tests.unit.review.helpers import review_project
from typer.testing import CliRunner

from tidegate.cli.main import app
from tidegate.review import all_rules
from tidegate.review.checklist import FORMATS, ITEMS, GatewayChecklist, checklists

ROOT = Path(__file__).parents[3]
GATEWAY = """\
import { OnGatewayConnection, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { Server, Socket } from 'socket.io';

@WebSocketGateway({ namespace: '/orders', cors: { origin: ['https://app.example.com'] } })
export class OrdersGateway implements OnGatewayConnection {
  @WebSocketServer() server!: Server;
  constructor(private readonly jwt: JwtService) {}

  handleConnection(client: Socket) {
    try {
      const token = client.handshake.auth.token;
      client.data.user = this.jwt.verify(token, { algorithms: ['HS256'] });
    } catch {
      client.disconnect(true);
      return;
    }
    client.join(`tenant:${client.data.user.tenantId}`);
  }

  paid(tenant: string, order: Order) {
    this.server.to(`tenant:${tenant}`).emit('order.paid', order);
  }
}
"""
OPEN_GATEWAY = """\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { Server } from 'socket.io';

@WebSocketGateway({ namespace: '/prices', cors: { origin: '*' } })
export class PricesGateway {
  @WebSocketServer() server!: Server;

  handleConnection(client) {
    client.emit('hello');
  }

  changed(price: Price) {
    this.server.emit('price', price);
  }
}
"""


def of(files: dict[str, str]) -> dict[str, GatewayChecklist]:
    report = review_project(files, could_not_tell=True)
    return {each.name: each for each in checklists(report)}


def outcomes(checklist: GatewayChecklist) -> dict[str, tuple[str, str]]:
    return {item.text: (item.outcome, item.place) for item in checklist.items}


def test_each_rule_is_in_one_item() -> None:
    counts = Counter(name for item in ITEMS for name in item.rules)
    assert set(counts.values()) == {1}
    assert {each.name for each in all_rules()} <= set(counts)


def test_what_holds_is_shown_with_its_place() -> None:
    found = outcomes(of({"orders.gateway.ts": GATEWAY})["OrdersGateway"])
    assert found["Who connects is authenticated at the door"] == ("passed", "orders.gateway.ts:12")
    assert found["A client that is refused does not stay connected"] == (
        "passed",
        "orders.gateway.ts:14",
    )
    assert found["Tenant and user come from the verified token"][0] == "passed"
    assert found["Every emit goes to a room that the server chose"] == (
        "passed",
        "orders.gateway.ts:21",
    )


def test_what_fails_names_the_rule_and_the_place() -> None:
    checklist = of({"prices.gateway.ts": OPEN_GATEWAY})["PricesGateway"]
    found = outcomes(checklist)
    assert found["Who connects is authenticated at the door"][0] == "failed"
    assert found["Every emit goes to a room that the server chose"] == (
        "failed",
        "prices.gateway.ts:13",
    )
    reasons = [item.reason for item in checklist.items if item.outcome == "failed"]
    assert any(reason.startswith("global-emit: ") for reason in reasons)


def test_one_gateway_does_not_answer_for_another() -> None:
    found = of({"orders.gateway.ts": GATEWAY, "prices.gateway.ts": OPEN_GATEWAY})
    door = "Who connects is authenticated at the door"
    assert outcomes(found["OrdersGateway"])[door][0] == "passed"
    assert outcomes(found["PricesGateway"])[door][0] == "failed"


def test_what_is_not_there_could_not_be_told() -> None:
    checklist = of({"orders.gateway.ts": GATEWAY})["OrdersGateway"]
    without = [item for item in checklist.items if "no client is" in item.reason]
    assert without and {item.outcome for item in without} == {"could not tell"}


@pytest.mark.parametrize("name", FORMATS)
def test_formats(name: str) -> None:
    report = review_project({"orders.gateway.ts": GATEWAY}, could_not_tell=True)
    text = FORMATS[name](checklists(report))
    assert "OrdersGateway" in text and "/orders" in text and "could not tell" in text
    if name == "json":
        assert json.loads(text)["gateways"][0]["items"][0]["outcome"] == "passed"


@pytest.mark.parametrize("name", FORMATS)
def test_without_a_gateway_it_says_so(name: str) -> None:
    assert FORMATS[name]([])


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    assert run(app, ["review", ".", "--checklist"]).output == "No gateway was found.\n"
    (tmp_path / "prices.gateway.ts").write_text(OPEN_GATEWAY)
    done = run(app, ["review", ".", "--checklist"])
    assert done.exit_code == 1 and "PricesGateway /prices (nest)" in done.output
    assert run(app, ["review", ".", "--checklist", "--format", "sarif"]).exit_code == 2
    assert run(app, ["review", "nowhere", "--checklist"]).exit_code == 2


@pytest.mark.parametrize("name", ["nestjs", "python-api-gateway"])
def test_what_tidegate_new_writes_fails_nothing(name: str) -> None:
    folder = next(path for path in (ROOT / "tests/golden").iterdir() if path.name.startswith(name))
    files = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("*")
        if path.suffix in (".ts", ".tsx", ".py")
    }
    found = of(files)
    assert found
    for checklist in found.values():
        assert not [item for item in checklist.items if item.outcome == "failed"]


def test_what_tidegate_does_by_itself_has_passed() -> None:
    code = "from tidegate import Gateway, Namespace\n\norders = Namespace('/orders')\n"
    [checklist] = of({"realtime.py": code}).values()
    found = outcomes(checklist)
    assert found["Who connects is authenticated at the door"] == ("passed", "realtime.py:3")
