"""Run a private RabbitMQ in the foreground: ``python -m tests.broker``."""

from __future__ import annotations

import signal

from tests.broker import PrivateBroker


def main() -> None:
    with PrivateBroker() as broker:
        print(f"TIDEGATE_RABBITMQ__URL={broker.url}", flush=True)
        print(f"TIDEGATE_RABBITMQ__STREAM_URL={broker.stream_url}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()
