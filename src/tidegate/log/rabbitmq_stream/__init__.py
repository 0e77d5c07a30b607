"""The event log on RabbitMQ Streams: replicated, replayable, followed by any number of nodes."""

from tidegate.log.rabbitmq_stream.address import StreamAddress
from tidegate.log.rabbitmq_stream.log import CLOSE_SECONDS, RabbitMQStreamLog
from tidegate.log.rabbitmq_stream.streams import Retention

__all__ = ["CLOSE_SECONDS", "RabbitMQStreamLog", "Retention", "StreamAddress"]
