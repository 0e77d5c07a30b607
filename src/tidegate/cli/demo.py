"""``tidegate demo``: a gateway with two tenants, and something to watch them with."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import secrets
import shutil
import socket
import sys
from collections import deque
from pathlib import Path
from typing import Any, Literal

import msgspec
import uvloop
from rich.columns import Columns
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from tidegate.app.gateway import Gateway
from tidegate.app.namespace import Namespace
from tidegate.app.runner import run_gateway
from tidegate.app.settings import Settings
from tidegate.cli.token import sign
from tidegate.errors import PayloadError
from tidegate.events import Event, decode_argument
from tidegate.log import EventEntry, Record
from tidegate.protocol.upgrade import Request
from tidegate.transports.http import HTTPResponse, RouteHandler, error_response, json_response

__all__ = ["run_demo"]

PAGE = Path(__file__).parent.parent / "console" / "dist"
TENANTS = {"acme": "Acme", "globex": "Globex"}
USERS = {
    "acme": {"ada": "Ada", "ben": "Ben"},
    "globex": {"cleo": "Cleo", "dan": "Dan"},
}
API_PORT = 8001  # where `tidegate publish` and `tidegate tail` look unless told otherwise
TOKEN_SECONDS = 600.0
DRIP_SECONDS = 8.0
NEWS = (
    ("success", "Order {n} was paid"),
    ("info", "A teammate commented on ticket {n}"),
    ("warning", "Stock of item {n} is running low"),
    ("info", "Report {n} is ready"),
)
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
_PAGE_POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; style-src 'self'; script-src 'self'; "
    "img-src 'self' data:; frame-ancestors 'none'"
)


class NotificationCreated(Event, name="notification.created"):
    """What the demo publishes."""

    id: str
    message: str
    type: Literal["info", "success", "warning"] = "info"
    audience: Literal["tenant", "user"] | None = None
    at: str | None = None


class _Publish(msgspec.Struct, forbid_unknown_fields=True):
    tenant: Literal["acme", "globex"]
    message: str
    type: Literal["info", "success", "warning"] = "info"
    user: str | None = None


class _TokenRequest(msgspec.Struct, forbid_unknown_fields=True):
    tenant: Literal["acme", "globex"]
    user: str


class _Cut(msgspec.Struct, forbid_unknown_fields=True):
    sid: str


def run_demo(
    host: str, port: int, *, api_port: int | None, origins: list[str], terminal: bool
) -> None:
    """Serve the demo until interrupted; in the terminal if the page was not built.

    Args:
        host: Address of the public port.
        port: Public port; 0 takes a free one.
        api_port: Private port, on loopback and without a key; None: 8001, or a free one.
        origins: Pages that may connect beside the demo's own.
        terminal: Show the tenants in the terminal, without the page.
    """
    port = port or _free_port(host)  # the page's origin must be known before it is served
    own = sorted(f"http://{name}:{port}" for name in {host, "127.0.0.1", "localhost"})
    settings = Settings.model_validate(
        {
            "host": host,
            "port": port,
            "origins": [*own, *origins],
            "dev": True,  # a private port without a key: there is nothing of anybody's in here
            "api": {"port": _api_port() if api_port is None else api_port},
            "auth": {"secret": secrets.token_hex(32)},
            "drain_seconds": 0.2,
            "log_level": "warning",
        }
    )
    demo = _Demo(settings)
    show_terminal = terminal or not (PAGE / "index.html").is_file()
    uvloop.run(demo.run(show_terminal=show_terminal))


def _free_port(host: str, port: int = 0) -> int:
    with socket.create_server((host, port)) as probe:
        bound: int = probe.getsockname()[1]
        return bound


def _api_port() -> int:
    with contextlib.suppress(OSError):
        return _free_port("127.0.0.1", API_PORT)
    return _free_port("127.0.0.1")


class _Demo:
    """The demo's gateway and its plain HTTP endpoints."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        notifications = Namespace("/notifications", events=[NotificationCreated])
        self._gateway = Gateway([notifications], settings=settings)
        self._gateway.routes = _page_routes() | {
            ("GET", "/demo/config.json"): self._config,
            ("POST", "/demo/token"): self._token,
            ("POST", "/demo/publish"): self._publish,
            ("POST", "/demo/cut"): self._cut,
        }
        self._gateway.max_body_size = 16 * 1024
        self._published = 1000

    async def run(self, *, show_terminal: bool) -> None:
        """Serve until told to stop."""
        drip = asyncio.ensure_future(self._drip())
        terminal = _Terminal() if show_terminal else None

        def announce(port: int, api_port: int | None) -> None:
            url = f"http://{self._settings.host}:{port}"
            print(f"Tidegate demo: {url}/", flush=True)
            if terminal is None:
                print("Open it in a browser; Ctrl-C ends it.", flush=True)
            print(_how_to_take_part(url, api_port), flush=True)
            if terminal is None:
                return
            if not (PAGE / "index.html").is_file():
                print("The page needs Node 20 when it is built.", flush=True)
            print("Here are both tenants:", flush=True)
            self._gateway.hub.taps.add(terminal.show)
            terminal.start()

        try:
            await run_gateway(self._gateway, on_ready=announce)
        finally:
            drip.cancel()
            if terminal is not None:
                terminal.stop()

    async def _drip(self) -> None:
        """Publish something to each tenant now and then, so that there is something to see."""
        turn = 0
        while True:
            await asyncio.sleep(DRIP_SECONDS if turn else 1.0)
            if not self._gateway.is_ready:
                continue
            tenant = tuple(TENANTS)[turn % len(TENANTS)]
            kind, text = NEWS[turn % len(NEWS)]
            turn += 1
            await self._emit(_Publish(tenant, text.format(n=self._published), kind))  # type: ignore[arg-type]

    async def _emit(self, request: _Publish) -> str:
        self._published += 1
        tenant = self._gateway.tenant(request.tenant)
        event = NotificationCreated(
            id=str(self._published),
            message=request.message,
            type=request.type,
            audience="tenant" if request.user is None else "user",
            at=_now(),
        )
        target = tenant if request.user is None else tenant.user(request.user)
        return await target.emit(event)

    # Endpoints of the page

    async def _config(self, request: Request) -> HTTPResponse:
        tenants = [
            {
                "id": tenant,
                "name": name,
                "users": [{"id": user, "name": shown} for user, shown in USERS[tenant].items()],
            }
            for tenant, name in TENANTS.items()
        ]
        return json_response(200, {"namespace": "/notifications", "tenants": tenants})

    async def _token(self, request: Request) -> HTTPResponse:
        wanted = _read(request.body, _TokenRequest)
        if isinstance(wanted, HTTPResponse):
            return wanted
        if wanted.user not in USERS[wanted.tenant]:
            return error_response(422, "invalid", "There is no such user.")
        token = sign(self._settings.auth, wanted.tenant, wanted.user, TOKEN_SECONDS)
        origin = request.headers.get("origin", "")
        is_known = origin in self._settings.origins
        headers = {"Access-Control-Allow-Origin": origin} if is_known else {}
        return json_response(200, {"token": token}, headers)

    async def _publish(self, request: Request) -> HTTPResponse:
        wanted = _read(request.body, _Publish)
        if isinstance(wanted, HTTPResponse):
            return wanted
        if not 0 < len(wanted.message) <= 280:
            return error_response(422, "invalid", "A message has 1 to 280 characters.")
        if wanted.user is not None and wanted.user not in USERS[wanted.tenant]:
            return error_response(422, "invalid", "There is no such user.")
        return json_response(202, {"offset": await self._emit(wanted)})

    async def _cut(self, request: Request) -> HTTPResponse:
        """Cut a connection as a failing network would: no packet, no close frame."""
        wanted = _read(request.body, _Cut)
        if isinstance(wanted, HTTPResponse):
            return wanted
        for tenant in self._gateway.hub.tenants():
            for member in self._gateway.hub.sockets_of(tenant):
                if member.sid == wanted.sid and member.link is not None:
                    member.link.abort("cut by the demo")
                    return json_response(202, {"ok": True})
        return error_response(404, "not_found", "There is no such socket.")


