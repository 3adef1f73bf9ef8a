"""A sequencer for code without ``await``: ``Sequencer(...).sync.submit_and_wait(sequence)``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from ocs_ray.scripting.blocking_loop import wait_for_result
from ocs_ray.scripting.sequencer_calls import SequencerCalls as Calls

P = ParamSpec("P")
R = TypeVar("R")


def _blocking(
    method: Callable[Concatenate[Calls, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[SyncSequencer, P], R]:
    def call(sequencer: SyncSequencer, *args: P.args, **kwargs: P.kwargs) -> R:
        return wait_for_result(method(sequencer.here(), *args, **kwargs))

    call.__name__, call.__doc__ = method.__name__, method.__doc__
    return call


class SyncSequencer:
    """Every call of a sequencer, blocking; it works in notebooks too, where a loop runs already.

    Args:
        calls: the sequencer.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def here(self) -> Calls:
        """The sequencer through the door that is in use where this is called."""
        return self._calls.through(self._calls.port)

    submit = _blocking(Calls.submit)
    submit_and_wait = _blocking(Calls.submit_and_wait)
    query = _blocking(Calls.query)
    query_final = _blocking(Calls.query_final)
    load = _blocking(Calls.load)
    start = _blocking(Calls.start)
    abort_sequence = _blocking(Calls.abort_sequence)
    stop = _blocking(Calls.stop)
    retry_failed = _blocking(Calls.retry_failed)
    go_online = _blocking(Calls.go_online)
    go_offline = _blocking(Calls.go_offline)
    diagnostic_mode = _blocking(Calls.diagnostic_mode)
    operations_mode = _blocking(Calls.operations_mode)
    sequence = _blocking(Calls.sequence)
    state = _blocking(Calls.state)
    status = _blocking(Calls.status)
    runs = _blocking(Calls.runs)
    sequence_component = _blocking(Calls.sequence_component)
    watch = _blocking(Calls.watch)
    snapshot = _blocking(Calls.snapshot)
    send_command = _blocking(Calls.send_command)
    hold = _blocking(Calls.hold)
    unhold = _blocking(Calls.unhold)
    suspend = _blocking(Calls.suspend)
    unsuspend = _blocking(Calls.unsuspend)
    stop_procedure = _blocking(Calls.stop_procedure)
    abort_procedure = _blocking(Calls.abort_procedure)
    complete_procedure = _blocking(Calls.complete_procedure)
    reset_procedure = _blocking(Calls.reset_procedure)
    procedure_state = _blocking(Calls.procedure_state)
    watch_procedure = _blocking(Calls.watch_procedure)
    pause = _blocking(Calls.pause)
    resume = _blocking(Calls.resume)
    step = _blocking(Calls.step)
    reset = _blocking(Calls.reset)
    add = _blocking(Calls.add)
    prepend = _blocking(Calls.prepend)
    replace = _blocking(Calls.replace)
    insert_after = _blocking(Calls.insert_after)
    delete = _blocking(Calls.delete)
    skip = _blocking(Calls.skip)
    move = _blocking(Calls.move)
    add_breakpoint = _blocking(Calls.add_breakpoint)
    remove_breakpoint = _blocking(Calls.remove_breakpoint)
