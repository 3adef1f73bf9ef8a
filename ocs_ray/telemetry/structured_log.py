"""One JSON object a line, signed by the component that wrote it: what a log collector can read without guessing.

Source: csw logging's JSON fields (timestamp, severity, prefix, message, exception).
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final

ROOT: Final = "ocs"


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object.

    Args:
        component: name of the component all records of this process belong to.
    """

    def __init__(self, component: str) -> None:
        super().__init__()
        self._component = component

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON; the time is UTC with milliseconds."""
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "component": self._component,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_as(component: str, level: int = logging.INFO) -> None:
    """Let every ``ocs.*`` logger of this process write JSON lines to standard error, signed ``component``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(component))
    root = logging.getLogger(ROOT)
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False
