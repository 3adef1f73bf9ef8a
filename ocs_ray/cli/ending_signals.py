"""Ctrl-C and SIGTERM where nothing waits in an event loop: one exception, and then quiet for the cleaning up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from ocs_ray.cli.failures import Interrupted

ENDINGS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def raised_once() -> Iterator[None]:
    """The first of them raises ``Interrupted``; those that follow are ignored, so that the cleaning up is done."""

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)
        raise Interrupted

    with _handled_by(end):
        yield


@contextmanager
def ignored() -> Iterator[None]:
    """None of them does anything: what is going on must come to its end."""
    with _handled_by(signal.SIG_IGN):
        yield


@contextmanager
def kept() -> Iterator[None]:
    """A library may set its own handlers inside; afterwards ours are back."""
    before = {number: signal.getsignal(number) for number in ENDINGS}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


@contextmanager
def _handled_by(handler: Any) -> Iterator[None]:
    with kept():
        for number in ENDINGS:
            signal.signal(number, handler)
        yield
