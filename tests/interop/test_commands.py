"""The commands, run as a user runs them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import SECRET, make_token
from tests.interop.official_client import NodeDriver

ENVIRONMENT = {
    "TIDEGATE_AUTH__SECRET": SECRET,
    "TIDEGATE_API__KEY": "the key of the api",
    "TIDEGATE_NAMESPACES": "/notifications",
    "TIDEGATE_DRAIN_SECONDS": "0.1",
}


class Command:
    """One running ``tidegate``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self, start: str) -> str:
        """Return the rest of the next line of output that starts so."""
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            while text := (await self.process.stdout.readline()).decode():
                if text.startswith(start):
                    return text.removeprefix(start).strip()
        raise AssertionError(f"no line {start!r}")

    async def finish(self) -> tuple[int, str, str]:
        async with asyncio.timeout(20):
            output, errors = await self.process.communicate()
        return self.process.returncode or 0, output.decode(), errors.decode()


class Commands:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[asyncio.subprocess.Process] = []

    async def start(self, *arguments: str, **environ: str) -> Command:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tidegate",
            *arguments,
            cwd=self.folder,
            env={**clean, "COLUMNS": "200", **environ},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._running.append(process)
        return Command(process)

    async def run(self, *arguments: str, **environ: str) -> tuple[int, str, str]:
        return await (await self.start(*arguments, **environ)).finish()

    async def stop(self) -> None:
        for process in self._running:
            if process.returncode is None:
                process.kill()
                await process.communicate()


@pytest.fixture
async def commands(tmp_path: Path) -> AsyncIterator[Commands]:
    commands = Commands(tmp_path)
    yield commands
    await commands.stop()


async def test_serve_token_publish_and_tail_work_together(
    commands: Commands, node: NodeDriver
) -> None:
    server = await commands.start("serve", "--port", "0", "--api-port", "0", **ENVIRONMENT)
    url = (await server.line("Tidegate serves ")).removesuffix("/socket.io/")
    api = await server.line("Private port: ")
    code, token, _ = await commands.run(
        "token", "--tenant", "acme", "--user", "42", "--claim", "role=admin", **ENVIRONMENT
    )
    assert code == 0
    client = node.client("a", f"{url}/notifications", auth={"token": token.strip()})
    await client.wait("connect")
    tail = await commands.start("tail", "--tenant", "acme", "--api-url", api, **ENVIRONMENT)
    publish = ["publish", "--tenant", "acme", "-n", "/notifications", "--api-url", api]
    for attempt in range(50):  # until the tail is there
        data = json.dumps({"n": attempt})
        code, _, errors = await commands.run(*publish, "notification.created", data, **ENVIRONMENT)
        assert (code, errors) == (0, "")
        assert tail.process.stdout is not None
        try:
            async with asyncio.timeout(1):
                line = await tail.process.stdout.readline()
            break
        except TimeoutError:
            continue
    assert json.loads(line)["event"] == "notification.created"
    assert (await client.heard("notification.created", 1))[0] == {"n": 0}
    server.process.send_signal(signal.SIGTERM)
    code, _, errors = await server.finish()
    assert code == 0, errors
    assert "draining 1 connections" in errors
    assert (await client.wait("disconnect"))["reason"] == "transport close"


async def test_a_handler_that_does_not_end_is_told_of_and_holds_up_no_third_signal(
    commands: Commands, node: NodeDriver
) -> None:
    (commands.folder / "stubborn.py").write_text(
        "import asyncio\n"
        "from tidegate import Client, Gateway, Namespace\n"
        "chat = Namespace('/chat')\n"
        "@chat.on('work')\n"
        "async def work(client: Client) -> None:\n"
        "    await client.emit('begun')\n"
        "    while True:\n"
        "        try:\n"
        "            await asyncio.sleep(60)\n"
        "        except asyncio.CancelledError:\n"
        "            pass\n"
        "gateway = Gateway([chat])\n"
    )
    environ = {**ENVIRONMENT, "TIDEGATE_DRAIN_SECONDS": "60"}
    server = await commands.start("serve", "stubborn:gateway", "--port", "0", **environ)
    url = (await server.line("Tidegate serves ")).removesuffix("/socket.io/")
    client = node.client("a", f"{url}/chat", auth={"token": make_token()})
    await client.wait("connect")
    client.emit("work")
    await client.wait("event")
    assert server.process.stderr is not None
    for line in ("draining 1 connections", "it was cancelled: sleep"):
        server.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            while line not in (said := (await server.process.stderr.readline()).decode()):
                pass
    assert f", in work ({commands.folder / 'stubborn.py'}:9), in " in said
    server.process.send_signal(signal.SIGTERM)
    code, _, _ = await server.finish()
    assert code == -signal.SIGTERM


