from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.interop.official_client import NodeDriver


@pytest.fixture
async def node() -> AsyncIterator[NodeDriver]:
    driver = NodeDriver()
    await driver.start()
    yield driver
    await driver.stop()
