"""From a message to log entries: the first rule that takes its pattern decides."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache

import msgspec

from tidegate.app.asking import ConsumeRunner
from tidegate.app.consume import tenant_paths
from tidegate.app.namespace import Namespace
from tidegate.app.paths import DEFAULT_TENANT, DEFAULT_USER, Path, parse_path
from tidegate.app.publisher import Publisher
from tidegate.app.rules import BindingRule, Entries, EntryMaker
from tidegate.app.settings_tables import BindingSettings
from tidegate.app.topics import TopicPattern
from tidegate.errors import ConfigError, MessageRejected, PayloadError, RejectionReason
from tidegate.sources.message import IncomingMessage
from tidegate.sources.request import PublishRequest, to_entry

__all__ = ["Router"]

CACHED_PATTERNS = 4_096

Rule = Callable[[IncomingMessage], Entries | Awaitable[Entries]]

_REASONS: dict[str, RejectionReason] = {
    "tenant": "tenant_missing",
    "user": "audience_missing",
    "room": "audience_missing",
    "namespace": "unknown_pattern",
    "event": "unknown_pattern",
    "data": "payload_invalid",
}


class Router:
    """Turns messages into log entries.

    A message in the ``tidegate`` envelope says all itself. For others the first ``consume`` rule
    that takes the pattern decides, in order of declaration; else the first binding. Without any
    rule, and with one namespace, everything goes there: the event is named as the pattern, for the
    message's user if it names one, else for its whole tenant.

    Args:
        namespaces: What is served, by name.
        bindings: The ``[[bindings]]`` of the settings.
        publisher: What the tenants that are handed to functions emit through.
        max_payload: Bytes that an event's payload may have.
        clock: Unix seconds.

    Raises:
        ConfigError: A binding can't be used, or names a namespace that is not served.
    """

    def __init__(
        self,
        namespaces: Mapping[str, Namespace],
        bindings: Sequence[BindingSettings],
        publisher: Publisher,
        *,
        max_payload: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._contracts = {name: namespace.events for name, namespace in namespaces.items()}
        self._max_payload = max_payload
        self._clock = clock
        makers = {
            name: EntryMaker(namespace, max_payload=max_payload, clock=clock)
            for name, namespace in namespaces.items()
        }
        self._rules: list[tuple[TopicPattern, Rule]] = [
            (rule.pattern, ConsumeRunner(rule, makers[name], publisher))
            for name, namespace in namespaces.items()
            for rule in namespace.consume_rules
        ]
        self._rules += [
            _binding_rule(number, binding, makers) for number, binding in enumerate(bindings, 1)
        ]
        if not self._rules and len(makers) == 1:
            (maker,) = makers.values()
            implicit = BindingRule(maker, tenant=DEFAULT_TENANT, user=DEFAULT_USER)
            self._rules.append((TopicPattern("#"), implicit))
        # A pattern is looked for once, also one that nothing takes; patterns are of bounded length.
        self._rule_for = lru_cache(maxsize=CACHED_PATTERNS)(self._find_rule)

    def route(self, message: IncomingMessage) -> Entries | Awaitable[Entries]:
        """Return the entries for a message, or what to await for them if a rule is async.

        No entry at all is an answer too: then the message is for nobody.

        Raises:
            MessageRejected: It can't become an event; awaiting may raise it as well.
        """
        try:
            if message.namespace is not None:
                return self._say_all(message, message.namespace)
            rule = self._rule_for(message.pattern)
            if rule is None:
                detail = f"No consume rule or binding takes the pattern {message.pattern[:200]!r}"
                raise MessageRejected("unknown_pattern", detail)
            return rule(message)
        except RecursionError:
            raise MessageRejected("malformed", "The JSON is nested too deeply") from None

    def _find_rule(self, pattern: str) -> Rule | None:
        return next((rule for topic, rule in self._rules if topic.matches(pattern)), None)

    def _say_all(self, message: IncomingMessage, namespace: str) -> Entries:
        if len(message.data) > self._max_payload:
            detail = f"The payload has {len(message.data)} bytes, over {self._max_payload}"
            raise MessageRejected("too_large", detail)
        request = PublishRequest(
            tenant=message.tenant or "",
            namespace=namespace,
            event=message.pattern,
            data=msgspec.Raw(message.data),
            user=message.user,
            room=message.room,
            id=message.message_id,
        )
        try:
            entry = to_entry(
                request,
                self._contracts,
                max_payload=self._max_payload,
                time=self._clock(),
                trace=message.trace,
            )
        except PayloadError as error:
            field = error.field[2:]
            name = field.partition(".")[0].partition("[")[0]
            raise MessageRejected(_REASONS.get(name, "malformed"), error.message, field) from None
        return (entry,)


def _binding_rule(
    number: int, binding: BindingSettings, makers: Mapping[str, EntryMaker]
) -> tuple[TopicPattern, Rule]:
    maker = makers.get(binding.namespace)
    if maker is None:
        served = ", ".join(sorted(makers)) or "none"
        problem = f"in table {number}, namespace is {binding.namespace!r}, which is not served"
        raise ConfigError("bindings", problem, remedy=f"Served are: {served}.")
    try:
        rule = BindingRule(
            maker,
            event=binding.event,
            tenant=tenant_paths(binding.tenant),
            user=_paths(binding.user),
            room=_paths(binding.room),
            payload=None if binding.payload is None else _payload_path(binding.payload),
            message_id=_paths(binding.message_id),
        )
        _check_audience(binding)
        return TopicPattern(binding.pattern), rule
    except ValueError as error:
        problem = f"in table {number}, {error}"
        remedy = "Correct the binding; docs/topics/rabbitmq.md tells how paths and patterns read."
        raise ConfigError("bindings", problem, remedy=remedy) from None


def _paths(text: str | None) -> tuple[Path, ...]:
    return () if text is None else (parse_path(text),)


def _payload_path(text: str) -> Path:
    path = parse_path(text)
    if path.root != "data":
        raise ValueError(f"payload is {text!r}, but only a part of the data can be the payload")
    return path


def _check_audience(binding: BindingSettings) -> None:
    """Refuse a binding that could never take a message.

    Raises:
        ValueError: It wants a user and a room in each.
    """
    if binding.user is None or binding.room is None:
        return
    if not binding.user.endswith("?") and not binding.room.endswith("?"):
        raise ValueError("user and room are both given; end one of them with '?'")
