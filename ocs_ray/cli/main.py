"""The ``ocs`` command: whatever goes wrong becomes one line on standard error and an exit code.

Little is imported up here: ``ocs --version`` and ``ocs --help`` are to answer before one notices.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import ocs_ray


def main() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before or after the time in which signals are ours
        print("ocs: interrupted", file=sys.stderr)
        code = 130
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    if arguments == ["--version"]:
        print(f"ocs_ray {ocs_ray.__version__}")
        return 0
    import typer

    from ocs_ray.cli import ending_signals, failures, verbs

    try:
        with ending_signals.raised_once():
            code = verbs.make_app()(arguments or ["--help"], prog_name="ocs", standalone_mode=False)
            sys.stdout.flush()
        return code if isinstance(code, int) else failures.OK
    except typer.Exit as ended:
        return ended.exit_code
    except typer.TyperException as misuse:
        return _misused(misuse)
    except (Exception, KeyboardInterrupt) as failure:
        return _failed(failure)


def _misused(misuse: Any) -> int:
    """A wrong option or argument; typer would print a box of several lines."""
    text = misuse.format_message() if hasattr(misuse, "format_message") else str(misuse)
    context = getattr(misuse, "ctx", None)
    helped = f"{context.command_path} --help" if context is not None else "ocs --help"
    print(f"ocs: {text} (see: {helped})", file=sys.stderr)
    return 2


def _failed(failure: BaseException) -> int:
    from ocs_ray.cli import failures

    if isinstance(failure, BrokenPipeError):
        # Python flushes standard output once more at its end; there is nobody to flush to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return failures.FAILED
    if os.environ.get("OCS_DEBUG"):
        import traceback

        traceback.print_exception(failure)
    print(f"ocs: {failures.one_line(failure)}", file=sys.stderr)
    return failures.exit_code(failure)


if __name__ == "__main__":
    main()
