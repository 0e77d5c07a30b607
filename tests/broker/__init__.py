"""A private RabbitMQ for tests and benchmarks."""

from tests.broker.private import PrivateBroker, free_port

__all__ = ["PrivateBroker", "free_port"]
