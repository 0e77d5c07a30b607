"""Clients that an ASGI server brings, with the application mounted in another or on its own."""

from tidegate.transports.asgi.entrance import ASGIEntrance

__all__ = ["ASGIEntrance"]