def _how_to_take_part(url: str, api_port: int | None) -> str:
    command = "tidegate" if shutil.which("tidegate") else os.path.relpath(sys.argv[0])
    api = "" if api_port == API_PORT else f" --api-url http://127.0.0.1:{api_port}"
    news = """notification.created '{"id":"1","message":"hi"}'"""
    who = """'{"tenant":"acme","user":"ada"}'"""
    return f"""
In another terminal:
  {command} tail --tenant acme{api}
  {command} publish --tenant acme -n /notifications {news}{api}
For a client of your own, a token; its page may connect with --origin:
  curl {url}/demo/token -d {who}
"""


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


class _Terminal:
    """Both tenants side by side in the terminal; plain lines where it is no terminal."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[Text]] = {t: deque(maxlen=12) for t in TENANTS}
        self._live: Live | None = None

    def start(self) -> None:
        """Begin to draw."""
        if sys.stdout.isatty():
            self._live = Live(self._picture(), refresh_per_second=4, transient=False)
            self._live.start()

    def stop(self) -> None:
        """Leave the last picture standing."""
        if self._live is not None:
            self._live.stop()

    def show(self, record: Record[EventEntry]) -> None:
        """Take one event; called by the hub."""
        entry = record.entry
        event: Any = msgspec.json.decode(entry.data)
        line = Text(f"{(event.get('at') or _now())[11:19]} {event['message']}")
        if entry.user is not None:
            line.append(f"  (only {entry.user})", style="dim")
        self._lines[entry.tenant].append(line)
        if self._live is None:
            print(f"{entry.tenant:8} {line.plain}", flush=True)
        else:
            self._live.update(self._picture())

    def _picture(self) -> Columns:
        panels = [
            Panel(Text("\n").join(lines) or Text("waiting"), title=TENANTS[tenant], width=58)
            for tenant, lines in self._lines.items()
        ]
        return Columns(panels)


def _page_routes() -> dict[tuple[str, str], RouteHandler]:
    """Return a route for each file of the built page; none if it was not built."""
    routes: dict[tuple[str, str], RouteHandler] = {}
    for file in sorted(PAGE.rglob("*")) if PAGE.is_dir() else ():
        if file.is_file():
            handler = _file_handler(file)
            routes[("GET", "/" + file.relative_to(PAGE).as_posix())] = handler
            if file.name == "index.html":
                routes[("GET", "/")] = handler
    return routes


def _file_handler(file: Path) -> RouteHandler:
    body = file.read_bytes()
    content_type = _CONTENT_TYPES.get(file.suffix, "application/octet-stream")
    headers = {"Content-Security-Policy": _PAGE_POLICY, "Cache-Control": "no-cache"}

    async def serve(request: Request) -> HTTPResponse:
        return HTTPResponse(200, body, content_type, headers)

    return serve


def _read(body: bytes, target: type) -> Any:
    try:
        return decode_argument(body, (), target)
    except PayloadError as error:
        value = {"error": {"code": "invalid", "message": error.message, "field": error.field}}
        return json_response(422, value)
