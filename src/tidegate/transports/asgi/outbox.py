"""What a client is still to be sent, between the hub that never waits and a server that may."""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.types import Message as ASGIMessage

from tidegate.protocol.server_frames import Message

__all__ = ["Outbox"]


class Outbox:
    """Messages in order, counted in bytes until the server has taken them.

    It does not refuse anything: whoever puts looks at ``is_full``, as with the write buffer of a
    transport. What the server has taken and not written yet is the server's to bound (uvicorn lets
    ``send`` wait above 64 KiB).

    Args:
        high: Bytes above which it is full.
        low: Bytes down to which it has to drain then.

    Attributes:
        size: Bytes put and not yet sent.
        is_full: True from the moment ``size`` is over ``high`` until it is down to ``low``.
    """

    __slots__ = ("_farewell", "_high", "_low", "_messages", "_sending", "_waker", "is_full", "size")

    def __init__(self, *, high: int, low: int) -> None:
        self._high = high
        self._low = low
        self._messages: deque[Message] = deque()
        self._sending = 0
        self._farewell: ASGIMessage | None = None
        self._waker: asyncio.Future[None] | None = None
        self.size = 0
        self.is_full = False

    def put(self, message: Message) -> None:
        """Add a message; never blocks. After ``close`` nothing is added any more."""
        if self._farewell is not None:
            return
        self._messages.append(message)
        self.size += message.size
        if self.size > self._high:
            self.is_full = True
        self._wake()

    def close(self, code: int, reason: str) -> None:
        """Put the last message: the WebSocket is closed after all others were sent."""
        if self._farewell is None:
            self._farewell = {"type": "websocket.close", "code": code, "reason": reason}
            self._wake()

    async def next(self) -> ASGIMessage | None:
        """Return the next message to send, once there is one; None after the close.

        Call ``sent`` when the server has taken it.
        """
        while not self._messages:
            if self._farewell is not None:
                farewell, self._farewell = self._farewell, {}
                return farewell or None
            self._waker = asyncio.get_running_loop().create_future()
            await self._waker
        message = self._messages.popleft()
        self._sending = message.size
        payload = message.payload
        kind = "text" if isinstance(payload, str) else "bytes"
        return {"type": "websocket.send", kind: payload}

    def sent(self) -> bool:
        """Uncount the message that ``next`` gave; True if the outbox was full and has drained."""
        self.size -= self._sending
        self._sending = 0
        if self.is_full and self.size <= self._low:
            self.is_full = False
            return True
        return False

    def _wake(self) -> None:
        if self._waker is not None:
            if not self._waker.done():  # it is when the sender was cancelled
                self._waker.set_result(None)
            self._waker = None
