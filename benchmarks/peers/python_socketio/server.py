"""python-socketio on uvicorn with uvloop, as its documentation deploys it; WebSocket only."""

from __future__ import annotations

import asyncio
import os
import socket
from importlib.metadata import version
from typing import Any

import jwt
import socketio
import uvicorn
import uvloop
from benchmarks.peers.control import Target, obey_commands, padding

MAX_UNSENT_PACKETS = 64
"""Packets queued for one socket that make the sender wait, so that memory is bounded."""


ALGORITHM = os.environ["BENCH_ALGORITHM"]
KEY = jwt.get_algorithm_by_name(ALGORITHM).prepare_key(os.environ["BENCH_KEY"])
"""Read once: PyJWT would read a public key anew for each token."""


class Bench(socketio.AsyncNamespace):  # type: ignore[misc]  # untyped
    """The namespace: a token at the door, the tenant and the user as rooms."""

    async def on_connect(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        """Let in who has a valid token."""
        try:
            claims = jwt.decode(auth["token"], KEY, algorithms=[ALGORITHM])
        except (jwt.InvalidTokenError, KeyError, TypeError):
            raise socketio.exceptions.ConnectionRefusedError("Unauthorized") from None
        await self.enter_room(sid, f"tenant:{claims['tenantId']}")
        await self.enter_room(sid, f"user:{claims['tenantId']}:{claims['sub']}")

    def on_echo(self, sid: str, event: dict[str, Any]) -> dict[str, Any]:
        """Answer a client."""
        return {"seq": event["seq"]}


async def main() -> None:
    """Serve until stdin ends."""
    sio = socketio.AsyncServer(async_mode="asgi", transports=["websocket"])
    sio.register_namespace(Bench("/bench"))
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    server = uvicorn.Server(
        uvicorn.Config(
            socketio.ASGIApp(sio),
            ws_per_message_deflate=False,
            ws_ping_interval=None,  # Engine.IO has heartbeats of its own
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    serving = asyncio.create_task(server.serve([listening]))
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.01)
    emitted, pad = 0, padding()

    async def emit(target: Target, sequence: int, time: int) -> None:
        nonlocal emitted
        room = f"tenant:{target.tenant}"
        data = {"seq": sequence, "t": time, "pad": pad}
        await sio.emit("bench", data, room=room, namespace="/bench")
        emitted += 1
        await asyncio.sleep(0)
        while _is_behind(sio, room):  # noqa: ASYNC110  # engineio has no event for it
            await asyncio.sleep(0)

    async def settle() -> None:
        """``emit`` has done that."""

    names = ("python-socketio", "uvicorn", "uvloop", "websockets")
    await obey_commands(
        listening.getsockname()[1],
        {name: version(name) for name in names},
        emit,
        settle=settle,
        stats=lambda: {"events": emitted, "batches": emitted},
    )
    server.should_exit = server.force_exit = True
    await serving


def _is_behind(sio: socketio.AsyncServer, room: str) -> bool:
    members = list(sio.manager.get_participants("/bench", room))
    sockets = (sio.eio.sockets.get(eio_sid) for _, eio_sid in members)
    return any(socket and socket.queue.qsize() > MAX_UNSENT_PACKETS for socket in sockets)


if __name__ == "__main__":
    uvloop.run(main())
