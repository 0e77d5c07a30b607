from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

import pytest

from tests.broker import Proxy
from tests.conftest import Broker, until
from tests.interop.test_tls import write_certificate
from tests.rabbitmq.conftest import port_of, take
from tidegate.errors import ConfigError, SourceError
from tidegate.sources.rabbitmq import AMQPChannelClosed, AMQPConnection, ConfirmedPublisher


def through(proxy: Proxy, **options: object) -> AMQPConnection:
    url = f"amqp://guest:guest@127.0.0.1:{proxy.port}/"
    return AMQPConnection(url, retry_delay=0.1, **options)  # type: ignore[arg-type]


async def test_a_lost_connection_comes_back_and_says_so_once(
    proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tidegate")
    connection = through(proxy)
    told: list[str] = []

    async def opened(it: AMQPConnection) -> None:
        told.append(f"open {it.generation}")

    connection.on_open(opened)
    connection.on_lost(lambda: told.append("lost"))
    connection.start()
    await connection.connected()
    await proxy.refuse()
    await until(lambda: not connection.is_connected, "the loss")
    await until(lambda: connection._backoff._attempts > 2, "attempts in vain")
    await proxy.open()
    await connection.connected()
    assert connection.is_connected
    assert told == ["open 1", "lost", "open 2"]
    await connection.close()
    assert told == ["open 1", "lost", "open 2", "lost"]
    lines = [record.message for record in caplog.records]
    assert len(lines) == 3, lines
    assert "is lost, connecting again" in lines[1]
    assert "guest" not in "".join(lines)


async def test_a_broker_that_is_not_there_at_first_is_waited_for(proxy: Proxy) -> None:
    await proxy.refuse()
    connection = through(proxy)
    connection.start()
    waiting = asyncio.ensure_future(connection.connected())
    await until(lambda: connection._backoff._attempts > 1, "attempts in vain")
    assert not waiting.done()
    await proxy.open()
    await waiting
    assert connection.server_version >= (3,)
    await connection.close()


async def test_a_command_gives_up_at_once(proxy: Proxy) -> None:
    await proxy.refuse()
    connection = through(proxy, gives_up=True)
    connection.start()
    with pytest.raises(SourceError, match=r"can't be reached: .*refused"):
        await connection.connected()
    await connection.close()


@pytest.mark.parametrize(
    ("change", "remedy"),
    [(("guest@", "wrong@"), "password"), (("/", "/no-such-vhost"), "virtual host")],
)
async def test_a_refused_user_or_virtual_host_is_a_setting_that_is_wrong(
    broker: Broker, change: tuple[str, str], remedy: str
) -> None:
    head, _, tail = broker.url.rpartition(change[0])
    connection = AMQPConnection(head + change[1] + tail)
    connection.start()
    with pytest.raises(ConfigError, match=remedy) as error:
        await connection.connected()
    assert error.value.key == "rabbitmq.url"
    assert "wrong@" not in str(error.value)
    await connection.close()


async def test_tls_is_verified(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = write_certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    line = Proxy(port_of(broker.url), tls)
    await line.open()
    url = f"amqps://guest:guest@127.0.0.1:{line.port}/"
    stranger = AMQPConnection(url, gives_up=True)
    stranger.start()
    with pytest.raises(SourceError, match="CERTIFICATE_VERIFY_FAILED"):
        await stranger.connected()
    await stranger.close()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    trusted = AMQPConnection(url, gives_up=True)
    trusted.start()
    await trusted.connected()
    assert trusted.server_version >= (3,)
    await trusted.close()
    await line.close()


async def test_an_error_of_a_callback_at_first_ends_the_wait(broker: Broker) -> None:
    async def opened(_: AMQPConnection) -> None:
        raise ConfigError("rabbitmq.queues", "is wrong", remedy="Set it right.")

    connection = AMQPConnection(broker.url)
    connection.on_open(opened)
    connection.start()
    with pytest.raises(ConfigError, match="is wrong"):
        await connection.connected()
    await connection.close()


async def test_what_waits_for_an_answer_fails_when_the_connection_goes(
    proxy: Proxy, connection: AMQPConnection, name: str
) -> None:
    mine = through(proxy)
    mine.start()
    await mine.connected()
    channel = await mine.open_channel()
    publisher = ConfirmedPublisher(mine)
    await channel.declare_queue(name)
    await publisher.publish("", name, b"first")
    proxy.stall()
    waiting = [
        asyncio.ensure_future(channel.declare_queue(name, passive=True)),
        asyncio.ensure_future(channel.get(name)),
        asyncio.ensure_future(publisher.publish("", name, b"second", confirm_within=None)),
        asyncio.ensure_future(mine.open_channel()),
    ]
    with pytest.raises(SourceError, match="did not confirm"):
        await publisher.publish("", name, b"third", confirm_within=0.05)
    proxy.cut()
    for outcome in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(outcome, SourceError)
    proxy.resume()
    await until(lambda: mine.generation == 2 and mine.is_connected, "the second connection")
    await publisher.publish("", name, b"fourth")
    await mine.close()
    assert await take(connection, name, 2) == ["first", "fourth"]


async def test_closing_does_not_wait_for_a_broker_that_is_silent(proxy: Proxy) -> None:
    connection = through(proxy)
    connection.start()
    await connection.connected()
    channel = await connection.open_channel()
    proxy.stall()
    async with asyncio.timeout(6):
        await connection.close()
    assert channel.closed.done()
    with pytest.raises(SourceError, match="is closed"):
        await connection.connected()


async def test_a_publish_that_reaches_no_queue_is_an_error(connection: AMQPConnection) -> None:
    publisher = ConfirmedPublisher(connection)
    with pytest.raises(SourceError, match="NO_ROUTE"):
        await publisher.publish("", "no-such-queue", b"")
    await publisher.publish("", "no-such-queue", b"", mandatory=False)
    with pytest.raises(SourceError, match="no exchange"):
        await publisher.publish("no-such-exchange", "", b"")
    with pytest.raises(SourceError, match="NO_ROUTE"):
        await publisher.publish("", "no-such-queue", b"")
    await publisher.close()


async def test_many_publishes_wait_at_once_and_each_gets_its_own_answer(
    connection: AMQPConnection, name: str
) -> None:
    channel = await connection.open_channel()
    await channel.declare_queue(name)
    publisher = ConfirmedPublisher(connection)
    targets = [name if number % 3 else "no-such-queue" for number in range(300)]
    outcomes = await asyncio.gather(
        *(publisher.publish("", target, str(n).encode()) for n, target in enumerate(targets)),
        return_exceptions=True,
    )
    assert [outcome is None for outcome in outcomes] == [target == name for target in targets]
    assert len(await take(connection, name, 200)) == 200


async def test_a_queue_that_refuses_makes_the_publish_fail(
    connection: AMQPConnection, name: str
) -> None:
    channel = await connection.open_channel()
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    await channel.declare_queue(name, arguments=full)
    publisher = ConfirmedPublisher(connection)
    await publisher.publish("", name, b"")
    with pytest.raises(SourceError, match="refused the message"):
        await publisher.publish("", name, b"")


async def test_a_closed_channel_says_why(connection: AMQPConnection) -> None:
    channel = await connection.open_channel()
    with pytest.raises(AMQPChannelClosed, match="no queue") as error:
        await channel.declare_queue("no-such-queue", passive=True)
    assert error.value.code == 404
    assert not channel.is_open
    with pytest.raises(AMQPChannelClosed):
        await channel.get("no-such-queue")
    await channel.close()
