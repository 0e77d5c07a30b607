"""Each rule finds fault with its bad examples, and none with the good ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from ast_grep_py import SgRoot
from tests.unit.review.helpers import review_project, review_text

from tidegate.review import Rule, all_rules
from tidegate.review.discover import LANGUAGES
from tidegate.review.fix import applied
from tidegate.review.registry import Example

EXAMPLES = [(rule, example) for rule in all_rules() for example in rule.examples]
GOLDEN = sorted(path for path in (Path(__file__).parents[4] / "tests/golden").glob("[!.]*"))
SERVER = "import { Server } from 'socket.io';\nexport const io = new Server(3000, OPTIONS);\n"
CLIENT = "import { io } from 'socket.io-client';\nexport const socket = io(url, OPTIONS);\n"
PAYLOAD = """\
import { MessageBody, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Server } from 'socket.io';

@WebSocketGateway()
export class ChatGateway {
  @WebSocketServer() server: Server;

  @SubscribeMessage('message')
  async handle(@MessageBody() body: any) {
    this.server.emit('message', body);
    this.server.except(body.room).emit('typing', body.tenantId);
    this.users.set(body.userId, body.socketId);
  }
}
"""
GUARDED = """\
import { JwtService } from '@nestjs/jwt';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

export class AuthGuard {
  constructor(private readonly jwt: JwtService) {}
  canActivate(context) {
    const client = context.switchToWs().getClient();
    client.data.user = this.jwt.verify(client.handshake.auth.token, { algorithms: ['ES256'] });
    return true;
  }
}

@UseGuards(AuthGuard)
@WebSocketGateway({ namespace: 'orders' })
export class OrdersGateway {
  constructor(private readonly jwt: JwtService) {}
  handleConnection(client) {
    client.data.user = this.jwt.verify(client.handshake.auth.token, { algorithms: ['ES256'] });
  }
  @SubscribeMessage('order')
  order(client) {}
}
"""
COOKIES = """\
import { Server } from 'socket.io';
const io = new Server(server, { cors: { origin: '*', credentials: true } });
io.use((socket, next) => {
  socket.data.user = userOf(socket.handshake.headers.cookie);
  next(socket.data.user ? undefined : new Error('Unauthorized'));
});
"""
ORDERS = """\
import { OrdersService } from './orders.service';

@Controller()
export class OrdersConsumer {
  constructor(private readonly orders: OrdersService) {}

