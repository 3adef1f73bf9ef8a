"""One exposure of a simulated detector: the ramps, then the readout, with the events CSW has for them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import NonNegativeFloat

from ocs_ray.models.events import ObserveEvent
from ocs_ray.models.identifiers import ExposureId
from ocs_ray.models.keys import Key, Parameter, int_key, long_key
from ocs_ray.models.new_id import new_id
from ocs_ray.models.observe_events import EXPOSURE_ID, ObserveEventName, observe_event_params
from ocs_ray.models.units import Units
from ocs_ray.scripting.component_handlers import ComponentContext
from ocs_ray.scripting.events import utc_time_now
from ocs_ray.simulation.simulated_device import Options


class Technique(StrEnum):
    """What kind of detector it is; CSW reports their progress with different events."""

    INFRARED = "infrared"
    OPTICAL = "optical"


EXPOSURE_TIME = long_key("exposureTime", Units.millisecond)
REMAINING_TIME = long_key("remainingExposureTime", Units.millisecond)
PROGRESS: Mapping[Technique, tuple[str, Key[int], Key[int]]] = {
    Technique.INFRARED: (
        "ObserveEvent.IRDetectorExposureData",
        int_key("rampsInExposure"),
        int_key("rampsComplete"),
    ),
    Technique.OPTICAL: (
        "ObserveEvent.OpticalDetectorExposureData",
        int_key("coaddsInExposure"),
        int_key("coaddsDone"),
    ),
}
"""How progress is published: name of the event, and the keys of the ramps in all and of those done.

Source: csw IRDetectorEvent, OpticalDetectorEvent.
"""


class DetectorOptions(Options):
    """What a detector can be told.

    Args:
        technique: ``infrared`` counts ramps, ``optical`` counts coadds.
        write_s: seconds it takes to write the data.
        write_files: write a placeholder FITS file, a header without data, at the file name of the configuration.
    """

    technique: Technique = Technique.INFRARED
    write_s: NonNegativeFloat = 0.5
    write_files: bool = False


class Configuration(NamedTuple):
    """What LOAD_CONFIGURATION said; ``ramp_ms`` is the time of one ramp in milliseconds."""

    exposure_id: ExposureId
    filename: str
    ramp_ms: int
    ramps: int


class Exposure:
    """An exposure on its way."""

    def __init__(self, ctx: ComponentContext, options: DetectorOptions, configuration: Configuration) -> None:
        self._ctx = ctx
        self._options = options
        self._configuration = configuration

    async def integrate(self) -> None:
        """Expose ramp by ramp; cancelling it is what an abort does."""
        configuration = self._configuration
        await self._mark(ObserveEventName.ExposureStart)
        for done in range(1, configuration.ramps + 1):
            await self._ctx.sleep(configuration.ramp_ms / 1000)
            await self._report_progress(done)

    async def read_out(self, *, aborted: bool) -> None:
        """Tell how the exposure ended and write what there is: an aborted exposure has data too."""
        ended = ObserveEventName.ExposureAborted if aborted else ObserveEventName.ExposureEnd
        await self._mark(ended)
        await self._mark(ObserveEventName.DataWriteStart, filename=self._configuration.filename)
        await self._ctx.sleep(self._options.write_s)
        if self._options.write_files:
            await asyncio.to_thread(write_placeholder, Path(self._configuration.filename), self._header())
        await self._mark(ObserveEventName.DataWriteEnd, filename=self._configuration.filename)

    def _header(self) -> dict[str, str]:
        configuration = self._configuration
        return {
            "SIMPLE": "T",
            "BITPIX": "16",
            "NAXIS": "0",
            "ORIGIN": "'ocs_ray simulation, no data'",
            "INSTRUME": f"'{self._ctx.prefix}'",
            "EXPID": f"'{configuration.exposure_id}'",
            "NRAMPS": str(configuration.ramps),
            "RAMPTIME": f"{configuration.ramp_ms / 1000:g}",
        }

    async def _report_progress(self, ramps_done: int) -> None:
        configuration = self._configuration
        name, in_all, complete = PROGRESS[self._options.technique]
        await self._publish(
            name,
            EXPOSURE_ID.set(configuration.exposure_id),
            in_all.set(configuration.ramps),
            complete.set(ramps_done),
            EXPOSURE_TIME.set(configuration.ramps * configuration.ramp_ms),
            REMAINING_TIME.set((configuration.ramps - ramps_done) * configuration.ramp_ms),
        )

    async def _mark(self, name: ObserveEventName, **fields: str) -> None:
        await self._publish(name, *observe_event_params(name, exposure_id=self._configuration.exposure_id, **fields))

    async def _publish(self, name: str, *params: Parameter[Any]) -> None:
        event = ObserveEvent(self._ctx.prefix, name, *params, event_id=new_id(), event_time=utc_time_now())
        await self._ctx.events.publish(event)


def write_placeholder(file: Path, header: dict[str, str]) -> None:
    """Write a FITS file of one header block and no data."""
    cards = [f"{name:<8}= {value:>20}" for name, value in header.items()]
    block = "".join(f"{card:<80}" for card in (*cards, "END"))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(block.ljust(-(-len(block) // 2880) * 2880).encode("ascii"))
