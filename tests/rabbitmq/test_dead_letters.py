from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.conftest import Broker
from tests.rabbitmq.conftest import Publish, take, until_there
from tidegate.errors import SourceError
from tidegate.sources.rabbitmq import AMQPConnection, ConfirmedPublisher, QueueConfig
from tidegate.sources.rabbitmq import dead_letters as module
from tidegate.sources.rabbitmq.dead_letters import DeadLetters
from tidegate.sources.rabbitmq.topology import declare_queue

HEADERS = {
    "x-tidegate-reason": "tenant_missing",
    "x-tidegate-error": "there is no tenant",
    "x-tidegate-field": "data.tenant",
    "x-tidegate-exchange": "events",
    "x-tidegate-routing-key": "order.made",
    "x-tidegate-time": "2026-11-25T12:00:00+00:00",
    "x-tidegate-expiration": "600000",
    "k": "v",
}


@pytest.fixture
async def letters(connection: AMQPConnection, name: str) -> DeadLetters:
    await declare_queue(connection, QueueConfig(name, single_active_consumer=False))
    return DeadLetters(connection, {name: f"{name}.dead-letters"})


async def fill(publish: Publish, name: str, *bodies: str) -> None:
    headers = HEADERS | {"x-tidegate-queue": name}
    await publish(f"{name}.dead-letters", *bodies, headers=headers, message_id="1")


async def test_a_letter_tells_why_and_where_from(
    letters: DeadLetters, publish: Publish, name: str
) -> None:
    await fill(publish, name, "bad")
    [letter] = await letters.look()
    assert (letter.queue, letter.letters) == (name, f"{name}.dead-letters")
    assert (letter.reason, letter.error) == ("tenant_missing", "there is no tenant")
    assert (letter.field, letter.time) == ("data.tenant", "2026-11-25T12:00:00+00:00")
    assert (letter.exchange, letter.routing_key) == ("events", "order.made")
    assert (letter.body, letter.properties) == (b"bad", {"message_id": "1"})


async def test_what_the_broker_dead_lettered_tells_its_reason(
    letters: DeadLetters, publish: Publish, connection: AMQPConnection, name: str
) -> None:
    await publish(name, "late", expiration="1")
    await until_there(connection, f"{name}.dead-letters", 1)
    [letter] = await letters.look()
    assert (letter.reason, letter.queue, letter.routing_key) == ("expired", name, name)
    assert letter.time
    await until_there(connection, f"{name}.dead-letters", 1)
    assert await letters.retry(None) == [letter]
    channel = await connection.open_channel()
    message = await channel.get(name)
    assert message is not None
    assert "x-death" not in message.properties.headers
    await channel.close()


