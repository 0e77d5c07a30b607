"""RabbitMQ by AMQP 0-9-1: a connection that comes back, queues, dead letters."""

from tidegate.sources.rabbitmq.channel import AMQPChannel, AMQPChannelClosed
from tidegate.sources.rabbitmq.config import ExchangeConfig, QueueConfig
from tidegate.sources.rabbitmq.connection import AMQPConnection
from tidegate.sources.rabbitmq.consumer import QueueSource
from tidegate.sources.rabbitmq.pipeline import QueueStats
from tidegate.sources.rabbitmq.publisher import ConfirmedPublisher

__all__ = [
    "AMQPChannel",
    "AMQPChannelClosed",
    "AMQPConnection",
    "ConfirmedPublisher",
    "ExchangeConfig",
    "QueueConfig",
    "QueueSource",
    "QueueStats",
]
