"""Return annotations, read as the dispatcher answers."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from typing import Any, Optional

import pytest

from tidegate.contract.annotations import Ack, read_ack


@pytest.mark.parametrize(
    ("annotation", "ack"),
    [
        (Any, Ack("unknown")),
        (None, Ack("nothing")),
        (type(None), Ack("nothing")),
        (int, Ack("values", (int,))),
        (list[int], Ack("values", (list[int],))),
        (int | str, Ack("values", (int | str,))),
        (tuple[int, str], Ack("values", (int, str))),
        (tuple[int, ...], Ack("unknown")),
        (tuple, Ack("unknown")),
        (int | None, Ack("values", (int,), is_optional=True)),
        (Optional[str], Ack("values", (str,), is_optional=True)),  # noqa: UP045
        (Awaitable[int], Ack("values", (int,))),
        (Coroutine[Any, Any, None], Ack("nothing")),
    ],
)
def test_an_annotation_tells_the_ack(annotation: Any, ack: Ack) -> None:
    assert read_ack(annotation) == ack
