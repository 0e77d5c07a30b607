"""Who is connected to this node, and what each of them gets of the log."""

from tidegate.hub.hub import Hub, HubStats
from tidegate.hub.socket import FrameWriter, Link, Socket

__all__ = ["FrameWriter", "Hub", "HubStats", "Link", "Socket"]
