"""Whether the ports can be had, and who has them otherwise."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator

import httpx

from tidegate.app.safety import api_is_on
from tidegate.app.settings import Settings
from tidegate.doctor.finding import Finding, failed, ok, warning
from tidegate.transports.acceptor import bind_public

__all__ = ["check_private_port", "check_public_port"]

_ANSWER_SECONDS = 2.0


async def check_public_port(settings: Settings) -> AsyncIterator[Finding]:
    """Yield whether clients can be let in at ``host`` and ``port``."""
    hosts = [host for host in settings.allowed_hosts if not host.startswith(("*", "."))]
    scheme = "https" if settings.tls.certificate else "http"
    yield await _check(
        "public port", "port", settings.host, settings.port, scheme, hosts[0] if hosts else None
    )


async def check_private_port(settings: Settings) -> AsyncIterator[Finding]:
    """Yield whether the private port can be had, if it is on."""
    if not api_is_on(settings):
        yield ok("private port", "off: api.key is not set")
        return
    yield await _check("private port", "api.port", settings.api.host, settings.api.port, "http")


async def _check(
    check: str, key: str, host: str, port: int, scheme: str, virtual_host: str | None = None
) -> Finding:
    where = f"{host}:{port}"
    try:
        for bound in await asyncio.to_thread(bind_public, host, port):
            bound.close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            if await _is_live(f"{scheme}://{_reached_at(host)}:{port}", virtual_host):
                return warning(
                    check,
                    f"{where} is taken by a gateway that runs already and answers /health/live",
                    f"Nothing, if it is the one that you ask about; a second one needs another "
                    f"{key}.",
                )
            remedy = f"End what listens there, or choose another {key}."
            return failed(check, f"{where} is taken by something else", remedy)
        return failed(check, f"{where} can't be had: {_reason(error)}", _remedy(error, key))
    return ok(check, f"{where} is free" if port else f"{host}, any free one")


async def _is_live(url: str, virtual_host: str | None) -> bool:
    headers = {} if virtual_host is None else {"Host": virtual_host}
    try:
        # Nothing is sent that a stranger may not see, and the certificate is for another name.
        async with httpx.AsyncClient(
            timeout=_ANSWER_SECONDS,
            verify=False,  # noqa: S501
            trust_env=False,
        ) as http:
            answer = await http.get(f"{url}/health/live", headers=headers)
            return answer.status_code == 200 and answer.json() == {"status": "live"}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False


def _reached_at(host: str) -> str:
    """Return where something that listens on all addresses can be asked."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound
    return f"[{host}]" if ":" in host else host


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _remedy(error: OSError, key: str) -> str:
    host = key.replace("port", "host")
    if error.errno == errno.EACCES:
        return f"Choose a {key} from 1024 on, or give the process CAP_NET_BIND_SERVICE."
    return f"Name an address of this machine in {host}, or 0.0.0.0 for all."