UNSAFE = [
    pytest.param({}, "auth.secret", id="no key"),
    pytest.param({"TIDEGATE_AUTH__SECRET": "secret"}, "auth.secret", id="known secret"),
    pytest.param({"TIDEGATE_AUTH__SECRET": "0123456789abcdef"}, "auth.secret", id="short secret"),
    pytest.param({"TIDEGATE_AUTH__SECRET": SECRET, "TIDEGATE_ORIGINS": "*"}, "origins", id="any"),
    pytest.param(
        {"TIDEGATE_AUTH__JWKS_URL": "https://issuer.example/jwks"}, "auth.audience", id="no aud"
    ),
    pytest.param(
        {"TIDEGATE_AUTH__SECRET": SECRET, "TIDEGATE_API__HOST": "0.0.0.0"}, "api.host", id="open"
    ),
]


@pytest.mark.parametrize(("environ", "key"), UNSAFE)
async def test_serve_refuses_unsafe_settings(
    commands: Commands, environ: dict[str, str], key: str
) -> None:
    code, _, errors = await commands.run("serve", TIDEGATE_NAMESPACES="/a", **environ)
    assert code == 2
    assert f"{key} (" in errors
    assert environ.get("TIDEGATE_AUTH__SECRET", "?") not in errors.replace("auth.secret", "")


async def test_dev_permits_them_loudly(commands: Commands) -> None:
    environ = {"TIDEGATE_AUTH__SECRET": "0123456789abcdef", "TIDEGATE_ORIGINS": "*"}
    server = await commands.start(
        "serve", "--dev", "--port", "0", "--api-port", "0", TIDEGATE_NAMESPACES="/a", **environ
    )
    await server.line("Private port: ")
    server.process.send_signal(signal.SIGTERM)
    code, _, errors = await server.finish()
    assert code == 0
    assert errors.count("UNSAFE") == 2


async def test_configuration_errors_name_key_source_and_remedy(commands: Commands) -> None:
    (commands.folder / "tidegate.toml").write_text('prot = 1\n[auth]\nleeway = "long"\n')
    code, _, errors = await commands.run("serve", TIDEGATE_PING_INTERVAL="soon")
    assert code == 2
    for text in (
        "prot",
        "port",
        "auth.leeway",
        "tidegate.toml",
        "ping_interval (environment variable TIDEGATE_PING_INTERVAL)",
    ):
        assert text in errors


