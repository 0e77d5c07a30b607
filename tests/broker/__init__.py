"""A private RabbitMQ for tests and benchmarks, and lines to it that can be cut."""

from tests.broker.private import PrivateBroker, free_port
from tests.broker.proxy import Proxy

__all__ = ["PrivateBroker", "Proxy", "free_port"]
