"""Paths into a message: where a rule finds tenant, user, room, payload and message id.

Rules of this module:

- ``headers.``, ``properties.`` and ``attributes.`` name those parts of the message; ``data.`` is
  the payload, and so is a path with no such beginning.
- What is missing and what is ``null`` is the same: nothing. Anything else that is no name (text of
  1 to 256 characters, or a whole number, which becomes text) is refused, also where the path ends
  with ``?``: a rule must not widen its audience because a publisher sent nonsense.
- The payload is decoded at most once, and only the top-level fields that a rule needs, as raw
  slices (0.2 us for 170 bytes, where the whole takes 0.4 us); deeper levels are sliced one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from tidegate.errors import MessageRejected, RejectionReason
from tidegate.sources.message import IncomingMessage

__all__ = [
    "DEFAULT_TENANT",
    "DEFAULT_USER",
    "MessageParts",
    "Path",
    "PayloadFields",
    "parse_path",
]

Root = Literal["data", "headers", "properties", "attributes"]

MAX_NAME_LENGTH = 256

_PATH = re.compile(r"[^.\s?\"\\\x00-\x1f]+(\.[^.\s?\"\\\x00-\x1f]+)*\??")
_INTEGER = re.compile(rb"-?[0-9]+")
_ROOTS: tuple[Root, ...] = ("data", "headers", "properties", "attributes")
_decode_text = msgspec.json.Decoder(str).decode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode


class Path(msgspec.Struct, frozen=True):
    """A parsed path; ``str()`` names it in messages, such as ``data.owner.id``."""

    root: Root
    names: tuple[str, ...]
    is_optional: bool = False

    def __str__(self) -> str:
        return f"{self.root}.{'.'.join(self.names)}"


def parse_path(text: str) -> Path:
    """Return a path, such as ``data.owner.id``, ``tenantId`` or ``headers.x-user?``.

    Raises:
        ValueError: It has empty names, spaces, quotes, or a ``?`` that is not at its end.
    """
    if not _PATH.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a path, such as tenantId, data.owner.id or headers.user?"
        )
    names = tuple(text.removesuffix("?").split("."))
    is_optional = text.endswith("?")
    for root in _ROOTS:
        if names[0] == root and len(names) > 1:
            return Path(root, names[1:], is_optional)
    return Path("data", names, is_optional)


class PayloadFields:
    """Slices the top-level fields that a rule's paths need out of payloads.

    Args:
        paths: All paths of the rule; those outside the payload are skipped.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        names = sorted({path.names[0] for path in paths if path.root == "data"})
        self._places = {name: f"field_{index}" for index, name in enumerate(names)}
        struct = msgspec.defstruct(
            "Fields",
            [(place, Raw | UnsetType, UNSET) for place in self._places.values()],
            rename={place: name for name, place in self._places.items()},
            gc=False,
        )
        self._decode = msgspec.json.Decoder(struct).decode

    def read(self, data: bytes) -> Any:
        """Return the fields of a payload; None if it is no object."""
        try:
            return self._decode(data)
        except msgspec.ValidationError:
            return None

    def slice(self, fields: Any, name: str) -> Raw | None:
        """Return one of the fields that ``read`` returned, as JSON."""
        raw: Raw | UnsetType = getattr(fields, self._places[name], UNSET)
        return None if raw is UNSET else raw


class MessageParts:
    """One message, as the paths of one rule see it."""

    __slots__ = ("_fields", "_is_read", "_reader", "message")

    def __init__(self, message: IncomingMessage, reader: PayloadFields) -> None:
        self.message = message
        self._reader = reader
        self._fields: Any = None
        self._is_read = False

    def name(self, paths: Sequence[Path], reason: RejectionReason, what: str) -> str | None:
        """Return the tenant, user, room or id at the first path where there is something.

        Args:
            paths: Where to look, in this order.
            reason: Why the message is rejected if it is not there, or is no name.
            what: What is looked for, for the message of the error.

        Returns:
            The name; None if it is at none of the paths, and the last of them ends with ``?``.

        Raises:
            MessageRejected: There is something else than a name, or nothing where it is needed.
        """
        for path in paths:
            value = self.find(path)
            if value is not None:
                try:
                    return _as_name(value)
                except ValueError as error:
                    raise MessageRejected(reason, f"The {what} {error}", str(path)) from None
        if paths[-1].is_optional:
            return None
        places = " or ".join(map(str, paths))
        raise MessageRejected(reason, f"The {what} is missing; looked in {places}", str(paths[-1]))

    def find(self, path: Path) -> Any:
        """Return what is at a path: a slice of JSON for the payload, else a Python value.

        None stands for nothing, and for ``null``.
        """
        if path.root == "data":
            return self._slice(path.names)
        if path.root == "attributes":
            return _dig(self.message.attributes, path.names)
        content = self.message.content
        return _dig(content.headers if path.root == "headers" else content.properties, path.names)

    def _slice(self, names: tuple[str, ...]) -> Raw | None:
        if not self._is_read:
            self._fields = self._reader.read(self.message.data)
            self._is_read = True
        raw = self._reader.slice(self._fields, names[0])
        for name in names[1:]:
            if raw is None:
                return None
            try:
                raw = _decode_object(raw).get(name)
            except msgspec.ValidationError:
                return None  # no object
        return None if raw is None or bytes(raw) == b"null" else raw


def _dig(table: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """Return a header or attribute; its name may have dots, or name a table and an entry of it."""
    value = table.get(names[0] if len(names) == 1 else ".".join(names))
    if value is not None or len(names) == 1:
        return value
    inner = table.get(names[0])
    return _dig(inner, names[1:]) if isinstance(inner, Mapping) else None


def _as_name(value: Any) -> str:
    """Return a tenant, user, room or id as text.

    Raises:
        ValueError: It is none; the text says why, without the value.
    """
    if type(value) is Raw:
        value = _text_of(bytes(value))
    elif type(value) is int:
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("is neither text nor a whole number")  # noqa: TRY004  # a value from outside
    if not 0 < len(value) <= MAX_NAME_LENGTH:
        raise ValueError(f"has not 1 to {MAX_NAME_LENGTH} characters")
    return value


def _text_of(raw: bytes) -> str | None:
    if raw[:1] == b'"':
        return _decode_text(raw)
    # Digits stay as they came: no number is too large, and none changes its form.
    return raw.decode() if _INTEGER.fullmatch(raw) else None


DEFAULT_TENANT = (
    Path("headers", ("tenantId",)),
    Path("attributes", ("tenantid",)),
    Path("data", ("tenantId",)),
)
"""Where the tenant is unless a rule says it; CloudEvents allow no capitals in attributes."""

DEFAULT_USER = (
    Path("headers", ("userId",)),
    Path("attributes", ("userid",)),
    Path("data", ("userId",), is_optional=True),
)
"""Where the user may be unless a rule says it."""
