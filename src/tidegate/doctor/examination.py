"""All checks at once, each with its time, and the lines in one order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from tidegate.app.config import LoadedSettings
from tidegate.doctor.broker import check_broker
from tidegate.doctor.finding import Finding, failed
from tidegate.doctor.keys import check_keys
from tidegate.doctor.machine import check_event_loop, check_open_files
from tidegate.doctor.ports import check_private_port, check_public_port
from tidegate.doctor.settings import SETTINGS, check_settings
from tidegate.doctor.stream_port import check_stream_port
from tidegate.doctor.token import check_token

__all__ = ["CHECK_SECONDS", "MAX_SECONDS", "examine"]

CHECK_SECONDS = 5.0
MAX_SECONDS = 9.5
"""What all takes at most; a broker that does not answer is not told goodbye then."""


async def examine(loaded: LoadedSettings, *, token: str | None = None) -> list[Finding]:
    """Try what a gateway with these settings needs, and return what was found, in a fixed order.

    Args:
        loaded: The settings.
        token: To be verified with them.
    """
    settings = loaded.settings
    checks = {
        SETTINGS: check_settings(loaded),
        "public port": check_public_port(settings),
        "private port": check_private_port(settings),
        "open files": check_open_files(settings.limits),
        "event loop": check_event_loop(),
        "broker": check_broker(settings),
        "stream port": check_stream_port(settings),
        "keys": check_keys(settings),
    }
    if token is not None:
        checks["token"] = check_token(settings, token)
    found: dict[str, list[Finding]] = {check: [] for check in checks}
    running = {
        asyncio.create_task(_bounded(check, findings, found[check])): check
        for check, findings in checks.items()
    }
    _, left = await asyncio.wait(running, timeout=MAX_SECONDS)
    for task in left:
        task.cancel()
        if not any(finding.result == "failed" for finding in found[running[task]]):
            found[running[task]].append(_too_slow(running[task], MAX_SECONDS))
    return [finding for findings in found.values() for finding in findings]


async def _bounded(check: str, findings: AsyncIterator[Finding], found: list[Finding]) -> None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            async for finding in findings:
                found.append(finding)  # noqa: PERF401 - those before the time is up count
    except TimeoutError:
        found.append(_too_slow(check, CHECK_SECONDS))
    except Exception as error:  # a check that fails by itself must not hide what others found
        text = f"could not be tried: {type(error).__name__}"  # its text may hold anything
        found.append(failed(check, text, "Please report it; the other lines count all the same."))


def _too_slow(check: str, seconds: float) -> Finding:
    return failed(
        check,
        f"no answer within {seconds:g} s",
        "Something on the way drops what is sent: check address, firewall and name server.",
    )
