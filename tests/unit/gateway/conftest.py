"""Gateways for tests, and what they write into the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ocs_ray.telemetry.structured_log import JsonLines

from .played_gateway import Gateway


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    return Gateway(tmp_path)


@pytest.fixture
def make_gateway(tmp_path: Path) -> Callable[..., Gateway]:
    return lambda **access: Gateway(tmp_path, **access)


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """What the ocs loggers write, as it stands in the log."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Kept()
    handler.setFormatter(JsonLines("ESW.EswGateway-Service"))
    root = logging.getLogger("ocs")
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)
