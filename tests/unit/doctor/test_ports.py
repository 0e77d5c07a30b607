from __future__ import annotations

import socket
from typing import Any

from tests.conftest import Running, StartGateway, make_settings

from tidegate.doctor.finding import Finding
from tidegate.doctor.ports import check_private_port, check_public_port


async def public(**settings: Any) -> Finding:
    [finding] = [each async for each in check_public_port(make_settings(**settings))]
    return finding


async def test_a_free_port_is_fine_and_stays_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert (await public(port=port)).result == "ok"
    socket.create_server(("127.0.0.1", port)).close()
    assert "any free one" in (await public(port=0)).text


async def test_a_port_that_something_else_has_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        finding = await public(port=taken.getsockname()[1])
    assert finding.result == "failed"
    assert "taken by something else" in finding.text and "another port" in finding.remedy


async def test_a_gateway_that_runs_there_is_told(start_gateway: StartGateway) -> None:
    running: Running = await start_gateway(allowed_hosts=["realtime.example.com"])
    for host in ("127.0.0.1", "0.0.0.0"):
        finding = await public(host=host, port=running.port, allowed_hosts=["realtime.example.com"])
        assert finding.result == "warning"
        assert "a gateway that runs already" in finding.text


async def test_an_address_of_another_machine_fails() -> None:
    finding = await public(host="192.0.2.1", port=8000)
    assert finding.result == "failed" and "0.0.0.0" in finding.remedy


async def test_the_private_port_is_tried_only_if_it_is_on() -> None:
    [finding] = [each async for each in check_private_port(make_settings())]
    assert finding.result == "ok" and finding.text.startswith("off")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        api = {"key": "0123456789abcdefghij", "port": taken.getsockname()[1]}
        [finding] = [each async for each in check_private_port(make_settings(api=api))]
    assert finding.result == "failed" and "another api.port" in finding.remedy