  @EventPattern('order.paid')
  async paid(@Payload() order: Order, @Ctx() context: RmqContext) {
    this.orders.paid(order.id);
    context.getChannelRef().ack(context.getMessage());
  }
}
"""
ORDERS_SERVICE = """\
export class OrdersService {
  async paid(id: string) {
    await this.repository.update(id, { isPaid: true });
  }
}
"""
ORDERS_APP = """\
import { Transport } from '@nestjs/microservices';
const app = await NestFactory.createMicroservice(AppModule, {
  transport: Transport.RMQ,
  options: { queue: 'orders', noAck: false, queueOptions: { durable: true } },
});
"""
SCENES = {
    "a payload with a tenant": {"chat.gateway.ts": PAYLOAD},
    "a client that begins with polling": {
        "server.ts": SERVER.replace("OPTIONS", "{}"),
        "client.ts": CLIENT.replace("OPTIONS", "{ auth }"),
    },
    "two gateways of one server": {
        "a.ts": GUARDED,
        "b.ts": GUARDED.replace("OrdersGateway", "UsersGateway").replace("'orders'", "'users'"),
    },
    "cookies say who connects": {"server.ts": COOKIES},
    "a client that does not reconnect": {
        "client.ts": CLIENT.replace("OPTIONS", "{ reconnection: false, auth: { token: get() } }"),
    },
    "a consumer that does not wait": {
        "orders.controller.ts": ORDERS,
        "orders.service.ts": ORDERS_SERVICE,
        "main.ts": ORDERS_APP,
    },
    "both sides poll": {
        "server.ts": SERVER.replace("OPTIONS", "{ transports: ['polling'] }"),
        "client.ts": CLIENT.replace("OPTIONS", "{ transports: ['polling'] }"),
    },
    "a server that polls only": {
        "server.ts": SERVER.replace("OPTIONS", "{ transports: ['polling'] }"),
        "client.ts": CLIENT.replace("OPTIONS", "{ transports: ['websocket'] }"),
    },
}
"""What takes more than one fault, or more than one file."""
REVEALED = {
    # The correction lets code run, or a value count, that did neither before.
    ("module-not-imported", "connection-without-authentication"),
    ("module-not-imported", "no-payload-limit"),
    ("module-not-imported", "polling-enabled"),
    ("jwt-not-verified", "expiry-ignored"),
    ("ack-without-manual-mode", "no-prefetch"),
    ("ack-without-manual-mode", "not-settled-on-some-path"),
}
"""What a correction may bring to light: it was there, and the first fault hid it."""
IDS = [f"{rule.name}-{example.language}-{example.title}" for rule, example in EXAMPLES]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=IDS)
def test_the_bad_example_is_found(rule: Rule, example: Example) -> None:
    findings = review_text(example.bad, rule.name, name=example.file_name)
    assert findings
    assert {finding.rule for finding in findings} == {rule.name}


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=IDS)
def test_the_good_example_is_not(rule: Rule, example: Example) -> None:
    assert not review_text(example.good, rule.name, name=example.file_name, could_not_tell=True)


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=IDS)
def test_the_corrected_bad_example_parses_and_is_not_found_again(
    rule: Rule, example: Example
) -> None:
    """Where a rule can correct the very code, as ``--show-fix`` shows it."""
    findings = review_text(example.bad, rule.name, name=example.file_name)
    fixes = [finding.fix for finding in findings if finding.fix is not None]
    corrected = applied(example.bad, [edit for fix in fixes for edit in fix.edits])
    language = LANGUAGES[Path(example.file_name).suffix]
    assert not SgRoot(corrected, language).root().find_all(kind="ERROR")
    left = review_text(corrected, rule.name, name=example.file_name)
    assert len(left) == len(findings) - len(fixes)


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=IDS)
def test_no_correction_makes_what_another_rule_finds(rule: Rule, example: Example) -> None:
    """Each correction that is offered, safe or not, with all rules before and after."""
    made = made_by_corrections({example.file_name: example.bad})
    assert made <= REVEALED, made - REVEALED


@pytest.mark.parametrize("name", SCENES)
def test_no_correction_of_a_scene_makes_one(name: str) -> None:
    assert not made_by_corrections(SCENES[name])


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_no_correction_of_what_is_generated_makes_one(folder: Path) -> None:
    paths = [path for path in folder.rglob("*") if path.suffix in LANGUAGES]
    files = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in paths}
    assert not made_by_corrections(files)


def made_by_corrections(files: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return the rules that find more once a correction is made, each with the one it is of."""
    before = review_project(files).findings
    counts = Counter(finding.rule for finding in before)
    made = set()
    for finding in before:
        if finding.fix is None:
            continue
        names = {edit.file for edit in finding.fix.edits}
        after = {**files}
        for name in names:
            edits = [edit for edit in finding.fix.edits if edit.file == name]
            after[name] = applied(files[name], edits)
        found = Counter(each.rule for each in review_project(after).findings)
        made |= {(finding.rule, name) for name in found if found[name] > counts[name]}
    return made


def test_most_rules_correct_the_very_code() -> None:
    correcting = {
        rule.name
        for rule, example in EXAMPLES
        for finding in review_text(example.bad, rule.name, name=example.file_name)
        if finding.fix is not None
    }
    without = {rule.name for rule in all_rules()} - correcting
    # Their corrections are elsewhere: a queue for each node, an adapter, the door.
    assert without <= {"shared-queue-broadcast", "io-adapter-missing", "verified-again-in-handler"}


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_texts_are_complete(rule: Rule) -> None:
    assert rule.summary.endswith(".") and rule.why.endswith(".") and rule.remedy.endswith(".")
    assert {example.language for example in rule.examples} >= set(rule.languages)
