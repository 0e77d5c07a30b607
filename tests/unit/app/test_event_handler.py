"""What is known of a handler from its function."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tidegate import Client
from tidegate.app.handlers import EventHandler


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


def test_a_decorated_coroutine_function_is_async() -> None:
    async def send(client: Client, text: str) -> None: ...

    handler = EventHandler("send", decorated(decorated(send)))
    assert handler.is_async
    assert handler.types == [str]


def test_a_decorated_plain_function_is_not() -> None:
    def send(client: Client, text: str) -> None: ...

    assert not EventHandler("send", decorated(send)).is_async
