"""What several workers tell as one node: whoever is asked asks them all, itself among them.

Each worker answers on a Unix socket as a gateway alone would on its private port, and this joins
the answers. A worker that does not answer in time is named, and its part is missing.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tidegate.api.views import METRICS_TYPE, tenant_in

__all__ = ["Siblings", "merge_metrics"]

ANSWER_SECONDS = 2.0


class _Answer(NamedTuple):
    status: int
    text: str


class Siblings:
    """The views of all workers together; see `Views`.

    Args:
        paths: Unix socket of each worker, by its number.
    """

    def __init__(self, paths: Mapping[int, str]) -> None:
        # Connections are not kept: a worker may be another process by the next question.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._clients = {
            number: httpx.AsyncClient(
                transport=httpx.AsyncHTTPTransport(uds=path, verify=False, limits=limits),
                base_url="http://worker",
                timeout=ANSWER_SECONDS,
            )
            for number, path in paths.items()
        }

    async def close(self) -> None:
        """Let go of the connections."""
        await asyncio.gather(*(client.aclose() for client in self._clients.values()))

    async def ready(self, request: Request) -> Response:
        """Tell whether all workers are ready, and name those that are not."""
        workers: dict[str, Any] = {}
        for number, answer in (await self._ask("/health/ready")).items():
            told = {"status": "no_answer"} if answer is None else json.loads(answer.text)
            workers[str(number)] = told
        unready = [int(number) for number, told in workers.items() if told["status"] != "ready"]
        status = "not_ready" if unready else "ready"
        body = {"status": status, "unready": unready, "workers": workers}
        return JSONResponse(body, 503 if unready else 200)

    async def metrics(self, request: Request) -> Response:
        """Give the metrics of all workers, each with its label."""
        answers = await self._ask("/metrics")
        texts = {number: _text_of(answer) for number, answer in answers.items()}
        return Response(merge_metrics(texts), media_type=METRICS_TYPE)

    async def tenants(self, request: Request) -> Response:
        """List the tenants connected to any worker, with their number of sockets."""
        answers, unanswered = await self._documents("/v1/tenants")
        counts: Counter[str] = Counter()
        for document in answers.values():
            counts.update({each["tenant"]: each["sockets"] for each in document["tenants"]})
        listed = [{"tenant": tenant, "sockets": n} for tenant, n in sorted(counts.items())]
        return JSONResponse({"tenants": listed, "unanswered": unanswered})

    async def tenant(self, request: Request) -> Response:
        """List the sockets of a tenant on all workers."""
        tenant = tenant_in(request)
        answers, unanswered = await self._documents(f"/v1/tenants/{quote(tenant, safe='')}")
        sockets = [
            each | {"worker": number}
            for number, document in answers.items()
            for each in document["sockets"]
        ]
        return JSONResponse({"tenant": tenant, "sockets": sockets, "unanswered": unanswered})

    async def _documents(self, path: str) -> tuple[dict[int, Any], list[int]]:
        """Return what the workers answered, and who did not."""
        texts = {number: _text_of(answer) for number, answer in (await self._ask(path)).items()}
        unanswered = [number for number, text in texts.items() if text is None]
        return {n: json.loads(text) for n, text in texts.items() if text is not None}, unanswered

    async def _ask(self, path: str) -> dict[int, _Answer | None]:
        answers = await asyncio.gather(*(_get(each, path) for each in self._clients.values()))
        return dict(zip(self._clients, answers, strict=True))


async def _get(client: httpx.AsyncClient, path: str) -> _Answer | None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):  # in all; httpx counts each read anew
            response = await client.get(path)
    except (httpx.HTTPError, TimeoutError):
        return None
    return _Answer(response.status_code, response.text)


def _text_of(answer: _Answer | None) -> str | None:
    return answer.text if answer is not None and answer.status == 200 else None


def merge_metrics(texts: Mapping[int, str | None]) -> bytes:
    """Return one text of the metrics of all workers, told apart by the label ``worker``.

    ``tidegate_worker_up`` tells whose are there; after a restart, counters begin at 0 as usual.

    Args:
        texts: Each worker's own in the text format, None if it did not answer.
    """
    families: dict[str, Metric] = {}
    up = GaugeMetricFamily("tidegate_worker_up", "Whether it answered.", labels=["worker"])
    for number, text in texts.items():
        up.add_metric([str(number)], int(text is not None))
        for family in text_string_to_metric_families(text or ""):
            merged = families.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            for sample in family.samples:
                labels = {"worker": str(number), **sample.labels}
                merged.samples.append(sample._replace(labels=labels))
    registry = CollectorRegistry()
    registry.register(_Given([up, *families.values()]))
    return generate_latest(registry)


class _Given(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families
