"""``tidegate publish`` and ``tidegate tail``: through a running gateway's private port."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tidegate.cli.loading import load
from tidegate.errors import ConfigError, SourceError

__all__ = ["publish_event", "tail_events"]


def publish_event(
    config: Path | None, api_url: str | None, request: dict[str, Any], data: str
) -> str:
    """Publish, and return the offset.

    Raises:
        ConfigError: The payload is no JSON.
        SourceError: The gateway can't be reached, or refused.
    """
    try:
        request["data"] = json.loads(data)
    except ValueError as error:
        remedy = 'Quote it for the shell: \'{"id": "1"}\'.'
        raise ConfigError(
            "data", f"is not JSON: {error}", remedy=remedy, source="command"
        ) from None
    url, headers = _endpoint(config, api_url)
    try:
        response = httpx.post(f"{url}/v1/events", json=request, headers=headers, timeout=30)
    except httpx.HTTPError as error:
        raise _unreachable(url, error) from error
    if response.status_code != 202:
        raise SourceError(_refusal(response))
    return str(response.json()["offsets"][0])


def tail_events(
    config: Path | None, api_url: str | None, tenant: str, namespace: str | None
) -> Iterator[str]:
    """Yield a tenant's events, a JSON object each.

    Raises:
        SourceError: The gateway can't be reached, or refused.
    """
    url, headers = _endpoint(config, api_url)
    path = f"{url}/v1/tenants/{quote(tenant, safe='')}/events"
    query = {"namespace": namespace} if namespace else {}
    timeout = httpx.Timeout(10, read=60)
    try:
        with httpx.stream("GET", path, params=query, headers=headers, timeout=timeout) as response:
            if response.status_code != 200:
                response.read()
                raise SourceError(_refusal(response))
            yield from filter(None, response.iter_lines())
    except KeyboardInterrupt:
        return
    except httpx.HTTPError as error:
        raise _unreachable(url, error) from error


def _endpoint(config: Path | None, api_url: str | None) -> tuple[str, dict[str, str]]:
    api = load(config).settings.api
    url = (api_url or f"http://{api.host}:{api.port}").rstrip("/")
    key = None if api.key is None else api.key.get_secret_value()
    return url, {} if key is None else {"Authorization": f"Bearer {key}"}


def _refusal(response: httpx.Response) -> str:
    try:
        error = response.json()["error"]
        field = f" (at {error['field']})" if "field" in error else ""
        return f"the gateway refused: {error['message']}{field}"
    except (ValueError, KeyError, TypeError):
        return f"the gateway answered {response.status_code}"


def _unreachable(url: str, error: Exception) -> SourceError:
    return SourceError(
        f"no gateway answers at {url} ({error or type(error).__name__}); is `tidegate serve` "
        "running with api.key set, and is --api-url right?"
    )
