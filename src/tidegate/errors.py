"""Every error Tidegate raises, in one tree; the culprit is visible in the type.

    TidegateError
    ├── LocalProtocolError      we (or the user's code) misused the protocol core
    ├── RemoteProtocolError     the client broke the protocol; its connection is closed
    ├── AuthError               a token was refused; carries the code the client sees
    ├── Refused                 user code refused a call; carries the code the client sees
    ├── PayloadError            a payload does not fit its declared type; carries the field's path
    ├── LogError                the event log could not take or give entries
    │   └── LogGap              entries that a follower should get are no longer kept
    ├── SourceError             an event source (RabbitMQ, HTTP) failed
    │   ├── MessageRejected     a message can't become an event; carries the reason
    │   └── RequestFailed       a service could not be asked, or did not answer; carries the code
    ├── ConfigError             a setting is wrong; carries key, source of the value and remedy
    ├── ConnectError            a test's client was refused (`tidegate.testing`); carries the code
    ├── ContractError           what a gateway declares can't be told to others; names the culprit
    └── TemplateError           files can't be scaffolded; says why, and what to do by hand
        ├── AnswersError        answers to the scaffolder are refused; carries each with its reason
        └── FileConflict        files are there with another text; carries their paths

Errors carry data and never print. One place per command turns them into exit codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

__all__ = [
    "AnswersError",
    "AuthError",
    "BadAnswer",
    "ConfigError",
    "ContractError",
    "FileConflict",
    "LocalProtocolError",
    "LogError",
    "LogGap",
    "MessageRejected",
    "PayloadError",
    "RefusalCode",
    "Refused",
    "RejectionReason",
    "RemoteProtocolError",
    "RequestFailed",
    "RequestFailure",
    "SourceError",
    "TemplateError",
    "TidegateError",
]

RefusalCode = Literal[
    "token_missing",
    "token_invalid",
    "token_expired",
    "token_revoked",
    "tenant_missing",
    "forbidden",
    "limit_reached",
    "try_again",
]
"""What a client finds in ``err.data.code`` after a refused CONNECT; stable and documented."""

RejectionReason = Literal[
    "malformed",
    "unknown_pattern",
    "tenant_missing",
    "audience_missing",
    "payload_invalid",
    "too_large",
    "handler_failed",
]
"""Why a message from a broker went to the dead letters; stable and documented."""

RequestFailure = Literal["timeout", "unavailable", "try_again"]
"""Why a service gave no answer; the client finds it in the ack. Stable and documented."""


class TidegateError(Exception):
    """Root of all errors that Tidegate raises on purpose."""


class LocalProtocolError(TidegateError):
    """The protocol core was asked for something its state does not allow; a bug on our side."""


class RemoteProtocolError(TidegateError):
    """The client broke the protocol.

    Attributes:
        reason: Short text for logs and for the close frame; never contains client data.
        close_code: WebSocket close code to answer with (RFC 6455, section 7.4.1).
    """

    def __init__(self, reason: str, close_code: int = 1002) -> None:
        super().__init__(reason)
        self.reason = reason
        self.close_code = close_code


class AuthError(TidegateError):
    """A CONNECT is refused.

    Attributes:
        code: Stable code for ``err.data.code``.
        detail: One sentence for the client; no internals, no token.
        reason: What exactly is wrong, for the operator's log; no token and no key. Empty if the
            client is told all there is to tell.
    """

    def __init__(self, code: RefusalCode, detail: str, *, reason: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code: RefusalCode = code
        self.detail = _told(detail)
        self.reason = reason


class Refused(TidegateError):
    """Raise it in a handler, ``on_connect`` or authorizer to refuse the call with a reason.

    The client finds ``{"error": {"code", "message"}}`` in the ack; from ``on_connect`` it gets a
    CONNECT_ERROR with code ``forbidden``.
    """

    def __init__(self, message: str, *, code: str = "forbidden") -> None:
        super().__init__(message)
        self.code = code
        self.message = _told(message)


class PayloadError(TidegateError):
    """A payload does not fit its declared type.

    Attributes:
        message: What was expected and what came.
        field: Path of the offending field, such as ``$.items[0].id``; ``$`` is the payload itself.
    """

    def __init__(self, message: str, field: str = "$") -> None:
        super().__init__(f"{message} (at {field})")
        self.message = _told(message)
        self.field = field


class LogError(TidegateError):
    """The event log could not take entries, or lost its place."""


class LogGap(LogError):
    """Entries that a follower should get next are no longer kept; it must start anew."""


class SourceError(TidegateError):
    """An event source failed."""


class MessageRejected(SourceError):
    """A message from a broker can't become an event, however often it is tried.

    Attributes:
        reason: Stable code for the dead-letter header, such as ``tenant_missing``.
        detail: One sentence: what was expected and what came.
        field: Path of the offending part, such as ``data.items[0].id``; empty for the whole.
    """

    def __init__(self, reason: RejectionReason, detail: str, field: str = "") -> None:
        super().__init__(f"{reason}: {detail}" + (f" (at {field})" if field else ""))
        self.reason: RejectionReason = reason
        self.detail = detail
        self.field = field


class RequestFailed(SourceError):
    """A message did not reach a service for certain, or the service did not answer.

    Attributes:
        code: Stable code for the ack's ``error.code``.
        detail: One sentence for the client, without internals.
    """

    def __init__(self, code: RequestFailure, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code: RequestFailure = code
        self.detail = detail


class ConfigError(TidegateError):
    """A setting is missing, wrong or unsafe.

    Attributes:
        key: Dotted name, such as ``auth.secret``.
        source: Where the value came from: a file, an environment variable, a flag, or the default.
        problem: What is wrong with it.
        remedy: What to do about it.
    """

    def __init__(self, key: str, problem: str, *, remedy: str, source: str = "default") -> None:
        super().__init__(f"{key} (from {source}): {problem}. {remedy}")
        self.key = key
        self.problem = problem
        self.remedy = remedy
        self.source = source


class ContractError(TidegateError):
    """A declared type has no JSON form, or two would have the same name; the message says which."""


class TemplateError(TidegateError):
    """Files can't be scaffolded; nothing was written."""


class BadAnswer(NamedTuple):
    """One answer that is refused: the question, what was answered, and why not."""

    question: str
    answer: str
    reason: str


class AnswersError(TemplateError):
    """Answers to the scaffolder's questions are refused.

    Attributes:
        problems: All of them.
    """

    def __init__(self, problems: Sequence[BadAnswer]) -> None:
        super().__init__("; ".join(f"{p.question} {p.answer!r}: {p.reason}" for p in problems))
        self.problems = list(problems)


class FileConflict(TemplateError):
    """Files that would be created are there, with another text.

    Attributes:
        paths: Which, relative to the project.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(f"not overwritten without --force: {', '.join(paths)}")
        self.paths = list(paths)


def _told(message: object) -> str:
    """Return what a client can be told: users pass exceptions, and text from anywhere."""
    return str(message).encode(errors="replace").decode()
