"""The contract as AsyncAPI 3.0: a channel for each namespace, and the broker behind the gateway.

The document speaks for the gateway: it *sends* server events and *receives* client events, whose
acks are replies. AsyncAPI has no binding for Socket.IO; what is particular to it is in
``x-socketio`` of servers, channels and messages:

- server: protocol versions, transports, where the token goes, what a refusal holds;
- channel: the namespace and the forms of its rooms;
- message: the event's name, or whose ack it is, and the number of arguments. A message with
  another number than one has their list as its payload.

Source: AsyncAPI 3.0.0; Socket.IO protocol v5.
"""

from __future__ import annotations

import json

from tidegate.contract.asyncapi_amqp import BrokerSide
from tidegate.contract.asyncapi_namespace import NamespaceSide
from tidegate.contract.asyncapi_parts import Document, Keys, draft_7, point
from tidegate.contract.model import Contract

__all__ = ["write_asyncapi"]


def write_asyncapi(contract: Contract, *, command: str) -> str:
    """Return the document as JSON text that ends with a line end.

    Args:
        contract: What is told.
        command: How to make the document again; it goes into the header.
    """
    keys = Keys()
    broker = BrokerSide(contract, keys)
    sides = [NamespaceSide(space, keys) for space in contract.namespaces]
    channels: Document = {side.key: side.channel() for side in sides}
    operations: Document = {}
    for side in sides:
        operations |= side.operations()
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": contract.title,
            "version": "1.0.0",
            "description": "What travels between the gateway, its clients and the services.",
        },
        "x-generated": {
            "by": "Tidegate",
            "note": "Generated; do not edit.",
            "regenerate": command,
        },
        "defaultContentType": "application/json",
        "servers": {"gateway": _gateway(contract)} | broker.servers(),
        "channels": channels | broker.channels(),
        "operations": operations | broker.operations(),
        "components": {
            "schemas": {name: draft_7(schema) for name, schema in contract.types.items()},
            "securitySchemes": {"token": _TOKEN} | broker.security_schemes(),
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _gateway(contract: Contract) -> Document:
    return {
        "host": "{host}",
        "pathname": contract.path,
        "protocol": "wss",
        "description": "The gateway, for socket.io-client 4 and compatible clients.",
        "variables": {
            "host": {"default": "localhost:8000", "description": "Host, and port if not 443."}
        },
        "security": [point("components", "securitySchemes", "token")],
        "x-socketio": {
            "protocol": 5,
            "engineIO": 4,
            "transports": ["websocket"],
            "connectionStateRecovery": True,
            "auth": {"token": "JWT, in the payload of the CONNECT packet"},
            "connectError": {"data": draft_7({"$ref": "#/$defs/TidegateConnectRefusal"})},
        },
    }


_TOKEN: Document = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": (
        "A JWT in the payload of the CONNECT packet of each namespace, as `{ token }`: the "
        "client's `auth` option. Tenant and user are taken from it. It is not taken from the URL."
    ),
    "x-socketio": {"in": "CONNECT", "name": "token"},
}
