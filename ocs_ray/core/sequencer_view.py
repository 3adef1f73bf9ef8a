"""What clients see of a sequencer: all of it, or what changed since a version."""

from __future__ import annotations

from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.core.sequencer_states import State, external
from ocs_ray.models.sequencer_messages import SequencerDelta, SequencerSnapshot
from ocs_ray.models.steps import Step


def snapshot(core: SequencerCore) -> SequencerSnapshot:
    """All of it. Its parts are valid already, so they are not validated again."""
    return SequencerSnapshot.model_construct(
        version=core.log.version,
        list_version=core.log.list_version,
        state=external(core.state),
        run_id=core.run_id,
        steps=core.steps.view() if core.steps is not None else (),
        killed=_is_ending(core),
    )


def changes_since(core: SequencerCore, version: int) -> SequencerDelta | SequencerSnapshot:
    """What changed after ``version``; all of it when that is not known any more."""
    change = core.log.since(version)
    if change is None:
        return snapshot(core)
    steps = core.steps
    return SequencerDelta.model_construct(
        since=version,
        version=core.log.version,
        list_version=core.log.list_version,
        state=external(core.state),
        run_id=core.run_id,
        changed=steps.view_of(change.steps) if steps is not None else (),
        order=(steps.ids() if steps is not None else ()) if change.is_structural else None,
        killed=_is_ending(core),
    )


def updated(known: SequencerSnapshot, delta: SequencerDelta) -> SequencerSnapshot:
    """What a subscriber that knew ``known`` knows after ``delta``.

    Raises:
        ValueError: the delta starts from another version.
    """
    if delta.since != known.version:
        raise ValueError(f"a delta since version {delta.since} says nothing to one who knows {known.version}")
    by_id: dict[str, Step] = {step.id: step for step in (*known.steps, *delta.changed)}
    order = delta.order if delta.order is not None else tuple(step.id for step in known.steps)
    return SequencerSnapshot.model_construct(
        version=delta.version,
        list_version=delta.list_version,
        state=delta.state,
        run_id=delta.run_id,
        steps=tuple(by_id[id_] for id_ in order),
        killed=delta.killed,
    )


def _is_ending(core: SequencerCore) -> bool:
    return core.state in (State.SHUTTING_DOWN, State.KILLED)
