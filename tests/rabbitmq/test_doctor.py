"""`tidegate doctor` at a real broker, and that it leaves no trace there."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import pytest

from tests.broker import PrivateBroker, Proxy, free_port
from tests.conftest import SECRET, Broker, make_settings, make_token
from tests.rabbitmq.conftest import Publish, port_of, until_there
from tidegate.app.config import LoadedSettings
from tidegate.doctor import Finding, examine
from tidegate.log.rabbitmq_stream import RabbitMQStreamLog, StreamAddress
from tidegate.sources.rabbitmq import AMQPChannelClosed, AMQPConnection, QueueConfig
from tidegate.sources.rabbitmq.inspection import compare_queue
from tidegate.sources.rabbitmq.topology import declare_queue

Kind = Literal["quorum", "classic"]


async def examined(url: str, queue: dict[str, Any] | None = None, **more: Any) -> list[Finding]:
    rabbitmq = {"url": url, "queues": [queue] if queue else [], **more.pop("rabbitmq", {})}
    settings = make_settings(origins=["https://a.example"], rabbitmq=rabbitmq, **more)
    return await examine(LoadedSettings.of(settings))


def of(check: str, findings: list[Finding]) -> Finding:
    [finding] = [each for each in findings if each.check == check]
    return finding


# The broker.


async def test_a_broker_that_lets_us_in_tells_its_version(broker: Broker) -> None:
    finding = of("broker", await examined(broker.url))
    assert finding.result == "ok"
    assert finding.text.startswith("RabbitMQ ") and "takes user and password" in finding.text


async def test_a_wrong_password_and_a_missing_virtual_host_are_told(broker: Broker) -> None:
    finding = of("broker", await examined(broker.url.replace(":guest@", ":hidden@")))
    assert finding.result == "failed" and "Check user and password" in finding.remedy
    assert "hidden" not in str(finding)
    finding = of("broker", await examined(broker.url.rstrip("/") + "/nowhere"))
    assert finding.result == "failed" and "Check the virtual host" in finding.remedy


async def test_a_broker_that_is_down_is_told(broker: Broker) -> None:
    finding = of("broker", await examined(f"amqp://guest:hidden@127.0.0.1:{free_port()}/"))
    assert finding.result == "failed" and "can't be reached" in finding.text
    assert "hidden" not in str(finding)


async def test_a_line_that_goes_dead_takes_ten_seconds_at_most(proxy: Proxy) -> None:
    proxy.stall()
    url = f"amqp://guest:guest@127.0.0.1:{proxy.port}/"
    async with asyncio.timeout(10):
        finding = of("broker", await examined(url))
    assert finding.result == "failed" and "no answer within" in finding.text


# Its queues.


async def test_a_queue_that_is_missing_is_not_made(
    broker: Broker, connection: AMQPConnection, name: str
) -> None:
    exchanges = [{"exchange": f"{name}.topic"}]
    findings = await examined(broker.url, {"name": name, "exchanges": exchanges})
    assert of(f"queue {name}", findings).text == "is not there yet; `tidegate serve` declares it"
    assert of(f"dead letters of {name}", findings).result == "ok"
    for queue in (name, f"{name}.dead-letters"):
        channel = await connection.open_channel()
        with pytest.raises(AMQPChannelClosed) as missing:
            await channel.declare_queue(queue, passive=True)
        assert missing.value.code == 404
    channel = await connection.open_channel()
    with pytest.raises(AMQPChannelClosed):
        await channel.declare_exchange(f"{name}.topic", "topic", passive=True)


async def test_what_is_compared_can_not_be_made(connection: AMQPConnection, name: str) -> None:
    """Even if the queue goes between the look and the comparison."""
    for kind in get_args(Kind):
        queue = QueueConfig(name, type=kind)
        with pytest.raises(AMQPChannelClosed) as refused:
            await compare_queue(connection, queue)
        assert refused.value.code == 406 and "invalid arg 'x-max-age'" in refused.value.text
        channel = await connection.open_channel()
        with pytest.raises(AMQPChannelClosed) as missing:
            await channel.declare_queue(name, passive=True)
        assert missing.value.code == 404


async def test_a_passive_queue_that_is_missing_is_a_warning(broker: Broker, name: str) -> None:
    finding = of(f"queue {name}", await examined(broker.url, {"name": name, "passive": True}))
    assert finding.result == "warning" and "does not exist" in finding.text


@pytest.mark.parametrize("kind", ["quorum", "classic"])
async def test_a_queue_as_configured_tells_what_waits(
    broker: Broker, connection: AMQPConnection, publish: Publish, name: str, kind: Kind
) -> None:
    await declare_queue(connection, QueueConfig(name, type=kind))
    await publish(name, "1", "2")
    await until_there(connection, name, 2)
    finding = of(f"queue {name}", await examined(broker.url, {"name": name, "type": kind}))
    assert finding.result == "ok"
    assert finding.text.startswith("2 messages wait, 0 consumers, declared as configured")
    await until_there(connection, name, 2)


@pytest.mark.parametrize(
    ("declared", "configured", "argument"),
    [
        ({"type": "classic"}, {}, "x-queue-type"),
        ({}, {"arguments": {"x-max-length": 5}}, "x-max-length"),
        ({"single_active_consumer": False}, {}, "x-single-active-consumer"),
        ({"type": "classic", "durable": False}, {"type": "classic"}, "durable"),
    ],
)
async def test_a_queue_with_other_arguments_fails_in_the_brokers_words(
    broker: Broker,
    connection: AMQPConnection,
    name: str,
    declared: dict[str, Any],
    configured: dict[str, Any],
    argument: str,
) -> None:
    await declare_queue(connection, QueueConfig(name, **declared))
    finding = of(f"queue {name}", await examined(broker.url, {"name": name, **configured}))
    assert finding.result == "failed" and f"'{argument}'" in finding.text
    assert "passive = true" in finding.remedy
    finding = of(f"queue {name}", await examined(broker.url, {"name": name, "passive": True}))
    assert finding.result == "ok"


async def test_standing_by_is_no_warning_unless_it_may_be_sharing(
    broker: Broker, connection: AMQPConnection, name: str
) -> None:
    await declare_queue(connection, QueueConfig(name))
    channel = await connection.open_channel()
    await channel.consume(name, lambda *_: None)
    check = f"queue {name}"
    finding = of(check, await examined(broker.url, {"name": name}))
    assert finding.result == "ok" and "1 consumer, " in finding.text
    finding = of(check, await examined(broker.url, {"name": name, "passive": True}))
    assert finding.result == "warning" and "unless it has x-single" in finding.text


async def test_consumers_that_share_a_queue_are_a_warning(
    broker: Broker, connection: AMQPConnection, name: str
) -> None:
    await declare_queue(connection, QueueConfig(name, single_active_consumer=False))
    channel = await connection.open_channel()
    await channel.consume(name, lambda *_: None)
    shared = {"name": name, "single_active_consumer": False}
    finding = of(f"queue {name}", await examined(broker.url, shared))
    assert finding.result == "warning" and "one of the consumers only" in finding.text


async def test_a_queue_that_another_connection_owns_fails_and_hides_no_other(
    broker: Broker, connection: AMQPConnection, name: str
) -> None:
    channel = await connection.open_channel()
    await channel.declare_queue(name, durable=False, exclusive=True)
    queues = [{"name": name}, {"name": f"{name}-2"}]
    findings = await examined(broker.url, rabbitmq={"queues": queues})
    finding = of(f"queue {name}", findings)
    assert finding.result == "failed" and "RESOURCE_LOCKED" in finding.text
    assert of(f"queue {name}-2", findings).result == "ok"


async def test_a_user_who_may_not_declare_a_queue_is_told(narrow: PrivateBroker) -> None:
    narrow.control("add_user", "reader", "hidden")
    narrow.control("set_permissions", "reader", "", "", ".*")
    own = AMQPConnection(narrow.url)
    own.start()
    await own.connected()
    await declare_queue(own, QueueConfig("guarded"))
    await own.close()
    url = narrow.url.replace("guest:guest", "reader:hidden")
    finding = of("queue guarded", await examined(url, {"name": "guarded"}))
    assert finding.result == "failed" and "ACCESS_REFUSED" in finding.text
    assert "Give the user that permission" in finding.remedy


async def test_a_passive_exchange_that_is_missing_is_a_warning(broker: Broker, name: str) -> None:
    exchanges = [{"exchange": f"{name}.topic", "passive": True}]
    findings = await examined(broker.url, {"name": name, "exchanges": exchanges})
    assert [each.result for each in findings if each.check == f"queue {name}"] == ["ok", "warning"]


async def test_dead_letters_that_wait_are_told(
    broker: Broker, connection: AMQPConnection, publish: Publish, name: str
) -> None:
    await declare_queue(connection, QueueConfig(name))
    await publish(f"{name}.dead-letters", "bad")
    await until_there(connection, f"{name}.dead-letters", 1)
    finding = of(f"dead letters of {name}", await examined(broker.url, {"name": name}))
    assert finding.result == "warning" and "1 message waits" in finding.text
    assert "tidegate dead-letters list" in finding.remedy
    await until_there(connection, f"{name}.dead-letters", 1)


# The log.


async def logged(broker: Broker, stream_url: str, name: str, **more: Any) -> list[Finding]:
    log = {"kind": "rabbitmq", "name": name, "partitions": 2}
    return await examined(broker.url, rabbitmq={"stream_url": stream_url}, log=log, **more)


async def test_streams_are_told_and_not_made(broker: Broker, name: str) -> None:
    for _ in range(2):
        findings = await logged(broker, broker.stream_url, name)
        assert of("stream port", findings).result == "ok"
        assert of("streams", findings).text.startswith("none of 3 is there yet")
        assert of("stream frames", findings).result == "ok"
    address = StreamAddress.from_url(broker.stream_url)
    log = RabbitMQStreamLog(address, name=name, partitions=2)
    await log.start()
    await log.close()
    assert of("streams", await logged(broker, broker.stream_url, name)).text == "all 3 are there"


async def test_streams_of_somebody_else_fail(broker: Broker, name: str) -> None:
    from tidegate.log.rabbitmq_stream.opening import open_link

    link = await open_link(StreamAddress.from_url(broker.stream_url), "tests", 30)
    await link.client.create_stream(f"{name}.0-of-2")
    for part in (0, 1):
        await link.client.store_offset(f"{name}.0-of-2", f"tidegate.key.{part}", 5)
    finding = of("streams", await logged(broker, broker.stream_url, name))
    await link.client.delete_stream(f"{name}.0-of-2")
    await link.close()
    assert finding.result == "failed" and "was not made by Tidegate" in finding.text


async def test_a_stream_port_that_is_closed_names_the_plugin(broker: Broker, name: str) -> None:
    url = f"rabbitmq-stream://guest:hidden@127.0.0.1:{free_port()}/"
    finding = of("stream port", await logged(broker, url, name))
    assert finding.result == "failed" and "rabbitmq-plugins enable" in finding.remedy
    assert "hidden" not in str(finding)


async def test_a_wrong_password_at_the_stream_port_is_told(broker: Broker, name: str) -> None:
    url = broker.stream_url.replace(":guest@", ":hidden@")
    finding = of("stream port", await logged(broker, url, name))
    assert finding.result == "failed" and "user name or password" in finding.text
    finding = of("stream port", await logged(broker, f"{broker.stream_url}nowhere", name))
    assert finding.result == "failed" and "virtual host" in finding.text


@pytest.fixture(scope="module")
def narrow() -> Iterator[PrivateBroker]:
    with PrivateBroker("stream.frame_max = 65536") as private:
        yield private


async def test_frames_that_hold_less_than_the_limit_are_a_warning(
    narrow: PrivateBroker, name: str
) -> None:
    broker = Broker(narrow.url, narrow.stream_url)
    finding = of("stream frames", await logged(broker, narrow.stream_url, name))
    assert finding.result == "warning" and "64KiB" in finding.text
    small = {"payload": 1_000}
    finding = of("stream frames", await logged(broker, narrow.stream_url, name, limits=small))
    assert finding.result == "ok"


async def test_nothing_at_the_broker_is_changed(narrow: PrivateBroker) -> None:
    own = AMQPConnection(narrow.url)
    own.start()
    await own.connected()
    await declare_queue(own, QueueConfig("there"))
    await declare_queue(own, QueueConfig("other", type="classic"))
    await own.close()
    before = state_of(narrow)
    queues = [{"name": name} for name in ("there", "other", "missing")]
    findings = await logged(
        Broker(narrow.url, narrow.stream_url), narrow.stream_url, "nobodys", limits={"rooms": 1}
    )
    findings += await examined(narrow.url, rabbitmq={"queues": queues})
    assert [of(f"queue {q['name']}", findings).result for q in queues] == ["ok", "failed", "ok"]
    assert state_of(narrow) == before


def state_of(broker: PrivateBroker) -> list[str]:
    queues = broker.control("list_queues", "name", "durable", "arguments", "messages", "consumers")
    return [queues, broker.control("list_exchanges"), broker.control("list_bindings")]


# The command.


async def run(folder: Path, *arguments: str, token: str = "", **environ: str) -> tuple[int, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tidegate", "doctor", *arguments),
        cwd=folder,
        env={**clean, "TIDEGATE_AUTH__SECRET": SECRET, "TIDEGATE_PORT": "0", **environ},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(20):
        output, _ = await process.communicate(token.encode())
    return process.returncode or 0, output.decode()


async def test_a_healthy_run_has_a_line_for_each_and_exit_code_0(
    broker: Broker, name: str, tmp_path: Path
) -> None:
    token = make_token("acme", "42")
    (tmp_path / "settings.toml").write_text(
        f'origins = ["https://a.example"]\n[log]\nkind = "rabbitmq"\nname = "{name}"\n'
        f'[rabbitmq]\nurl = "{broker.url}"\nstream_url = "{broker.stream_url}"\n'
        f'queues = ["{name}"]\n'
    )
    arguments = ("--config", "settings.toml", "--token", "-")
    code, output = await run(tmp_path, *arguments, token=token)
    assert code == 0, output
    for check in ("settings", "public port", "broker", f"queue {name}", "streams"):
        assert f"ok       {check}: " in output
    assert "ok       token: tenant 'acme', user '42'" in output
    code, output = await run(tmp_path, *arguments, "--json", token=token)
    assert code == 0 and {each["result"] for each in json.loads(output)} <= {"ok", "warning"}
    for secret in (token, SECRET, "guest"):
        assert secret not in output


async def test_failures_are_1_and_refused_settings_2(tmp_path: Path, broker: Broker) -> None:
    origins = {"TIDEGATE_ORIGINS": "https://a.example"}
    url = f"amqp://user:hidden@127.0.0.1:{port_of(broker.url)}/"
    code, output = await run(tmp_path, TIDEGATE_RABBITMQ__URL=url, **origins)
    assert code == 1 and "failed   broker: " in output and "hidden" not in output
    (tmp_path / "token").write_text(make_token(ttl=-60))
    code, output = await run(tmp_path, "--token", "token", **origins)
    assert code == 1 and "failed   token: token_expired" in output
    code, output = await run(tmp_path, TIDEGATE_ORIGINS="*")
    assert code == 2 and "failed   settings: origins" in output and "ok       event loop" in output
    code, output = await run(tmp_path, "--dev", TIDEGATE_ORIGINS="*")
    assert code == 0 and "warning  settings: origins" in output
    code, output = await run(tmp_path, TIDEGATE_PORT="many")
    assert code == 2 and "port (environment variable TIDEGATE_PORT)" in output
    code, output = await run(tmp_path, "--token", make_token())
    assert code == 2 and "can't be read" in output and make_token()[:20] not in output


SLOW_NAMES = """
import socket, time
real = socket.getaddrinfo
def slow(host, *rest, **more):
    if str(host).endswith(".example.com"):
        time.sleep(60)
    return real(host, *rest, **more)
socket.getaddrinfo = slow
"""


async def test_a_name_server_that_is_silent_takes_ten_seconds_at_most(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SLOW_NAMES)
    async with asyncio.timeout(12):  # with the start of Python
        code, output = await run(
            tmp_path,
            PYTHONPATH=str(tmp_path),
            TIDEGATE_ORIGINS="https://a.example",
            TIDEGATE_HOST="public.example.com",
            TIDEGATE_RABBITMQ__URL="amqp://user:hidden@rabbit.example.com/",
        )
    assert code == 1 and "failed   broker: no answer within" in output
