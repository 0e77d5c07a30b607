from __future__ import annotations

from tidegate.sources.rabbitmq import QueueConfig


def test_a_queue_has_its_dead_letters_and_one_active_consumer() -> None:
    queue = QueueConfig("orders")
    assert queue.dead_letters == "orders.dead-letters"
    assert queue.all_arguments == {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "tidegate.dead-letters",
        "x-dead-letter-routing-key": "orders.dead-letters",
        "x-single-active-consumer": True,
    }


def test_configured_arguments_come_over_ours() -> None:
    queue = QueueConfig(
        "orders",
        type="classic",
        single_active_consumer=False,
        dead_letter_queue="bad",
        arguments={"x-max-priority": 3, "x-dead-letter-exchange": "theirs"},
    )
    assert queue.dead_letters == "bad"
    assert queue.all_arguments == {
        "x-queue-type": "classic",
        "x-dead-letter-exchange": "theirs",
        "x-dead-letter-routing-key": "bad",
        "x-max-priority": 3,
    }
