"""One event loop on a thread of its own, for code that has none or may not wait on its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_guard = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []


def wait_for_result(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` on the background loop, wait for it here, and give back or raise what came of it."""
    call = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return call.result()
    except BaseException:
        call.cancel()  # Ctrl-C here ends the work there
        raise


def _loop() -> asyncio.AbstractEventLoop:
    with _guard:
        if not _loops:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="ocs-sync", daemon=True).start()
            _loops.append(loop)
        return _loops[0]
