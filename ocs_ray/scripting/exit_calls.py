"""A script that wants its process to end: to the script it is a failure like any other; the process is not its own."""

from __future__ import annotations

from typing import Final

from ocs_ray.errors import StepFailedError

EXITS: Final = (SystemExit, KeyboardInterrupt)
"""What Python raises for that. A script's thread never sees a real Ctrl-C."""


FAILURES: Final = (Exception, *EXITS)
"""With what a script's work fails: all of it reaches ``on_global_error``. The rest is Python's and ours, to end it."""


def exit_text(called: BaseException) -> str:
    """What a script is told that called for the end of its process."""
    what = f"sys.exit({called.code}) was called" if isinstance(called, SystemExit) else "KeyboardInterrupt was raised"
    return f"{what}: a script returns, or raises what went wrong, instead"


def exit_failure(called: BaseException) -> StepFailedError:
    """The same as a failure ``on_global_error`` takes."""
    return StepFailedError(reason=exit_text(called))
