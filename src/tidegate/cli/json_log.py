"""Log lines as JSON objects."""

from __future__ import annotations

import json
import logging

__all__ = ["JSONFormatter"]


class JSONFormatter(logging.Formatter):
    """One object a line: time (Unix seconds), level, logger, message, and the trace if any.

    Args:
        worker: Number of this process among several; each line then has it.
    """

    def __init__(self, worker: int | None = None) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": round(record.created, 6),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if self._worker is not None:
            line["worker"] = self._worker
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
