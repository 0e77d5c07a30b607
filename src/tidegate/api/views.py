"""What a node tells of itself on its private port: readiness, metrics, who is connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tidegate.app.metrics import render_metrics
from tidegate.errors import LogError
from tidegate.sources.request import check_name

if TYPE_CHECKING:
    from tidegate.app.gateway import Gateway

__all__ = ["METRICS_TYPE", "GatewayViews", "Views", "require_start", "tenant_in"]

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Views(Protocol):
    """What a node tells of itself."""

    async def ready(self, request: Request) -> Response:
        """Tell whether new clients should be sent here."""
        ...

    async def metrics(self, request: Request) -> Response:
        """Give the metrics to Prometheus."""
        ...

    async def tenants(self, request: Request) -> Response:
        """List the tenants that are connected."""
        ...

    async def tenant(self, request: Request) -> Response:
        """List the sockets of a tenant."""
        ...


class GatewayViews:
    """The views of one gateway, which may not have started yet."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def ready(self, request: Request) -> Response:
        """Tell whether new clients should be sent here."""
        checks = self._gateway.checks
        is_ready = all(checks.values())
        status = "ready" if is_ready else "not_ready"
        return JSONResponse({"status": status, "checks": checks}, 200 if is_ready else 503)

    async def metrics(self, request: Request) -> Response:
        """Give the metrics to Prometheus."""
        require_start(self._gateway)
        return Response(render_metrics(self._gateway), media_type=METRICS_TYPE)

    async def tenants(self, request: Request) -> Response:
        """List the tenants connected to this node, with their number of sockets."""
        require_start(self._gateway)
        counts = self._gateway.hub.tenants()
        return JSONResponse(
            {"tenants": [{"tenant": t, "sockets": n} for t, n in sorted(counts.items())]}
        )

    async def tenant(self, request: Request) -> Response:
        """List the sockets of a tenant on this node."""
        require_start(self._gateway)
        tenant = self._gateway.tenant(tenant_in(request)).tenant_id
        sockets = [
            {
                "sid": socket.sid,
                "user": socket.identity.user,
                "namespace": socket.namespace,
                "rooms": sorted(socket.rooms or ()),
                "live": socket.is_live,
                "expires_at": socket.identity.expires_at,
            }
            for socket in self._gateway.hub.sockets_of(tenant)
        ]
        return JSONResponse({"tenant": tenant, "sockets": sockets})


def require_start(gateway: Gateway) -> None:
    """Raise a LogError unless the gateway has started."""
    if not gateway.is_started:
        raise LogError("the gateway is starting, or waits for RabbitMQ")


def tenant_in(request: Request) -> str:
    """Return the tenant that the path names.

    Raises:
        PayloadError: It is too long to be one.
    """
    tenant: str = request.path_params["tenant"]
    check_name("tenant", tenant)
    return tenant
