"""Restart: the same sequencer in the same component, with the script its mode names now. Source: reference esw_sm 6.2.

ESW reloads the script it had. Here a package's tag may have moved since, and whoever moved it back wants that script.
"""

from __future__ import annotations

from typing import Final

from ocs_ray.actors.manager_catalogue import Catalogue
from ocs_ray.actors.manager_ending import Ending
from ocs_ray.actors.manager_loading import LOAD_S, Load, Loading
from ocs_ray.actors.manager_reading import STATUS_S, Observatory
from ocs_ray.actors.manager_sequencers import not_found
from ocs_ray.core.mode_watch import ModeWatch
from ocs_ray.core.resource_conflict import running_modes
from ocs_ray.errors import OcsError, OperationFailedError
from ocs_ray.models.component_messages import (
    GetComponentStatus,
    LoadingScriptFailed,
    LoadScript,
    RestartScript,
    ScriptLoaded,
    SequenceComponentStatus,
)
from ocs_ray.models.manager_messages import RestartSequencer
from ocs_ray.models.manager_replies import LoadScriptError, Success
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentId, ComponentType, Prefix
from ocs_ray.models.sequencer_replies import Unhandled

RESTART_S: Final = LOAD_S + 15.0
"""Longest wait for a restart, in seconds: the old sequencer ends, then the script loads."""


class Restarting:
    """The operation RestartSequencer.

    Args:
        seen: the observatory.
        catalogue: the modes.
        watch: is told that the sequencer is not lost.
        ending: knows where it is, and releases its mode when it does not come back.
        loading: finds the packages.
    """

    def __init__(
        self, seen: Observatory, catalogue: Catalogue, watch: ModeWatch, ending: Ending, loading: Loading
    ) -> None:
        self._seen, self._catalogue, self._watch = seen, catalogue, watch
        self._ending, self._loading = ending, loading

    async def restart(self, message: RestartSequencer) -> Message:
        """Unload and load anew in the component it is in; when that fails its component is idle."""
        prefix = message.prefix
        if prefix not in self._seen.registered().sequencers:
            return not_found(prefix, ComponentType.Sequencer)
        home = await self._ending.home(prefix)
        if home is None:
            raise OperationFailedError(reason=f"{prefix} does not say which sequence component it is in")
        load, unknown = await self._wanted(message, home)
        self._watch.ended([prefix])
        try:
            kind = ComponentType.SequenceComponent
            reply = await self._seen.try_ask(home, kind, RestartScript(load=load), RESTART_S)
        finally:
            await self._ending.release(running_modes([prefix]))
        if isinstance(reply, OcsError):
            raise reply
        if isinstance(reply, LoadingScriptFailed | Unhandled):
            return LoadScriptError(reason=reply.msg)
        assert isinstance(reply, ScriptLoaded), reply
        self._watch.started({prefix: home})
        found = ComponentId(prefix=prefix, component_type=ComponentType.Sequencer)
        return Success(component_id=found, script=await self._what_runs(home), remark=unknown)

    async def _wanted(self, message: RestartSequencer, home: Prefix) -> tuple[LoadScript | None, str]:
        """What its mode names now; None and why when that is not known: the script it had is better than none."""
        try:
            load = self._catalogue.load_of(message.obs_mode, message.info)
        except OperationFailedError as failure:
            return None, failure.reason
        if isinstance(load, LoadingScriptFailed):
            return None, load.msg
        loads, unknown = await self._loading.resolved([Load(home, load)])
        return (loads[0].message, "") if loads else (None, "; ".join(unknown))

    async def _what_runs(self, component: Prefix) -> str:
        """The script as those who run it name it: the package's digest, or the file; nothing when they do not say."""
        kind = ComponentType.SequenceComponent
        status = await self._seen.try_ask(component, kind, GetComponentStatus(), STATUS_S)
        if not isinstance(status, SequenceComponentStatus):
            return ""
        return status.digest or (status.sequencer.script if status.sequencer is not None else "")
