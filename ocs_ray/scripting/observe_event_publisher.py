"""All observe events of a sequencer, one method each. Source: esw ObserveEventsDsl.kt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ocs_ray.models.identifiers import ExposureId, ObsId
from ocs_ray.models.observe_events import CoordinateSystem
from ocs_ray.models.observe_events import ObserveEventName as Name


class ObserveEventPublisher:
    """Publishes observe events: ``await ctx.observe_events.preset_start(obs_id)``.

    ESW's ``exposureAborted`` publishes ObservePaused; here it publishes ExposureAborted.

    Args:
        publish: takes the name, the observation or None, and the other fields.
    """

    def __init__(self, publish: Callable[..., Awaitable[None]]) -> None:
        self._publish = publish

    async def _of(self, name: Name, obs_id: ObsId | None = None, **fields: Any) -> None:
        await self._publish(name, obs_id, **fields)

    async def preset_start(self, obs_id: ObsId) -> None:
        """The telescope and instrument begin to move to the target."""
        await self._of(Name.PresetStart, obs_id)

    async def preset_end(self, obs_id: ObsId) -> None:
        """They are there."""
        await self._of(Name.PresetEnd, obs_id)

    async def guidestar_acq_start(self, obs_id: ObsId) -> None:
        """Acquisition of guide stars begins."""
        await self._of(Name.GuidestarAcqStart, obs_id)

    async def guidestar_acq_end(self, obs_id: ObsId) -> None:
        """It has ended."""
        await self._of(Name.GuidestarAcqEnd, obs_id)

    async def scitarget_acq_start(self, obs_id: ObsId) -> None:
        """Acquisition of the science target begins."""
        await self._of(Name.ScitargetAcqStart, obs_id)

    async def scitarget_acq_end(self, obs_id: ObsId) -> None:
        """It has ended."""
        await self._of(Name.ScitargetAcqEnd, obs_id)

    async def observation_start(self, obs_id: ObsId) -> None:
        """The observation begins."""
        await self._of(Name.ObservationStart, obs_id)

    async def observation_end(self, obs_id: ObsId) -> None:
        """The observation has ended."""
        await self._of(Name.ObservationEnd, obs_id)

    async def observe_start(self, obs_id: ObsId) -> None:
        """Science exposures begin."""
        await self._of(Name.ObserveStart, obs_id)

    async def observe_end(self, obs_id: ObsId) -> None:
        """Science exposures have ended."""
        await self._of(Name.ObserveEnd, obs_id)

    async def offset_end(self, obs_id: ObsId) -> None:
        """The offset is done."""
        await self._of(Name.OffsetEnd, obs_id)

    async def input_request_start(self, obs_id: ObsId) -> None:
        """A person is asked for something."""
        await self._of(Name.InputRequestStart, obs_id)

    async def input_request_end(self, obs_id: ObsId) -> None:
        """The person has answered."""
        await self._of(Name.InputRequestEnd, obs_id)

    async def offset_start(self, obs_id: ObsId, coordinate_system: CoordinateSystem, p: float, q: float) -> None:
        """The telescope begins to offset by ``p`` and ``q``, in arcseconds."""
        await self._of(Name.OffsetStart, obs_id, coordinate_system=coordinate_system, p=p, q=q)

    async def downtime_start(self, obs_id: ObsId, reason: str) -> None:
        """Time is being lost, and why."""
        await self._of(Name.DowntimeStart, obs_id, reason=reason)

    async def observe_paused(self) -> None:
        """Observing pauses."""
        await self._of(Name.ObservePaused)

    async def observe_resumed(self) -> None:
        """Observing goes on."""
        await self._of(Name.ObserveResumed)

    async def exposure_start(self, exposure_id: ExposureId) -> None:
        """An exposure begins."""
        await self._of(Name.ExposureStart, exposure_id=exposure_id)

    async def exposure_end(self, exposure_id: ExposureId) -> None:
        """An exposure has ended."""
        await self._of(Name.ExposureEnd, exposure_id=exposure_id)

    async def readout_end(self, exposure_id: ExposureId) -> None:
        """The detector is read out."""
        await self._of(Name.ReadoutEnd, exposure_id=exposure_id)

    async def readout_failed(self, exposure_id: ExposureId) -> None:
        """The detector could not be read out."""
        await self._of(Name.ReadoutFailed, exposure_id=exposure_id)

    async def prepare_start(self, exposure_id: ExposureId) -> None:
        """The detector is being prepared."""
        await self._of(Name.PrepareStart, exposure_id=exposure_id)

    async def exposure_aborted(self, exposure_id: ExposureId) -> None:
        """An exposure was aborted."""
        await self._of(Name.ExposureAborted, exposure_id=exposure_id)

    async def data_write_start(self, exposure_id: ExposureId, filename: str) -> None:
        """Writing a file begins."""
        await self._of(Name.DataWriteStart, exposure_id=exposure_id, filename=filename)

    async def data_write_end(self, exposure_id: ExposureId, filename: str) -> None:
        """The file is written."""
        await self._of(Name.DataWriteEnd, exposure_id=exposure_id, filename=filename)
