"""Tidegate: a multi-tenant realtime gateway for the official Socket.IO client."""

from tidegate.app.client import Client
from tidegate.app.gateway import Gateway
from tidegate.app.message import Audience, Message
from tidegate.app.namespace import Namespace
from tidegate.app.settings import Settings
from tidegate.app.targets import Room, Tenant, User
from tidegate.auth.authenticator import Authenticator, Handshake
from tidegate.auth.identity import Identity
from tidegate.errors import AuthError, ConfigError, PayloadError, Refused, TidegateError
from tidegate.events import Event

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
    "Namespace",
    "PayloadError",
    "Refused",
    "Room",
    "Settings",
    "Tenant",
    "TidegateError",
    "User",
]

__version__ = "0.1.0"
