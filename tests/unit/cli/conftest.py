"""Things to show: a mode, steps, snapshots, events."""

from __future__ import annotations

import pytest

from ocs_ray.cli.observation_picture import Picture
from ocs_ray.models.commands import Observe, Setup
from ocs_ray.models.events import ObserveEvent
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.observe_events import ObserveEventName, observe_event
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.models.sequencer_messages import SequencerSnapshot, SequencerState
from ocs_ray.models.steps import Step, StepStatus
from ocs_ray.models.times import UTCTime

EXPOSURE = "2027A-014-003-IRIS-IMG-SCI1-0001"


class Stage:
    """Makes what a test shows: ``stage.steps("Success 0 2", "InFlight 2", "Pending")``."""

    top, iris, tcs = Prefix("ESW.IRIS_ImagerOnly"), Prefix("IRIS.IRIS_ImagerOnly"), Prefix("TCS.IRIS_ImagerOnly")
    names = ("observationStart", "preset", "observe")

    def mode(self) -> ObsModeConfig:
        return ObsModeConfig(
            name=ObsMode("IRIS_ImagerOnly"),
            resources=(Subsystem.IRIS, Subsystem.TCS),
            sequencers={VariationInfo(name): f"/modes/{name}.py" for name in ("ESW", "IRIS", "TCS")},
            root="/modes",
        )

    def picture(self) -> Picture:
        return Picture(self.mode(), self.top, self.names, 0.05)

    def steps(self, *told: str) -> tuple[Step, ...]:
        """One step a word list: status, start and end in seconds."""
        made: list[Step] = []
        for n, (words, name) in enumerate(zip(told, self.names, strict=False)):
            status, *times = words.split()
            kind = Observe if name == "observe" else Setup
            started, ended = ([float(time) for time in times] + [None, None])[:2]
            made.append(
                Step(
                    id=f"step{n}",
                    command=kind("ESW.observer", name),
                    status=StepStatus(status),
                    message="the wheel is stuck" if status == "Failure" else "",
                    started_at=started,
                    ended_at=ended,
                )
            )
        return tuple(made)

    def snapshot(self, run_id: str, *told: str, state: SequencerState = SequencerState.RUNNING) -> SequencerSnapshot:
        return SequencerSnapshot(version=1, list_version=1, state=state, run_id=run_id, steps=self.steps(*told))

    def event(self, source: str = "IRIS.imager.detector") -> ObserveEvent:
        return observe_event(
            ObserveEventName.ExposureStart,
            source=source,
            event_id="e1",
            event_time=UTCTime("2026-11-21T23:57:29.692Z"),
            exposure_id=EXPOSURE,
        )


@pytest.fixture
def stage() -> Stage:
    return Stage()
