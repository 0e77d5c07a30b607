from __future__ import annotations

from tests.conftest import SECRET, make_settings

from tidegate.app.config import LoadedSettings
from tidegate.doctor.settings import check_settings


async def found(**settings: object) -> list[tuple[str, str]]:
    loaded = LoadedSettings.of(make_settings(**settings))
    return [(each.result, each.text) async for each in check_settings(loaded)]


async def test_safe_settings_are_served() -> None:
    assert await found(origins=["https://a.example"]) == [("ok", "they can be served")]


async def test_unsafe_ones_fail_unless_dev_permits_them() -> None:
    [(result, text)] = await found(origins=["*"])
    assert result == "failed" and text.startswith("origins (Python): contains *")
    assert [result for result, _ in await found(origins=["*"], dev=True)] == ["warning"]


async def test_warnings_are_told_beside() -> None:
    assert [result for result, _ in await found(origins=[])] == ["warning", "ok"]


async def test_no_secret_is_told() -> None:
    assert SECRET not in str(await found(origins=["*"], host="0.0.0.0"))