async def test_looking_again_and_again_changes_nothing(
    letters: DeadLetters,
    publish: Publish,
    connection: AMQPConnection,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_LOOK", 5)
    sent = [str(number) for number in range(8)]
    await fill(publish, name, *sent)
    looks = []
    for _ in range(3):
        looks.append(await letters.look())
        await until_there(connection, f"{name}.dead-letters", 8)
    assert [letter.body.decode() for letter in looks[0]] == sent[:5]
    ids = [[letter.id for letter in look] for look in looks]
    assert ids[0] == ids[1] == ids[2]
    await letters.drop({looks[0][1].id})
    await until_there(connection, f"{name}.dead-letters", 7)
    assert [letter.body for letter in await letters.look()] == [b"0", b"2", b"3", b"4", b"5"]
    assert await take(connection, f"{name}.dead-letters", 7) == ["0", *sent[2:]]


async def test_a_retried_letter_goes_to_its_queue_as_it_was(
    letters: DeadLetters, publish: Publish, connection: AMQPConnection, name: str
) -> None:
    await fill(publish, name, "a", "b", "c")
    look = await letters.look()
    await until_there(connection, f"{name}.dead-letters", 3)
    assert await letters.retry({look[1].id}) == [look[1]]
    channel = await connection.open_channel()
    message = await channel.get(name)
    assert message is not None
    assert message.body == b"b"
    message.properties.headers.pop("x-delivery-count", None)
    assert message.properties.headers == {
        "k": "v",
        "x-tidegate-exchange": "events",
        "x-tidegate-routing-key": "order.made",
    }
    assert (message.properties.message_id, message.properties.expiration) == ("1", "600000")
    await channel.close()
    assert await take(connection, f"{name}.dead-letters", 2) == ["a", "c"]


async def test_all_are_retried_in_order_however_many(
    letters: DeadLetters,
    publish: Publish,
    connection: AMQPConnection,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_LOOK", 3)
    sent = [str(number) for number in range(8)]
    await fill(publish, name, *sent)
    assert len(await letters.retry(None)) == 8
    assert await take(connection, name, 8) == sent
    assert await letters.retry(None) == []


async def test_an_unknown_id_does_nothing(
    letters: DeadLetters, publish: Publish, connection: AMQPConnection, name: str
) -> None:
    await fill(publish, name, "a")
    known = (await letters.look())[0].id
    await until_there(connection, f"{name}.dead-letters", 1)
    with pytest.raises(SourceError, match="no dead letter has the id 0000"):
        await letters.drop({known, "0000"})
    assert await take(connection, f"{name}.dead-letters", 1) == ["a"]


async def test_a_letter_that_can_not_go_back_stays(
    letters: DeadLetters, publish: Publish, connection: AMQPConnection, name: str
) -> None:
    await fill(publish, name, "a", "b")
    channel = await connection.open_channel()
    channel.raw.queue_delete(name)
    await channel.close()
    with pytest.raises(SourceError, match="could not go back"):
        await letters.retry(None)
    assert await take(connection, f"{name}.dead-letters", 2) == ["a", "b"]


async def test_queues_without_a_dead_letter_queue_have_none(connection: AMQPConnection) -> None:
    letters = DeadLetters(connection, {"no-such-queue": "no-such-queue.dead-letters"})
    assert await letters.look() == []
    assert await letters.retry(None) == []


# The commands


async def run(broker_url: str, queues: str, *arguments: str, cwd: Path) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tidegate", "dead-letters", *arguments),
        env={
            "TIDEGATE_RABBITMQ__URL": broker_url,
            "TIDEGATE_RABBITMQ__QUEUES": queues,
            "COLUMNS": "200",
        },
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_commands_list_show_retry_and_drop(
    letters: DeadLetters,
    publish: Publish,
    connection: AMQPConnection,
    broker: Broker,
    name: str,
    tmp_path: Path,
) -> None:
    await fill(publish, name, '{"pattern":"order.made","data":{"id":1}}', "not \x1b[31mJSON", "c")

    async def command(*arguments: str) -> tuple[int, str, str]:
        return await run(broker.url, name, *arguments, cwd=tmp_path)

    code, out, err = await command("list", "--json")
    assert (code, err) == (0, "")
    listed = json.loads(out)
    assert [letter["body"] for letter in listed][2] == "c"
    assert listed[0]["headers"]["k"] == "v"
    code, out, err = await command("list", "--limit", "2")
    assert (code, err, len(out.splitlines())) == (0, "", 3)
    assert "tenant_missing" in out and "order.made" in out and listed[0]["id"] in out
    code, out, err = await command("show", listed[0]["id"])
    assert (code, err) == (0, "")
    assert '  "pattern": "order.made",\n' in out and "x-tidegate-field: data.tenant" in out
    code, out, err = await command("show", listed[1]["id"])
    assert "not �[31mJSON" in out
    code, out, err = await command("retry", listed[0]["id"])
    assert (code, out, err) == (0, f"1 dead letter sent back to queue {name}.\n", "")
    code, out, err = await command("drop", "--all")
    assert code == 1 and "Abort" in err
    code, out, err = await command("drop", "--all", "--yes")
    assert (code, out, err) == (0, "2 dead letters deleted.\n", "")
    assert await command("list") == (0, "No dead letters.\n", "")
    assert len(await take(connection, name, 1)) == 1


@pytest.mark.parametrize(
    ("url", "queues", "arguments", "code", "message"),
    [
        ("", "", ["list"], 2, "rabbitmq.queues"),
        ("", "orders", ["list", "--queue", "users"], 2, "not a configured queue"),
        ("", "orders", ["retry"], 2, "use --all"),
        ("", "orders", ["retry", "1", "--all"], 2, "so does --all"),
        ("", "orders", ["show", "0000"], 1, "no dead letter has the id 0000"),
        ("amqp://guest:wrong@127.0.0.1:1/", "orders", ["list"], 1, "Connection refused"),
    ],
)
async def test_a_command_that_can_not_work_says_why(
    broker: Broker,
    tmp_path: Path,
    url: str,
    queues: str,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    got, out, err = await run(url or broker.url, queues, *arguments, cwd=tmp_path)
    assert (got, out) == (code, "")
    assert message in err and "Traceback" not in err and "wrong" not in err


async def test_a_wrong_password_is_a_setting_that_is_wrong(broker: Broker, tmp_path: Path) -> None:
    url = broker.url.replace("guest@", "wrong@")
    code, _, err = await run(url, "orders", "list", cwd=tmp_path)
    assert code == 2 and "rabbitmq.url" in err and "wrong@" not in err


async def test_letters_of_several_queues_are_told_apart(
    connection: AMQPConnection, letters: DeadLetters, publish: Publish, name: str
) -> None:
    await fill(publish, name, "a")
    both = DeadLetters(connection, {"other": "no-such-queue", name: f"{name}.dead-letters"})
    assert [letter.queue for letter in await both.look()] == [name]
    publisher = ConfirmedPublisher(connection)
    await publisher.publish("", f"{name}.dead-letters", b"\xff")
    await until_there(connection, f"{name}.dead-letters", 2)
    assert [letter.reason for letter in await both.look()] == ["tenant_missing", "unknown"]
