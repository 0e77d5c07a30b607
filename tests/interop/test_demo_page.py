"""The demo's page in Chromium: the official client in a real browser."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.interop.test_commands import Commands, commands

__all__ = ["commands"]  # the fixture

CONSOLE = Path(__file__).parents[2] / "console"


@pytest.mark.skipif(
    shutil.which("chromium") is None,
    reason="Chromium is not installed, and only root may install it (see prepare_tests.sh)",
)
async def test_the_page_keeps_tenants_apart_and_recovers(commands: Commands) -> None:
    demo = await commands.start("demo", "--port", "0")
    url = await demo.line("Tidegate demo: ")
    check = await asyncio.create_subprocess_exec(
        "node", "check-page.mjs", url, cwd=CONSOLE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(90):
        _, errors = await check.communicate()
    assert check.returncode == 0, errors.decode()
