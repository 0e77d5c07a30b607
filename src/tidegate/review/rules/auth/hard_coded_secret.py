"""``hard-coded-secret``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.review.diagnostic import Finding
from tidegate.review.edits.environment import checked
from tidegate.review.facts.auth.secret_places import Place, place_of
from tidegate.review.facts.auth.secrets import (
    has_password,
    is_known_key,
    is_no_secret,
    is_secret_name,
    snake,
)
from tidegate.review.facts.tokens import server_functions
from tidegate.review.fix import Edit, Fix, replaced, suggested
from tidegate.review.model import Model
from tidegate.review.registry import Example, Rule, rule
from tidegate.review.source import Call, Node, SourceFile

RULE = Rule(
    name="hard-coded-secret",
    topic="auth",
    severity="high",
    languages=("typescript", "python"),
    summary="A secret stands in the source.",
    why=(
        "Everybody who can read the repository, a backup of it or an image that was built from it "
        "has the secret, and can sign tokens for any user and tenant or log in to the broker. A "
        "fallback is as bad: where the variable is not set, the service starts all the same, with "
        "a key that is public."
    ),
    remedy="Read it from the environment or a secret store, and don't start without it.",
    examples=(
        Example(
            "typescript",
            title="literal",
            bad="""\
import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { OrdersGateway } from './orders.gateway';

@Module({
  imports: [JwtModule.register({ secret: 'super-secret' })],
  providers: [OrdersGateway],
})
export class RealtimeModule {}
""",
            good="""\
import { Module } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { JwtModule } from '@nestjs/jwt';
import { OrdersGateway } from './orders.gateway';

@Module({
  imports: [
    JwtModule.registerAsync({
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({ secret: config.getOrThrow('JWT_SECRET') }),
    }),
  ],
  providers: [OrdersGateway],
})
export class RealtimeModule {}
""",
        ),
        Example(
            "typescript",
            title="fallback",
            bad="""\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

const JWT_SECRET = process.env.JWT_SECRET || 'dev-secret';

export function authenticate(io: Server) {
  io.use((socket, next) => {
    socket.data.user = jwt.verify(socket.handshake.auth.token, JWT_SECRET);
    next();
  });
}
""",
            good="""\
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

const JWT_SECRET = process.env.JWT_SECRET;
if (!JWT_SECRET) throw new Error('JWT_SECRET is not set');

export function authenticate(io: Server) {
  io.use((socket, next) => {
    socket.data.user = jwt.verify(socket.handshake.auth.token, JWT_SECRET);
    next();
  });
}
""",
        ),
        Example(
            "python",
            bad="""\
import aio_pika


async def connect():
    return await aio_pika.connect_robust("amqp://orders:s3cret@rabbitmq/")
""",
            good="""\
import os

import aio_pika


async def connect():
    return await aio_pika.connect_robust(os.environ["AMQP_URL"])
""",
        ),
    ),
)

_HINT = re.compile(
    r"secret|passw|pwd|api_?key|token|_key\b|Key\b|://[^\s/'\"]*:[^\s/'\"]*@|BEGIN \w* ?PRIVATE"
    r"|createHmac|PlainCredentials|\bsk-|\beyJ|\.(?:verify|sign)\(|basic_?auth",
    re.IGNORECASE,
)
_SETTINGS = re.compile(
    r"config|setting|constant|env|auth|jwt|secur|secret|token|credential|broker|rabbit"
)
_SAMPLES = re.compile(
    r"(?:^|/)(?:examples?|samples?|docs?|docs_src|demos?|fixtures?|seeds?|seeders?|mocks?|stories|templates?)/"
    r"|(?:seed|seeder|mock|fixture|stories)s?\.\w+$"
)
_SIBLINGS = re.compile(
    r"user|username|email|login|host|hostname|port|url|uri|type|id|name|vhost|database|dialect"
)


@rule(RULE)
def check(model: Model) -> Iterator[Finding]:
    """Look at the literals of realtime files, and of the settings that these import."""
    for file in _files(model):
        if not _HINT.search(file.text):
            continue
        for node in file.root.find("string", "template_string"):
            value = node.string
            around = node.parent
            if value and around is not None and around.kind != "expression_statement":
                yield from _judge(node, value)


def _files(model: Model) -> list[SourceFile]:
    found = {file.name: file for file in model.files}
    found |= {each.file.name: each.file for each in server_functions(model)}
    waiting = list(found.values())
    for _ in range(3):
        near: dict[str, SourceFile] = {}
        for file in waiting:
            for name in model.project.imports(file):
                target = model.project.imported_file(file, name)
                if target is None or target.name in found or target.is_test:
                    continue
                if _SETTINGS.search(target.name.lower()):
                    near[target.name] = target
        found |= near
        waiting = list(near.values())
    return list(found.values())


def _judge(node: Node, value: str) -> Iterator[Finding]:
    is_address = has_password(value) if "://" in value else False
    if is_address is None:
        yield RULE.could_not_tell(node, "The address has a default password in it.")
        return
    place = place_of(node)
    if is_address:
        message = "User and password stand in the address."
    elif is_known_key(value):
        message = "A key stands in the source."
    elif place is None or not _is_secret(node, place, value):
        return
    elif place.role == "fallback":
        message = "Where the variable is not set, this is the secret, and it is public."
    elif place.role == "compared":
        message = "A secret is compared with a text in the source."
    else:
        message = "A secret stands in the source."
    if _SAMPLES.search(node.file.name):
        yield RULE.could_not_tell(node, "A secret stands in what looks like an example.")
    else:
        yield RULE.fault(node, message, fix=_fix(node, place, is_address=bool(is_address)))


def _is_secret(node: Node, place: Place, value: str) -> bool:
    if place.role == "key":
        return not re.search(r"[<>{}]|\.(?:pem|key|crt)$", value)
    if value.startswith("AIza") and not node.file.is_python:
        return False  # Google's keys for browsers are public, and bound to a site
    if not is_secret_name(place.name, value):
        return False
    if place.role == "fallback":
        return not re.search(r"[<>{}]|^[./]", value)
    if is_no_secret(place.name, value) and not _is_weak(place, node, value):
        return False
    parent = node.parent
    if parent is not None and parent.kind == "pair" and _is_plain_object(parent, place, value):
        return False
    return not _is_in_example(node)


def _is_weak(place: Place, node: Node, value: str) -> bool:
    """Tell a password that is "password", beside a user's name, from the name of a field."""
    parent = node.parent
    holder = parent.parent if parent is not None and parent.kind == "pair" else None
    if holder is None or snake(place.name) != "password" or value != "password":
        return False
    return any(
        each.string not in (None, key) for key, each in holder.pairs().items() if key != place.name
    )