async def test_a_port_that_is_taken_is_named_with_the_flags(commands: Commands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, errors = await commands.run("demo", "--terminal", "--port", port)
        assert code == 1 and f"{port}): address already in use; end what listens" in errors
        ports = ("--port", "0", "--api-port", port)
        code, _, errors = await commands.run("serve", *ports, **ENVIRONMENT)
        assert code == 1 and "--api-port" in errors


async def test_serve_takes_a_gateway_from_a_module(commands: Commands) -> None:
    (commands.folder / "realtime.py").write_text(
        "from tidegate import Gateway, Namespace\ngateway = Gateway([Namespace('/chat')])\n"
    )
    environ = {**ENVIRONMENT, "TIDEGATE_NAMESPACES": ""}
    server = await commands.start(
        "serve", "realtime:gateway", "--port", "0", "--api-port", "0", **environ
    )
    await server.line("Private port: ")
    code, _, errors = await commands.run("serve", "realtime:other", **environ)
    assert code == 2
    assert "'other' in 'realtime' is no Gateway" in errors
    code, _, errors = await commands.run("serve", "nowhere:gateway", **environ)
    assert code == 2
    assert "there is no module 'nowhere'" in errors
    for path in ("./realtime.py:gateway", "realtime.py:gateway", ":gateway"):
        code, _, errors = await commands.run("serve", path, **environ)
        assert code == 2 and "is not the name of a module" in errors


async def test_a_token_for_nobody_is_not_made(commands: Commands) -> None:
    for tenant, user, name in (("", "42", "tenant"), ("acme", "", "user")):
        code, output, errors = await commands.run(
            "token", "--tenant", tenant, "--user", user, **ENVIRONMENT
        )
        assert (code, output) == (2, "")
        assert f"{name} (--{name}): is empty" in errors


async def test_publish_says_what_is_wrong(commands: Commands) -> None:
    call = ["publish", "--tenant", "acme", "tick"]
    code, _, errors = await commands.run(*call, "{nonsense", **ENVIRONMENT)
    assert code == 2
    assert "is not JSON" in errors
    code, _, errors = await commands.run(
        *call, "1", "--api-url", "http://127.0.0.1:1", **ENVIRONMENT
    )
    assert code == 1
    assert "no gateway answers at http://127.0.0.1:1" in errors


async def test_check_shows_sources_and_hides_secrets(commands: Commands) -> None:
    code, output, _ = await commands.run("check", **ENVIRONMENT)
    assert code == 0
    assert "TIDEGATE_AUTH__SECRET" in output
    assert SECRET not in output
    code, _, _ = await commands.run("check")
    assert code == 2


async def test_the_demo_runs_in_a_terminal_and_serves_its_clients(
    commands: Commands, node: NodeDriver
) -> None:
    import httpx

    demo = await commands.start("demo", "--terminal", "--port", "0")
    url = (await demo.line("Tidegate demo: ")).rstrip("/")
    async with httpx.AsyncClient(base_url=url) as http:
        config = (await http.get("/demo/config.json")).json()
        assert [tenant["id"] for tenant in config["tenants"]] == ["acme", "globex"]
        who = {"tenant": "acme", "user": "ada"}
        token = (await http.post("/demo/token", json=who)).json()["token"]
        client = node.client("ada", url + config["namespace"], auth={"token": token})
        sid = (await client.wait("connect"))["sid"]
        news = {"tenant": "acme", "user": "ada", "message": "hello", "type": "info"}
        assert (await http.post("/demo/publish", json=news)).status_code == 202
        assert (await http.post("/demo/cut", json={"sid": sid})).status_code == 202
        assert (await http.post("/demo/publish", json=news | {"tenant": 1})).status_code == 422
    assert (await client.wait("connect", 2))["recovered"] is True
    assert "hello" in [n["message"] for n in client.events("notification.created")]
    assert "hello" in await demo.line("acme ")


async def test_the_demo_takes_what_other_commands_and_other_pages_bring(
    commands: Commands,
) -> None:
    import httpx

    with socket.create_server(("127.0.0.1", 0)) as free:
        api = str(free.getsockname()[1])
    page = "https://page.example.com"
    ports = ("--port", "0", "--api-port", api)
    demo = await commands.start("demo", "--terminal", *ports, "--origin", page)
    url = (await demo.line("Tidegate demo: ")).rstrip("/")
    await demo.line("Here are both tenants")
    news = ("notification.created", '{"id": "1", "message": "from a shell"}')
    to = ("--tenant", "acme", "-n", "/notifications", "--api-url", f"http://127.0.0.1:{api}")
    code, offset, errors = await commands.run("publish", *news, *to)
    assert code == 0 and offset.strip(), errors
    while "from a shell" not in await demo.line("acme "):
        pass
    who = {"tenant": "acme", "user": "ada"}
    async with httpx.AsyncClient(base_url=url) as http:
        for origin, allowed in ((page, page), ("https://evil.example.com", None)):
            answer = await http.post("/demo/token", json=who, headers={"Origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed
