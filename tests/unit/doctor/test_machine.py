from __future__ import annotations

import importlib
import resource

import pytest

from tidegate.app.settings import LimitSettings
from tidegate.doctor import machine
from tidegate.doctor.finding import Finding


async def found(limits: LimitSettings) -> Finding:
    [finding] = [each async for each in machine.check_open_files(limits)]
    return finding


def limit_to(monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))


async def test_too_few_open_files_are_a_warning_with_the_number_that_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limit_to(monkeypatch, 1024, 4096)
    finding = await found(LimitSettings())
    assert finding.result == "warning"
    assert "1,024 at once, so about 924 clients" in finding.text
    assert "11,100" in finding.remedy and "up to 4,096" in finding.remedy


@pytest.mark.parametrize("soft", [11_100, resource.RLIM_INFINITY])
async def test_enough_of_them_are_fine(monkeypatch: pytest.MonkeyPatch, soft: int) -> None:
    limit_to(monkeypatch, soft, resource.RLIM_INFINITY)
    assert (await found(LimitSettings())).result == "ok"


async def test_lower_limits_need_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_to(monkeypatch, 1024, 1024)
    limits = LimitSettings(tenant_connections=500, unauthenticated=400)
    assert (await found(limits)).result == "ok"


async def test_a_missing_event_loop_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    [finding] = [each async for each in machine.check_event_loop()]
    assert finding.result == "ok" and "uvloop" in finding.text

    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    [finding] = [each async for each in machine.check_event_loop()]
    assert finding.result == "failed" and "No module named 'uvloop'" in finding.text
