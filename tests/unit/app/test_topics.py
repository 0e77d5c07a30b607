"""Topic patterns match as RabbitMQ's do."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from tidegate.app.topics import TopicPattern


@pytest.mark.parametrize(
    ("pattern", "taken", "not_taken"),
    [
        (
            "order.paid",
            ["order.paid"],
            ["order", "order.paid.now", "Order.paid", "order.paid.", ""],
        ),
        ("order.*", ["order.paid", "order."], ["order", "order.paid.now", "orders.paid", ""]),
        ("*", ["order", '{"cmd":"x"}'], ["", "order.paid"]),
        ("#", ["", "order", "order.paid", '{"cmd":"a.b"}', "."], []),
        ("order.#", ["order", "order.paid", "order.paid.now"], ["orders", "", "x.order"]),
        ("#.paid", ["paid", "order.paid", "a.b.paid"], ["paid.order", "unpaid"]),
        ("*.#", ["order", "order.paid"], [""]),
        ("#.#", ["", "a", "a.b"], []),
        ("a.#.*.z", ["a.b.z", "a.b.c.z"], ["a.z", "a.b.c"]),
        ("a*.b#", ["a*.b#"], ["ab.b", "a.b"]),  # wildcards only as whole words
    ],
)
def test_topic(pattern: str, taken: list[str], not_taken: list[str]) -> None:
    topic = TopicPattern(pattern)
    assert [key for key in taken if not topic.matches(key)] == []
    assert [key for key in not_taken if topic.matches(key)] == []


def test_an_object_pattern_is_one_pattern_however_it_is_written() -> None:
    for topic in (
        TopicPattern({"b": {"y": 1, "x": "*"}, "a": 2}),
        TopicPattern('{"a": 2, "b": {"x":"*","y":1}}'),
    ):
        assert topic.matches('{"a":2,"b":{"x":"*","y":1}}')
        assert not topic.matches('{"a":2,"b":{"x":"any","y":1}}')
        assert not topic.matches('{"a":2}')


def test_an_empty_pattern() -> None:
    with pytest.raises(ValueError, match="'#'"):
        TopicPattern("")


def test_many_hashes_do_not_take_long() -> None:
    assert not TopicPattern(".".join(["#", "a"] * 20)).matches(".".join(["a"] * 500 + ["b"]))


def naively(wanted: list[str], words: list[str]) -> bool:
    if not wanted:
        return not words
    if wanted[0] == "#":
        return any(naively(wanted[1:], words[taken:]) for taken in range(len(words) + 1))
    return bool(words) and wanted[0] in ("*", words[0]) and naively(wanted[1:], words[1:])


@given(
    wanted=st.lists(st.sampled_from(["a", "b", "*", "#", ""]), min_size=1, max_size=6),
    words=st.lists(st.sampled_from(["a", "b", ""]), max_size=6),
)
def test_matching_agrees_with_a_naive_reading(wanted: list[str], words: list[str]) -> None:
    pattern, key = ".".join(wanted), ".".join(words)
    if pattern:
        assert TopicPattern(pattern).matches(key) == naively(wanted, key.split(".") if key else [])