def _is_plain_object(pair: Node, place: Place, value: str) -> bool:
    """Tell texts about passwords, by field, from the password of somebody."""
    holder = pair.parent
    keys = holder.pairs() if holder is not None else {}
    if "authDomain" in keys or "measurementId" in keys:
        return True  # Firebase's key for browsers is public
    if not re.search(r"passw|pwd", snake(place.name)):
        return False
    if re.fullmatch(r"[A-ZÀ-Я][^\W\d_]+", value):
        return True  # the label of a field: Password, Senha
    return not any(_SIBLINGS.fullmatch(snake(key)) for key in keys if key != place.name)


def _is_in_example(node: Node) -> bool:
    for around in node.ancestors():
        if around.kind in ("pair", "keyword_argument"):
            key = around.field("key") or around.field("name")
            if key is not None and re.search(r"example|schema|mock|sample|openapi", key.text, re.I):
                return True
        if around.kind in ("decorator", "call_expression") and re.match(r"@?Api[A-Z]", around.text):
            return True
    return False


def _fix(node: Node, place: Place | None, *, is_address: bool) -> Fix | None:
    """Return the code with the secret read from the environment."""
    if place is not None and place.role == "compared":
        return None
    name = snake(place.name).upper() if place is not None and place.name else ""
    if is_address and not re.search(r"URL|URI|DSN", name):
        scheme = (node.string or "").partition("://")[0].split("+")[0].upper().rstrip("S")
        name = f"{scheme}_URL"
    if name in ("", "SECRET", "KEY", "PASSWORD", "SECRET_OR_KEY"):
        name = "JWT_SECRET" if name != "PASSWORD" else _password_of(node)
    target = place.whole if place is not None else node
    file = node.file
    if target.parent is not None and target.parent.kind == "object_assignment_pattern":
        return None
    if file.is_python:
        return suggested(replaced(target, f'os.environ["{name}"]'), *_import_os(file))
    left = target.field("left") if target.kind == "binary_expression" else None
    call = target if target.kind == "call_expression" else left
    if call is not None and re.search(r"\.get[<(]", call.text):
        text = re.sub(r"\.get(?=[<(])", ".getOrThrow", call.text.rstrip("!"), count=1)
        if call == target:  # without the default, its second argument
            first = Call(call).args[0]
            text = text.partition("(")[0] + f"({first.text})"
        return suggested(replaced(target, text))
    mark = "" if file.language == "javascript" else "!"
    text = left.text.rstrip("!") if left is not None else f"process.env.{name}"
    read = re.fullmatch(r"process\.env\.(\w+)", text)
    return suggested(replaced(target, text + mark), *(checked(file, read[1]) if read else ()))


def _password_of(node: Node) -> str:
    """Return a variable for a password: of a database, by what stands beside it, or of a user."""
    holder = node.enclosing("object", "dictionary", "argument_list")
    keys = set(holder.pairs()) if holder is not None else set()
    is_database = keys & {"database", "host", "dialect", "dbname", "db", "port"}
    return "DATABASE_PASSWORD" if is_database else "ADMIN_PASSWORD"


def _import_os(file: SourceFile) -> list[Edit]:
    if re.search(r"^import os\b", file.text, re.MULTILINE):
        return []
    for each in file.root.children:
        is_text = each.kind == "expression_statement" and each.text[:1] in "\"'rR"
        if not is_text and "__future__" not in each.text:
            return [Edit(file.name, each.start, each.start, "import os\n")]
    return []
