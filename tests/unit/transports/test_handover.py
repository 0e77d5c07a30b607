"""The way of a connection from the process that accepts it to the one that serves it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from tests.conftest import until

from tidegate.transports.acceptor import Acceptor, bind_public
from tidegate.transports.handover import ConnectionInbox, ConnectionOutlet


class Worker:
    """Both ends of the way to one worker, in this process."""

    def __init__(self) -> None:
        ours, self.theirs = socket.socketpair()
        self.became_ready = False
        self.outlet = ConnectionOutlet(ours, self._ready)
        self.inbox = ConnectionInbox(self.theirs)
        self.taken: list[socket.socket] = []

    def open(self) -> None:
        self.inbox.open(self.taken.append)

    def end_one(self) -> None:
        self.taken.pop().close()
        self.inbox.ended()

    def close(self) -> None:
        self.inbox.close()
        self.outlet.close()
        for connection in self.taken:
            connection.close()

    def _ready(self) -> None:
        self.became_ready = True


class Door:
    def __init__(self) -> None:
        self.workers = [Worker(), Worker()]
        listening = bind_public("127.0.0.1", 0)
        self.address = listening[0].getsockname()
        self.acceptor = Acceptor(listening, lambda: [each.outlet for each in self.workers])
        self.clients: list[socket.socket] = []

    def open(self, *workers: int) -> None:
        for number in workers:
            self.workers[number].open()
        self.acceptor.open()

    def connect(self, count: int) -> None:
        for _ in range(count):
            self.clients.append(socket.create_connection(self.address, 1))

    async def until_taken(self, *counts: int) -> None:
        await until(lambda: tuple(len(each.taken) for each in self.workers) == counts)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    opened = Door()
    yield opened
    opened.acceptor.close()
    for worker in opened.workers:
        worker.close()
    for client in opened.clients:
        client.close()


async def test_connections_are_dealt_out_evenly(door: Door) -> None:
    door.open(0, 1)
    await until(lambda: all(each.became_ready for each in door.workers))
    door.connect(10)
    await door.until_taken(5, 5)
    taken = {each.getpeername() for worker in door.workers for each in worker.taken}
    assert taken == {each.getsockname() for each in door.clients}


async def test_who_has_fewer_gets_the_next_ones(door: Door) -> None:
    door.open(0, 1)
    await until(lambda: all(each.became_ready for each in door.workers))
    door.connect(10)
    await door.until_taken(5, 5)
    for _ in range(4):
        door.workers[1].end_one()
    await until(lambda: door.workers[1].outlet.load == 1)
    door.connect(4)
    await door.until_taken(5, 5)


async def test_a_worker_that_is_not_ready_or_gone_gets_none(door: Door) -> None:
    door.open(0)
    door.connect(3)
    await door.until_taken(3, 0)
    door.workers[1].open()
    await until(lambda: door.workers[1].became_ready)
    door.workers[0].inbox.close()
    door.connect(3)
    await door.until_taken(3, 3)


async def test_clients_wait_while_there_is_no_worker(door: Door) -> None:
    door.open()
    door.connect(3)
    await asyncio.sleep(0)
    door.workers[1].open()
    await door.until_taken(0, 3)


async def test_more_than_the_workers_have_room_for_wait(door: Door) -> None:
    door.open(0, 1)
    await until(lambda: all(each.became_ready for each in door.workers))
    loop = asyncio.get_running_loop()
    for worker in door.workers:
        loop.remove_reader(worker.theirs)  # too busy to take any
        worker.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    door.connect(700)
    await until(lambda: door.acceptor._held, "one for which there is no room")
    assert sum(worker.outlet.load for worker in door.workers) < 700
    for worker in door.workers:
        loop.add_reader(worker.theirs, worker.inbox._read)
    await until(lambda: sum(len(worker.taken) for worker in door.workers) == 700)


async def test_until_it_is_open_clients_are_refused(door: Door) -> None:
    with pytest.raises(ConnectionRefusedError):
        door.connect(1)


def test_all_addresses_of_a_host_share_a_port() -> None:
    bound = bind_public("localhost", 0)
    assert len({each.getsockname()[1] for each in bound}) == 1
    for each in bound:
        each.close()


def test_a_taken_port_is_told_with_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"127.0.0.1:{port}"):
            bind_public("127.0.0.1", port)
