"""The OpenAPI 3.1 document of the private port."""

from __future__ import annotations

from typing import Any

__all__ = ["openapi_document"]

_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["tenant", "namespace", "event"],
    "additionalProperties": False,
    "properties": {
        "tenant": {"type": "string", "minLength": 1, "maxLength": 256},
        "namespace": {"type": "string", "examples": ["/notifications"]},
        "event": {"type": "string", "minLength": 1, "examples": ["notification.created"]},
        "data": {"description": "The payload; it reaches the browser byte for byte."},
        "user": {"type": ["string", "null"], "description": "Only this user of the tenant."},
        "room": {"type": ["string", "null"], "description": "Only this room of the tenant."},
        "id": {
            "type": ["string", "null"],
            "description": "Message id; the same id twice within the window is delivered once.",
        },
    },
}

_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "field": {"type": "string", "examples": ["$[1].tenant"]},
            },
        }
    },
}

_TENANT = {"name": "tenant", "in": "path", "required": True, "schema": {"type": "string"}}


def openapi_document() -> dict[str, Any]:
    """Return the document as plain values."""
    from tidegate import __version__

    return {
        "openapi": "3.1.0",
        "info": {"title": "Tidegate private API", "version": __version__},
        "security": [{"key": []}],
        "paths": {
            "/v1/events": {"post": _publish()},
            "/v1/tenants": {"get": _read("List the tenants connected to this node")},
            "/v1/tenants/{tenant}": {
                "parameters": [_TENANT],
                "get": _read("List the sockets of a tenant on this node"),
            },
            "/v1/tenants/{tenant}/events": {
                "parameters": [_TENANT],
                "get": _read("Stream a tenant's events, a JSON object a line"),
            },
            "/v1/tenants/{tenant}/disconnect": {
                "parameters": [_TENANT],
                "post": _admin("Disconnect a tenant's sockets, or one user's", ["user"]),
            },
            "/v1/tenants/{tenant}/revoke": {
                "parameters": [_TENANT],
                "post": _admin(
                    "Refuse tokens of a tenant, of a user, or one token, and disconnect their "
                    "sockets",
                    ["user", "token_id"],
                ),
            },
            "/health/live": {"get": _open("Whether the process answers", ["200"])},
            "/health/ready": {"get": _open("Whether new clients should come", ["200", "503"])},
            "/metrics": {"get": _read("Metrics in the Prometheus text format")},
        },
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Event": _EVENT, "Error": _ERROR},
        },
    }


def _publish() -> dict[str, Any]:
    event = {"$ref": "#/components/schemas/Event"}
    batch = {"type": "array", "items": event, "maxItems": 1000}
    offsets = {
        "type": "object",
        "required": ["offsets"],
        "properties": {"offsets": {"type": "array", "items": {"type": "string"}}},
    }
    return {
        "operationId": "publish",
        "summary": "Publish one event or a list, all or nothing",
        "requestBody": _json({"oneOf": [event, batch]}) | {"required": True},
        "responses": {
            "202": {"description": "In the log, in this order"} | _json(offsets),
            **_problems("401", "413", "422", "503"),
        },
    }


def _admin(summary: str, fields: list[str]) -> dict[str, Any]:
    properties = {field: {"type": ["string", "null"]} for field in fields}
    body = {"type": "object", "additionalProperties": False, "properties": properties}
    return {
        "operationId": summary.split()[0].lower(),
        "summary": summary,
        "requestBody": _json(body),
        "responses": {"202": {"description": "Under way on every node"}, **_problems("401", "422")},
    }


def _read(summary: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "responses": {"200": {"description": summary}, **_problems("401")},
    }


def _open(summary: str, statuses: list[str]) -> dict[str, Any]:
    responses = {status: {"description": summary} for status in statuses}
    return {"summary": summary, "security": [], "responses": responses}


def _problems(*statuses: str) -> dict[str, Any]:
    error = _json({"$ref": "#/components/schemas/Error"})
    return {status: {"description": "Refused; nothing was done"} | error for status in statuses}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}
