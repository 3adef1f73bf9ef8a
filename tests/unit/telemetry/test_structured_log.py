"""Logs: one JSON object a line, signed."""

from __future__ import annotations

import json
import logging

from ocs_ray.telemetry.structured_log import JsonLines


def test_given_a_record_with_an_exception_when_formatted_then_one_json_line_says_who_what_and_where() -> None:
    try:
        raise RuntimeError("stuck")
    except RuntimeError as failure:
        info = (type(failure), failure, failure.__traceback__)
    record = logging.LogRecord("ocs.device", logging.ERROR, "f.py", 3, "wheel %s\nfailed", ("H",), info)
    line = JsonLines("IRIS.imager.filter").format(record)
    assert "\n" not in line
    said = json.loads(line)
    assert (said["component"], said["severity"], said["message"]) == ("IRIS.imager.filter", "ERROR", "wheel H\nfailed")
    assert "RuntimeError: stuck" in said["exception"]
    assert said["timestamp"].endswith("+00:00")
