"""What all parts of one running script share: who it is, whether it is online, whom its failures are told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from ocs_ray.errors import StepFailedError
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.scripting.alarms import Alarms, SeverityRefresh
from ocs_ray.scripting.background import Background
from ocs_ray.scripting.blocking_work import BlockingWork
from ocs_ray.scripting.command_handler import ErrorHandler
from ocs_ray.scripting.exit_calls import EXITS, FAILURES, exit_failure
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.procedure import Procedure
from ocs_ray.scripting.sequence_operator import SequenceOperator
from ocs_ray.scripting.time_scale import TimeScale


class ScriptLife:
    """One running script.

    Args:
        prefix: the sequencer's own prefix.
        obs_mode: its observing mode.
        port: the door to other components.
        time_scale: shortens simulated waits.
        operator: the sequence it runs in, for ``next_if``.
    """

    def __init__(
        self, prefix: Prefix, obs_mode: ObsMode, port: Port, time_scale: TimeScale, operator: SequenceOperator | None
    ) -> None:
        self.prefix, self.obs_mode, self.port = prefix, obs_mode, port
        self.time_scale, self.operator = time_scale, operator
        self.is_online = True
        self.cancel = asyncio.Event()
        self.procedure = Procedure()
        self.log = logging.getLogger(f"ocs.script.{prefix}")
        self.background = Background(self.report)
        self.blocking = BlockingWork(prefix)
        self.severities = SeverityRefresh(Alarms(port), self.background, self.report)
        self.error_handlers: Callable[[], Sequence[ErrorHandler]] = tuple

    async def report(self, failure: BaseException) -> None:
        """Hand a failure to the script's on_global_error handlers; one that fails itself is logged."""
        self.log.error("%s", failure, exc_info=failure)
        told = self._told_once(failure) if isinstance(failure, EXITS) else failure
        if not isinstance(told, Exception):
            return
        for handler in self.error_handlers():
            try:
                await handler(told)
            except FAILURES:
                self.log.exception("on_global_error of %s failed", self.prefix)

    @staticmethod
    def _told_once(called: BaseException) -> StepFailedError | None:
        """Python lets ``sys.exit`` out of every task it passes, so the same call may come here from several."""
        if vars(called).setdefault("ocs_was_told", told := exit_failure(called)) is not told:
            return None
        told.__cause__ = called
        return told

    async def close(self) -> None:
        """End what runs in the background."""
        self.blocking.close()
        await self.background.close()
