"""Signatures of events, as socket.io-client reads them from its generics."""

from __future__ import annotations

from tidegate.contract.builtin import REFUSAL_NAME
from tidegate.contract.model import Answer, Argument, ClientEvent, ServerEvent
from tidegate.contract.ts_names import parameter_name
from tidegate.contract.ts_types import MAX_LINE, type_of

__all__ = ["client_event", "server_event"]


def server_event(event: ServerEvent) -> str:
    """Return the listener's type."""
    return f"(payload: {type_of(event.payload, indent='  ')}) => void"


def client_event(event: ClientEvent, *, room_name: str) -> str:
    """Return the type of ``emit``'s arguments after the event's name.

    An ack with a declared value is required, for ``emitWithAck`` can't read an optional one and
    a refusal should not pass unseen. Where none is declared the ack may be left out.

    Args:
        event: The event.
        room_name: The type of rooms, for the gateway's own events about them.
    """
    arguments = [_argument(argument, event.name, room_name) for argument in event.arguments]
    ack, mark = _ack(event.answer), "" if event.answer.kind == "values" else "?"
    required = sum(argument.is_required for argument in event.arguments)
    if required == len(arguments):
        return _signature([*arguments, f"ack{mark}: {ack}"], 2 + len(event.name))
    # TypeScript has no optional parameter before a required one; a union of lists says the same.
    lists = [
        f"[{', '.join([*arguments[:count], f'ack{mark}: {ack}'])}]"
        for count in range(required, len(arguments) + 1)
    ]
    return "(\n    ...args:\n" + "".join(f"      | {text}\n" for text in lists) + "  ) => void"


def _signature(parameters: list[str], used: int) -> str:
    line = f"({', '.join(parameters)}) => void"
    if used + len(line) + 4 <= MAX_LINE:
        return line
    return "(\n" + "".join(f"    {parameter},\n" for parameter in parameters) + "  ) => void"


def _argument(argument: Argument, event_name: str, room_name: str) -> str:
    if event_name in ("tidegate.join", "tidegate.leave"):
        return f"{argument.name}: {{ room: {room_name} }}"
    return f"{parameter_name(argument.name)}: {type_of(argument.schema, indent='    ')}"


def _ack(answer: Answer) -> str:
    if answer.kind == "unknown":
        return "(answer: unknown) => void"
    if answer.kind == "nothing":
        return f"(refusal?: {REFUSAL_NAME}) => void"
    values = [type_of(value, indent="    ") for value in answer.values]
    if len(values) == 1:
        mark = "?" if answer.is_optional else ""
        return f"(answer{mark}: {values[0]} | {REFUSAL_NAME}) => void"
    return f"(...answer: [{', '.join(values)}] | [refusal: {REFUSAL_NAME}]) => void"
