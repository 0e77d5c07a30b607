"""The commands and their flags."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tidegate import __version__
from tidegate.cli import contract, dead_letters
from tidegate.cli.new import new
from tidegate.cli.review import explain, review
from tidegate.errors import ConfigError, TidegateError

__all__ = ["main"]

app = typer.Typer(
    name="tidegate",
    help="A multi-tenant realtime gateway for the official Socket.IO client.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(contract.app, name="contract")
app.add_typer(dead_letters.app, name="dead-letters")
app.command()(new)
app.command()(review)
app.command()(explain)

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).")]
Host = Annotated[str | None, typer.Option("--host", help="Address of the public port.")]
Port = Annotated[int | None, typer.Option("--port", max=65535, min=0, help="Public port.")]
APIPort = Annotated[int | None, typer.Option("--api-port", max=65535, min=0, help="Private port.")]
TenantFlag = Annotated[str, typer.Option("--tenant", "-t", help="The tenant.")]
NamespaceFlag = Annotated[str, typer.Option("--namespace", "-n", help="The namespace.")]
APIURL = Annotated[str | None, typer.Option("--api-url", help="Private port of a running gateway.")]


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        app(standalone_mode=True)
    except ConfigError as error:
        for problem in getattr(error, "errors", [error]):
            _complain(f"{problem.key} ({problem.source}): {problem.problem}. {problem.remedy}")
        sys.exit(2)
    except (TidegateError, OSError) as error:
        _complain(f"{error}{_remedy(error)}")
        sys.exit(1)


def _remedy(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return (
            "; end what listens there, or choose another with --port (the private one: --api-port)"
        )
    return ""


@app.command()
def serve(
    target: Annotated[
        str | None, typer.Argument(help="module:gateway; without it, the settings' namespaces.")
    ] = None,
    config: Config = None,
    host: Host = None,
    port: Port = None,
    api_port: APIPort = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Processes.")] = None,
    dev: Annotated[bool, typer.Option("--dev", help="Permit unsafe settings, loudly.")] = False,
) -> None:
    """Run the gateway."""
    from tidegate.cli.serve import serve_gateway

    flags = {"host": host, "port": port, "api.port": api_port, "workers": workers}
    serve_gateway(target, config, flags | {"dev": dev or None})


@app.command()
def demo(
    host: Host = None,
    port: Port = None,
    api_port: APIPort = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            "--origin",
            help="A page of yours that may connect, such as http://localhost:3000; repeatable.",
        ),
    ] = None,
    terminal: Annotated[
        bool, typer.Option("--terminal", help="Show the tenants here, without the page.")
    ] = False,
) -> None:
    """Run the demo: two tenants, a page to watch them, no broker needed."""
    from tidegate.cli.demo import run_demo

    run_demo(
        host or "127.0.0.1",
        8000 if port is None else port,
        api_port=api_port,
        origins=origin or [],
        terminal=terminal,
    )


@app.command()
def token(
    tenant: TenantFlag,
    user: Annotated[str, typer.Option("--user", "-u", help="The user.")],
    ttl: Annotated[float, typer.Option("--ttl", help="Seconds until it expires.")] = 3600,
    claim: Annotated[
        list[str] | None, typer.Option("--claim", help="Another claim, k=v; repeatable.")
    ] = None,
    config: Config = None,
) -> None:
    """Print a token signed with the configured secret, for trying things out."""
    from tidegate.cli.token import make_token

    print(make_token(config, tenant, user, ttl, claim or []))


@app.command()
def publish(
    event: Annotated[str, typer.Argument(help="Event name.")],
    data: Annotated[str, typer.Argument(help="Payload as JSON; - reads standard input.")] = "null",
    tenant: TenantFlag = ...,  # type: ignore[assignment]  # Typer's way to say "required"
    namespace: NamespaceFlag = "/",
    user: Annotated[str | None, typer.Option("--user", "-u", help="Only this user.")] = None,
    room: Annotated[str | None, typer.Option("--room", "-r", help="Only this room.")] = None,
    message_id: Annotated[
        str | None, typer.Option("--id", help="Delivered once, even if published again.")
    ] = None,
    api_url: APIURL = None,
    config: Config = None,
) -> None:
    """Publish an event through a running gateway's private port."""
    from tidegate.cli.remote import publish_event

    request: dict[str, Any] = {"tenant": tenant, "namespace": namespace, "event": event}
    optional = {"user": user, "room": room, "id": message_id}
    request |= {key: value for key, value in optional.items() if value is not None}
    text = sys.stdin.read() if data == "-" else data
    print(publish_event(config, api_url, request, text))


@app.command()
def tail(
    tenant: TenantFlag,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Only this namespace.")
    ] = None,
    api_url: APIURL = None,
    config: Config = None,
) -> None:
    """Print a tenant's events as they come, one JSON object a line, until interrupted."""
    from tidegate.cli.remote import tail_events

    for line in tail_events(config, api_url, tenant, namespace):
        print(line, flush=True)


@app.command()
def check(
    config: Config = None,
    dev: Annotated[bool, typer.Option("--dev", help="As `serve --dev` would.")] = False,
) -> None:
    """Show every setting with its source, and what is unsafe; exit 2 if `serve` would refuse."""
    from tidegate.cli.check import check_settings

    if not check_settings(config, dev=dev):
        sys.exit(2)


@app.command()
def doctor(
    config: Config = None,
    token: Annotated[
        str | None,
        typer.Option("--token", metavar="FILE", help="Verify the token in it; - reads stdin."),
    ] = None,
    dev: Annotated[bool, typer.Option("--dev", help="As `serve --dev` would.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As a JSON array.")] = False,
) -> None:
    """Try what `serve` needs: ports, files, broker, queues, keys; change nothing.

    Exit 1 if something failed, 2 if the settings did.
    """
    from tidegate.cli.doctor import diagnose, leave

    leave(diagnose(config, token, dev=dev, as_json=as_json))


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True)
    ] = False,
) -> None:
    if version:
        print(f"tidegate {__version__}")
        raise typer.Exit


def _complain(text: str) -> None:
    print(f"tidegate: {text}", file=sys.stderr)
