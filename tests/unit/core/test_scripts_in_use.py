"""What may be concluded from components that answer, are loading, or are silent."""

from __future__ import annotations

from ocs_ray.core.scripts_in_use import scripts_in_use
from ocs_ray.models.component_messages import SequenceComponentStatus
from ocs_ray.models.prefix import Prefix

MACHINE = Prefix("WFOS.m")


def said(state: str, loaded: str | None = None, digest: str = "") -> SequenceComponentStatus:
    return SequenceComponentStatus(
        prefix=Prefix("WFOS.WFOS_1"),
        machine=MACHINE,
        state=state,
        loaded=Prefix(loaded) if loaded else None,
        sequencer=None,
        pid=1,
        digest=digest,
    )


def test_given_components_that_answer_when_concluded_then_their_sequencers_are_told_and_nothing_is_unsure() -> None:
    told = {
        "a": said("Running", "WFOS.Far", "d1"),
        "b": said("Running", "IRIS.Far", "d1"),
        "c": said("Idle"),
        "d": said("Running", "ESW.Plain"),
    }
    known = scripts_in_use(told)
    assert known.sequencers == {"d1": (Prefix("WFOS.Far"), Prefix("IRIS.Far"))}
    assert known.unsure == ()


def test_given_a_silent_one_and_one_that_loads_when_concluded_then_both_are_unsure() -> None:
    assert scripts_in_use({"silent": None, "loads": said("Loading"), "idle": said("Idle")}).unsure == (
        "loads",
        "silent",
    )
