"""The catalogue of observing modes the Sequence Manager goes by: read at its start, and when it is told to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from pathlib import Path

from ocs_ray.config.obs_mode_catalogue import read_catalogue
from ocs_ray.errors import BadInputError, OperationFailedError
from ocs_ray.models.component_messages import LoadingScriptFailed, LoadScript, ScriptSource
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.manager_replies import ObsModesReloaded
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.prefix import Prefix

log = logging.getLogger("ocs.manager")


class Catalogue:
    """The modes as they were read last.

    Args:
        path: folder or file of the catalogue.
        simulation: every script is replaced by one that completes all commands at once, so none need be named.
        time_factor: handed to the scripts.
    """

    def __init__(self, path: Path, *, simulation: bool, time_factor: float) -> None:
        self._path, self._simulation, self._time_factor = path, simulation, time_factor
        self._fault: str | None = "it was not read yet"
        self.known: dict[ObsMode, ObsModeConfig] = {}

    def read(self) -> None:
        """Read it for the first time. A fault is remembered, not raised: shutting down must be possible without."""
        try:
            self.known, self._fault = read_catalogue(self._path), None
        except (BadInputError, OSError) as failure:
            self._fault = str(failure)
            log.error("the catalogue of observing modes cannot be read: %s", failure)

    async def reload(self, running: Collection[ObsMode]) -> ObsModesReloaded:
        """Read it anew; modes that run are left as they are.

        Args:
            running: modes that run or hold resources.

        Raises:
            OperationFailedError: it is faulty, with file and line; what was known stays.
        """
        try:
            new = await asyncio.to_thread(read_catalogue, self._path)
        except (BadInputError, OSError) as failure:
            raise OperationFailedError(reason=str(failure)) from None
        old, self.known, self._fault = self.known, new, None
        changed = {name for name in old.keys() & new.keys() if old[name] != new[name]}
        removed = old.keys() - new.keys()
        return ObsModesReloaded(
            added=tuple(sorted(new.keys() - old.keys())),
            removed=tuple(sorted(removed)),
            changed=tuple(sorted(changed)),
            running=tuple(sorted((changed | removed) & set(running))),
        )

    def modes(self) -> dict[ObsMode, ObsModeConfig]:
        """All modes by name.

        Raises:
            OperationFailedError: the catalogue could not be read, with file and line.
        """
        if self._fault is not None:
            raise OperationFailedError(reason=f"the catalogue of observing modes cannot be read: {self._fault}")
        return self.known

    def load_message(
        self, mode: ObsModeConfig, info: VariationInfo, time_factor: float | None = None
    ) -> LoadScript | LoadingScriptFailed:
        """What a component is told to start one sequencer of a mode.

        Returns:
            LoadingScriptFailed when the mode has no such sequencer, or the catalogue names no script for it.
        """
        prefix = info.sequencer_prefix(mode.name)
        file = mode.sequencers.get(info)
        if info not in mode.sequencers or (file is None and not self._simulation):
            return no_script(prefix)
        return LoadScript(
            prefix=prefix,
            obs_mode=mode.name,
            script=None if self._simulation or file is None else ScriptSource(file=file, root=mode.root),
            time_factor=time_factor or self._time_factor,
            hook_limit_s=mode.hook_limit_s,
        )


def no_script(sequencer: Prefix) -> LoadingScriptFailed:
    """Nobody knows a script for this sequencer. Source: esw ScriptLoader, ScriptConfigurationMissingException."""
    where = f"[{sequencer.subsystem}] with [{sequencer.component_name}]"
    return LoadingScriptFailed(msg=f"Script configuration missing for {where}")
