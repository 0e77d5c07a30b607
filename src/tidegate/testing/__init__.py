"""Testing a gateway without network, port, broker or secret; see ``docs/topics/testing.md``."""

from tidegate.testing.client import ReceivedEvent, TestClient
from tidegate.testing.errors import ConnectError
from tidegate.testing.gateway import TestGateway
from tidegate.testing.services import Forwarded

__all__ = ["ConnectError", "Forwarded", "ReceivedEvent", "TestClient", "TestGateway"]
