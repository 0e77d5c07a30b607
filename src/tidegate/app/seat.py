"""What a supervisor tells each of its workers: who it is, and by which ways it is reached."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

import msgspec

__all__ = ["Seat", "take_seat"]

VARIABLE = "_TIDEGATE_SEAT"
"""Internal, so not with the prefix of the settings."""


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's place; it travels in an environment variable.

    Attributes:
        number: Of this worker, from 0.
        count: Of all workers.
        folder: Where each worker has a Unix socket, named by its number, for its siblings.
        link: Descriptor on which it gets its connections.
        api: Descriptor of the private port, listening; None if that is off.
        is_restart: A worker with this number ended before.
    """

    number: int
    count: int
    folder: str
    link: int
    api: int | None
    is_restart: bool

    def environment(self) -> dict[str, str]:
        """Return the variable for the new process."""
        return {VARIABLE: msgspec.json.encode(self).decode()}

    def socket_of(self, number: int) -> str:
        """Return the path of a worker's Unix socket."""
        return f"{self.folder}/{number}"


def take_seat(environ: MutableMapping[str, str]) -> Seat | None:
    """Return the seat of this process, None if it is no worker; its own children get none."""
    text = environ.pop(VARIABLE, None)
    if text is None:
        return None
    seat = msgspec.json.decode(text, type=Seat)
    for descriptor in (seat.link, seat.api):
        if descriptor is not None:
            os.set_inheritable(descriptor, False)
    return seat
