"""What this process has of the machine: files that may be open at once, and a fast event loop."""

from __future__ import annotations

import importlib
import resource
from collections.abc import AsyncIterator

from tidegate.app.settings import LimitSettings
from tidegate.doctor.finding import Finding, failed, ok, warning

__all__ = ["check_event_loop", "check_open_files"]

_OWN_FILES = 100
"""What a gateway has open beside its clients: ports, broker, modules."""


async def check_open_files(limits: LimitSettings) -> AsyncIterator[Finding]:
    """Yield whether one process may have as many clients as one tenant may have."""
    check = "open files"
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = limits.tenant_connections + limits.unauthenticated + _OWN_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        most = "any number" if soft == resource.RLIM_INFINITY else f"{soft:,}"
        yield ok(check, f"{most} at once in each process")
        return
    most = "no limit" if hard == resource.RLIM_INFINITY else f"{hard:,}"
    yield warning(
        check,
        f"{soft:,} at once, so about {max(0, soft - _OWN_FILES):,} clients in each process; "
        f"limits.tenant_connections permits one tenant {limits.tenant_connections:,}",
        f"Raise it to {needed:,} or more with `ulimit -n` (up to {most}), LimitNOFILE= of systemd, "
        "or --ulimit nofile= of Docker; or lower the limit.",
    )


async def check_event_loop() -> AsyncIterator[Finding]:
    """Yield whether ``serve`` has the event loop that it runs on."""
    check = "event loop"
    try:
        version = importlib.import_module("uvloop").__version__
    except ImportError as error:
        remedy = "Install uvloop in the version that Tidegate asks for."
        yield failed(check, f"uvloop can't be imported: {error}", remedy)
    else:
        yield ok(check, f"uvloop {version}; `tidegate serve` runs on it")
