"""The gateway's own events, ``tidegate.*``, and its answers, as part of every contract."""

from __future__ import annotations

from typing import get_args

from tidegate.contract.model import (
    DEFINITIONS,
    Answer,
    Argument,
    ClientEvent,
    Room,
    Schema,
    ServerEvent,
)
from tidegate.errors import RefusalCode

__all__ = ["BUILTIN_TYPES", "REFUSAL_NAME", "builtin_client_events", "builtin_server_events"]

REFUSAL_NAME = "TidegateRefusal"
"""Name of what every refused call is answered with."""


def _object(description: str, required: dict[str, Schema], **optional: Schema) -> Schema:
    described = {"description": description} if description else {}
    return described | {
        "type": "object",
        "properties": required | optional,
        "required": list(required),
    }


def _number(description: str, *kinds: str) -> Schema:
    return {"type": ["number", *kinds] if kinds else "number", "description": description}


def _text(description: str) -> Schema:
    return {"type": "string", "description": description}


BUILTIN_TYPES: dict[str, Schema] = {
    "TidegateConnectRefusal": _object(
        "`data` of the `connect_error` of a client that is not let in.",
        {
            "code": {"enum": list(get_args(RefusalCode))},
            "retry": {"type": "boolean", "description": "Try again with the same token."},
        },
    ),
    REFUSAL_NAME: _object(
        "What the ack of a refused call holds.",
        {
            "error": _object(
                "",
                {"code": _text("Stable, to be acted on."), "message": _text("To be read.")},
                field=_text("Path of what does not fit, such as `$.id`."),
            )
        },
    ),
    "TidegateRoomAnswer": _object(
        "The ack of a client that joined or left a room.",
        {"ok": {"const": True}, "room": {"type": "string"}},
    ),
    "TidegateTokenExpiring": _object(
        "The token expires soon; `tidegate.refresh_token` takes a fresh one.",
        {
            "expires_at": _number("Seconds since 1970."),
            "expires_in": _number("Seconds from now."),
        },
    ),
    "TidegateTokenRefreshed": _object(
        "The ack of a client that presented a fresh token.",
        {"ok": {"const": True}, "expires_at": _number("Seconds since 1970.", "null")},
    ),
}
"""Named types of the gateway's own; a declared type can't have these names."""


def _refer(name: str) -> Schema:
    return {"$ref": f"{DEFINITIONS}{name}"}


def builtin_server_events() -> tuple[ServerEvent, ...]:
    """Return what the gateway itself tells clients, in each namespace."""
    return (
        ServerEvent(
            "tidegate.token_expiring",
            _refer("TidegateTokenExpiring"),
            "The token expires soon: present a fresh one with `tidegate.refresh_token`.",
        ),
    )


def builtin_client_events(rooms: tuple[Room, ...]) -> tuple[ClientEvent, ...]:
    """Return what clients ask the gateway itself; about rooms only where some can be joined."""
    token = _object("", {"token": {"type": "string"}})
    refresh = ClientEvent(
        "tidegate.refresh_token",
        (Argument("request", token),),
        Answer("values", (_refer("TidegateTokenRefreshed"),)),
        "Present a fresh token of the same tenant and user.",
    )
    if not rooms:
        return (refresh,)
    forms = ", ".join(f"`{room.pattern}`" for room in rooms)
    room = {"type": "string", "maxLength": 256, "description": f"Of a form: {forms}."}
    request = (Argument("request", _object("", {"room": room})),)
    answer = Answer("values", (_refer("TidegateRoomAnswer"),))
    return (
        ClientEvent("tidegate.join", request, answer, "Join a resource room."),
        ClientEvent("tidegate.leave", request, answer, "Leave a resource room."),
        refresh,
    )
