"""Tidegate: a multi-tenant realtime gateway for the official Socket.IO client."""

from tidegate.app.client import Client
from tidegate.app.config import load_settings
from tidegate.app.gateway import Gateway
from tidegate.app.message import Audience, Message
from tidegate.app.namespace import Namespace
from tidegate.app.settings import Settings
from tidegate.app.targets import Room, Tenant, User
from tidegate.auth.authenticator import Authenticator, Handshake
from tidegate.auth.identity import Identity
from tidegate.errors import (
    AuthError,
    ConfigError,
    MessageRejected,
    PayloadError,
    Refused,
    TidegateError,
)
from tidegate.events import Event
from tidegate.ids import TenantId, UserId

__all__ = [
    "Audience",
    "AuthError",
    "Authenticator",
    "Client",
    "ConfigError",
    "Event",
    "Gateway",
    "Handshake",
    "Identity",
    "Message",
    "MessageRejected",
    "Namespace",
    "PayloadError",
    "Refused",
    "Room",
    "Settings",
    "Tenant",
    "TenantId",
    "TidegateError",
    "User",
    "UserId",
    "load_settings",
]

__version__ = "0.1.0"
