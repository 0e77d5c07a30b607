"""The stored documents are what is told today, and their official judges take them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.contracts.judges import FOLDER, node, parse_asyncapi, tidegate
from tests.contracts.realtime import chat, notifications
from tidegate import Settings
from tidegate.contract import read_contract, write_asyncapi

TARGET = "tests.contracts.realtime:gateway"
DOCUMENTS = {
    "typescript": FOLDER / "contract.ts",
    "asyncapi": FOLDER / "asyncapi.json",
    "json-schema": FOLDER / "schema.json",
}


@pytest.mark.parametrize("seed", ["1", "2"])
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_stored_document_is_what_is_told_in_any_process(kind: str, seed: str) -> None:
    output = str(DOCUMENTS[kind])
    done = tidegate(*("contract", kind, TARGET, "--output", output, "--check"), PYTHONHASHSEED=seed)
    assert done.returncode == 0, done.stderr


def test_strict_typescript_compiles_it_with_the_official_client() -> None:
    done = node("npx", "--no-install", "tsc", "-p", ".")
    assert (done.returncode, done.stdout) == (0, "")


def test_there_is_no_any_in_the_typescript() -> None:
    code = [
        line
        for line in DOCUMENTS["typescript"].read_text().splitlines()
        if not line.strip().startswith(("/**", "//"))
    ]
    assert "any" not in " ".join(code).replace("<", " ").replace(";", " ").split()


def findings(document: str) -> list[dict[str, Any]]:
    said = parse_asyncapi(document)
    assert said["isValid"], said["found"]
    # 3.0 is what we write, and tools take it; the parser would like 3.1.
    return [found for found in said["found"] if found["code"] != "asyncapi-latest-version"]


def test_the_official_parser_takes_the_asyncapi_document() -> None:
    assert findings(DOCUMENTS["asyncapi"].read_text()) == []


def test_the_official_parser_takes_queues_and_bindings_of_the_settings() -> None:
    settings = Settings.model_validate(
        {
            "path": "/live/",
            "rabbitmq": {"queues": [{"name": "events"}]},
            "bindings": [{"pattern": "invoice.paid", "namespace": "/notifications"}],
            "forwards": [{"event": "invoice.pay", "namespace": "/chat", "queue": "invoices"}],
        }
    )
    contract = read_contract([notifications, chat], title="t", settings=settings)
    document = write_asyncapi(contract, command="c")
    assert findings(document) == []
    told = json.loads(document)
    assert told["servers"]["gateway"]["pathname"] == "/live"
    assert told["channels"]["rabbitmq.events"]["bindings"]["amqp"]["queue"]["name"] == "events"
    assert "invoice.paid" in told["channels"]["notifications"]["messages"]
    assert "rabbitmq.chat.invoice.pay" in told["channels"]


def test_the_parser_would_object() -> None:
    told = json.loads(DOCUMENTS["asyncapi"].read_text())
    told["operations"]["chat.send.presence"]["action"] = "shout"
    assert not parse_asyncapi(json.dumps(told))["isValid"]


def test_the_schemas_are_schemas() -> None:
    bundle = json.loads(DOCUMENTS["json-schema"].read_text())
    for schema in bundle["$defs"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    api = json.loads(DOCUMENTS["asyncapi"].read_text())
    for schema in api["components"]["schemas"].values():
        jsonschema.Draft7Validator.check_schema(schema)


def test_a_stale_file_is_told_with_the_difference_and_the_remedy(tmp_path: Path) -> None:
    output = tmp_path / "contract.ts"
    text = DOCUMENTS["typescript"].read_text()
    output.write_text(text.replace("unread: number", "unread: string"))
    arguments = ("contract", "typescript", TARGET, "--output", str(output))
    stale = tidegate(*arguments, "--check")
    assert stale.returncode == 1
    assert "is stale" in stale.stderr and f"Run: tidegate {' '.join(arguments)}" in stale.stderr
    assert "-  unread: string;\n+  unread: number;" in stale.stderr
    assert tidegate(*arguments).returncode == 0
    assert output.read_text() == text
    assert tidegate(*arguments, "--check").returncode == 0


def test_a_missing_file_is_stale(tmp_path: Path) -> None:
    output = tmp_path / "contract.ts"
    done = tidegate("contract", "asyncapi", TARGET, "--output", str(output), "--check")
    assert done.returncode == 1 and "is not there" in done.stderr
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("typescript", TARGET, "--check"), "Name it with --output"),
        (("typescript", "tests.contracts.nowhere:gateway"), "there is no module"),
        (("typescript", "tests.contracts.realtime:chat"), "is no Gateway"),
        (("graphql", TARGET), "No such command"),
        (("typescript", TARGET, "--config", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_misuse_exits_with_2(arguments: tuple[str, ...], said: str) -> None:
    done = tidegate("contract", *arguments)
    assert done.returncode == 2
    assert said in done.stderr and not done.stdout


def test_what_cannot_be_told_exits_with_2_and_names_the_culprit(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(
        "from tidegate import Client, Gateway, Namespace\n"
        "chat = Namespace('/chat')\n"
        "@chat.on('draw')\n"
        "def draw(client: Client, shape: complex) -> None: ...\n"
        "gateway = Gateway([chat])\n"
    )
    done = tidegate("contract", "json-schema", "bad:gateway", cwd=tmp_path)
    assert done.returncode == 2
    assert "/chat: the handler of 'draw'" in done.stderr and "complex" in done.stderr


def test_a_named_settings_file_counts_and_the_environment_does_not(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from tidegate import Gateway, Namespace\ngateway = Gateway([Namespace('/chat')])\n"
    )
    (tmp_path / "tidegate.toml").write_text(
        '[[forwards]]\nevent = "message.send"\nnamespace = "/chat"\nqueue = "messages"\n'
    )
    arguments = ("contract", "typescript", "app:gateway")
    without = tidegate(*arguments, cwd=tmp_path, TIDEGATE_PORT="nonsense")
    assert without.returncode == 0 and "message.send" not in without.stdout
    done = tidegate(*arguments, "--config", "tidegate.toml", cwd=tmp_path)
    assert '"message.send": (payload: unknown, ack?: (answer: unknown) => void)' in done.stdout
    assert "//   tidegate contract typescript app:gateway --config tidegate.toml" in done.stdout
