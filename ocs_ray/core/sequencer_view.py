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


class SequencerView:
    """What the subscribers of one sequencer see: those who ask for the same get the same object.

    Args:
        core: the sequencer.
    """

    def __init__(self, core: SequencerCore) -> None:
        self._core = core
        self._version = 0
        self._whole: SequencerSnapshot | None = None
        self._made: dict[int, SequencerDelta] = {}

    def since(self, version: int) -> SequencerDelta | SequencerSnapshot:
        """What changed after ``version``; see ``changes_since``."""
        if self._version != self._core.log.version:
            self._version, self._whole, self._made = self._core.log.version, None, {}
        if (known := self._made.get(version)) is not None:
            return known
        if self._whole is not None and self._core.log.since(version) is None:
            return self._whole
        news = changes_since(self._core, version)
        if isinstance(news, SequencerDelta):
            self._made[version] = news
        else:
            self._whole = news
        return news


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
