"""Payloads in and out: JSON bytes on the wire, typed values in Python.

Going out, structs, pydantic models, dataclasses and plain values become JSON bytes once; ``bytes``
inside them become binary attachments, as the Socket.IO protocol has it. Coming in, raw JSON is
decoded straight into the declared type, and a misfit names the field's path.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache, partial
from typing import Any, cast

import msgspec

from tidegate.errors import PayloadError
from tidegate.events.models import (
    Misfit,
    dump_model,
    is_model,
    nested_from_json,
    nested_from_values,
    validate,
)
from tidegate.protocol.binary import deconstruct, reconstruct

__all__ = ["EncodedPayload", "decode_argument", "encode_payload"]

_encode_json = msgspec.json.Encoder().encode

_Reader = Callable[[Any], Any]


class EncodedPayload(msgspec.Struct, frozen=True, gc=False):
    """A payload ready for the wire: JSON in UTF-8 and the attachments its placeholders name."""

    json: bytes
    attachments: tuple[bytes, ...] = ()


def encode_payload(value: Any) -> EncodedPayload:
    """Return ``value`` as JSON, its ``bytes`` taken out as attachments.

    A ``msgspec.Raw`` passes through untouched.

    Raises:
        PayloadError: The value has no JSON form.
    """
    if isinstance(value, msgspec.Raw):
        return EncodedPayload(bytes(value))
    try:
        if not _may_hold_bytes(cast("Hashable", type(value))):
            return EncodedPayload(_encode_json(value))
        plain = msgspec.to_builtins(
            dump_model(value), builtin_types=(bytes, bytearray), enc_hook=dump_model
        )
        json_ready, attachments = deconstruct(plain)
        return EncodedPayload(_encode_json(json_ready), tuple(attachments))
    except (TypeError, ValueError, NotImplementedError, RecursionError) as error:
        raise PayloadError(f"the payload has no JSON form: {error}") from error


def decode_argument(raw: bytes, attachments: Sequence[bytes], target: Any) -> Any:
    """Return one argument of a client event as ``target``.

    Args:
        raw: The argument's JSON.
        attachments: Binary attachments of the packet, in order; placeholders are replaced.
        target: A msgspec struct, dataclass, builtin or pydantic model type; ``Any`` for as-is.

    Raises:
        PayloadError: The argument does not fit; ``field`` is the path of what did not.
    """
    return _decoder(target)(raw, attachments)


@lru_cache(maxsize=1024)
def _decoder(target: Any) -> Callable[[bytes, Sequence[bytes]], Any]:
    from_json, from_values = _model_readers(target) if is_model(target) else _readers(target)

    def decode(raw: bytes, attachments: Sequence[bytes]) -> Any:
        try:
            if not attachments:
                return from_json(raw)
            return from_values(reconstruct(msgspec.json.decode(raw), attachments))
        except Misfit as misfit:
            raise PayloadError(misfit.message, f"${misfit.path}") from None
        except msgspec.ValidationError as error:
            raise _payload_error(error) from None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise PayloadError(f"not valid JSON: {error}") from None

    return decode


def _model_readers(model: Any) -> tuple[_Reader, _Reader]:
    return partial(validate, model.model_validate_json), partial(validate, model.model_validate)


def _readers(target: Any) -> tuple[_Reader, _Reader]:
    from_values = partial(
        msgspec.convert,
        type=target,
        builtin_types=(bytes, bytearray),
        dec_hook=nested_from_values,
    )
    return msgspec.json.Decoder(target, dec_hook=nested_from_json).decode, from_values


def _payload_error(error: msgspec.ValidationError) -> PayloadError:
    """Split msgspec's ``message - at `$.path` `` into its two halves."""
    message, separator, path = str(error).rpartition(" - at `")
    if not separator:
        message, path = str(error), "$"
    inside = error.__cause__.path if isinstance(error.__cause__, Misfit) else ""
    return PayloadError(message, path.rstrip("`") + inside)


@lru_cache(maxsize=1024)
def _may_hold_bytes(kind: type) -> bool:
    """Tell whether a value of this type can hold ``bytes``: then it takes the slower way.

    Structs are judged by their declared fields; containers and foreign types always may.
    """
    if kind in (str, int, float, bool, type(None)):
        return False
    if not issubclass(kind, msgspec.Struct):
        return True
    schema = msgspec.inspect.type_info(kind)
    return _schema_holds_bytes(schema, set())


def _schema_holds_bytes(schema: Any, seen: set[type]) -> bool:
    if isinstance(
        schema,
        msgspec.inspect.BytesType
        | msgspec.inspect.ByteArrayType
        | msgspec.inspect.AnyType
        | msgspec.inspect.CustomType,
    ):
        return True
    cls = getattr(schema, "cls", None)
    if isinstance(cls, type):
        if cls in seen:
            return False
        seen.add(cls)
    fields = [f.type for f in getattr(schema, "fields", ())]
    parts = [getattr(schema, part, None) for part in ("item_type", "key_type", "value_type")]
    inner = fields + [p for p in parts if p is not None]
    inner += [*getattr(schema, "types", ()), *getattr(schema, "item_types", ())]
    return any(_schema_holds_bytes(part, seen) for part in inner)
