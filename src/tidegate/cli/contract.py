"""``tidegate contract``: the commands and their flags; ``contract_files`` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    help="What travels between the gateway and its clients, for others to build on.",
    no_args_is_help=True,
)

Gateway = Annotated[str, typer.Argument(metavar="MODULE:GATEWAY", help="As for `serve`.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File to write; default: print.")
]
Check = Annotated[
    bool, typer.Option("--check", help="Write nothing; exit 1 if the file is not up to date.")
]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="Settings whose forwards, bindings and queues count (TOML)."),
]


@app.command()
def typescript(
    gateway: Gateway, output: Output = None, check: Check = False, config: Config = None
) -> None:
    """Types and events for the official client, as strict TypeScript."""
    from tidegate.cli.contract_files import tell_contract

    tell_contract("typescript", gateway, output, config, check=check)


@app.command()
def asyncapi(
    gateway: Gateway, output: Output = None, check: Check = False, config: Config = None
) -> None:
    """An AsyncAPI 3.0 document, as JSON."""
    from tidegate.cli.contract_files import tell_contract

    tell_contract("asyncapi", gateway, output, config, check=check)


@app.command("json-schema")
def json_schema(
    gateway: Gateway, output: Output = None, check: Check = False, config: Config = None
) -> None:
    """Schemas of all payloads and acks, as one JSON Schema 2020-12 document."""
    from tidegate.cli.contract_files import tell_contract

    tell_contract("json-schema", gateway, output, config, check=check)
