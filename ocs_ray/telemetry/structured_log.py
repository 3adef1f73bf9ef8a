"""One JSON object a line, signed by the component that wrote it: what a log collector can read without guessing.

Source: csw logging's JSON fields (timestamp, severity, prefix, message, exception).
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final

from ocs_ray.telemetry.secrets_in_logs import without_secrets

ROOT: Final = "ocs"
SERVER: Final = "uvicorn"


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
        return without_secrets(json.dumps(line, ensure_ascii=False))


def log_as(component: str, level: int = logging.INFO) -> None:
    """Let every ``ocs.*`` logger of this process, and the web server's, write JSON lines to standard error, signed."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(component))
    for name, lowest in ((ROOT, level), (SERVER, max(level, logging.WARNING))):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(lowest)
        logger.propagate = False
