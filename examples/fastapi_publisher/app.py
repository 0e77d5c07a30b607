"""A service that publishes events to RabbitMQ; it knows nothing of sockets.

    POST /notifications   Authorization: Bearer <key>
    {"message": "Order 7 is paid", "type": "info", "userId": "42"}

The message goes to the topic exchange ``events`` with the routing key ``notification.created``. The
body is what the browser gets; whom it is for is in the headers ``tenantId`` and ``userId``.

Environment: ``RABBITMQ_URL``; ``TENANT_KEYS``, a JSON object from API key to tenant.
"""

from __future__ import annotations

import json
import os
import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

import aio_pika
from aio_pika.abc import AbstractExchange, HeadersType
from aio_pika.exceptions import AMQPError, DeliveryError
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

EXCHANGE = "events"
PUBLISH_SECONDS = 5.0


class NewNotification(BaseModel):
    """What a caller asks for; without a user it goes to the whole tenant."""

    message: str = Field(min_length=1, max_length=1_000)
    type: Literal["info", "warning", "error"] = "info"
    user_id: str | None = Field(default=None, alias="userId", min_length=1, max_length=256)


class Notification(BaseModel):
    """What the browser gets."""

    id: str
    message: str
    type: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep one connection, which comes back by itself, and one channel with confirms."""
    connection = await aio_pika.connect_robust(os.environ["RABBITMQ_URL"])
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        app.state.events = await channel.declare_exchange(
            EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True
        )
        yield


app = FastAPI(title="Notifications", lifespan=lifespan)


def current_tenant(
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
) -> str:
    """Return the tenant whose key the caller has: never take it from the request's body."""
    tenants: dict[str, str] = json.loads(os.environ["TENANT_KEYS"])
    for key, tenant in tenants.items():
        if secrets.compare_digest(key.encode(), credentials.credentials.encode()):
            return tenant
    raise HTTPException(401, "unknown key")


@app.post("/notifications", status_code=202)
async def create(
    new: NewNotification,
    request: Request,
    tenant: Annotated[str, Depends(current_tenant)],
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Notification:
    """Publish a notification; 202 says that the broker has it on disk.

    A caller that got no answer calls again with the same ``Idempotency-Key``: the browser sees the
    notification once.
    """
    id_ = idempotency_key or str(uuid.uuid4())
    notification = Notification(id=id_, message=new.message, type=new.type)
    await publish(
        request.app.state.events,
        "notification.created",
        notification,
        message_id=id_,
        tenant=tenant,
        user=new.user_id,
    )
    return notification


@app.get("/health")
async def health(request: Request) -> dict[str, bool]:
    """Say whether the broker is connected."""
    channel = request.app.state.events.channel
    if channel.is_closed or not channel.is_initialized:
        raise HTTPException(503, "the broker is not connected")
    return {"ok": True}


async def publish(
    exchange: AbstractExchange,
    routing_key: str,
    payload: BaseModel,
    *,
    message_id: str,
    tenant: str,
    user: str | None,
) -> None:
    """Publish an event; returns when the broker has confirmed it.

    Raises:
        HTTPException: 503: the broker is away, or nobody has bound a queue for this event yet.
    """
    addressing: HeadersType = {"tenantId": tenant}
    if user is not None:
        addressing["userId"] = user
    message = aio_pika.Message(
        payload.model_dump_json().encode(),
        headers=addressing,
        message_id=message_id,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
    try:
        await exchange.publish(message, routing_key, mandatory=True, timeout=PUBLISH_SECONDS)
    except (AMQPError, DeliveryError, ConnectionError, TimeoutError) as error:
        raise HTTPException(503, "the event could not be published; try again") from error
