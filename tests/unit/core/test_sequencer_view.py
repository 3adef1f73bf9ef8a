"""What subscribers see: one object for all who ask for the same."""

from __future__ import annotations

from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.core.sequencer_view import SequencerView, changes_since, snapshot
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.editor_messages import Skip
from ocs_ray.models.sequencer_messages import SequencerDelta, SequencerSnapshot

SEQUENCE = Sequence.of(Setup("ESW.test", "c1"), Setup("ESW.test", "c2"))


def loaded() -> SequencerCore:
    core = SequencerCore()
    core.handle(ev.Load(1, SEQUENCE, ("s1", "s2")), 0.0)
    return core


def test_given_a_version_when_many_ask_for_all_of_it_then_they_get_one_object() -> None:
    core = loaded()
    view = SequencerView(core)
    first = view.since(0)
    assert isinstance(first, SequencerSnapshot)
    assert first == snapshot(core)
    assert view.since(0) is first
    assert view.since(core.log.version - 1) is first, "one who knows what was there before the load gets all, too"


def test_given_a_change_when_asked_again_then_what_is_told_is_new_and_the_same_for_all_who_know_as_much() -> None:
    core = loaded()
    view = SequencerView(core)
    known, old = core.log.version, view.since(0)
    core.handle(ev.EditList(2, Skip(id="s1")), 1.0)

    news = view.since(known)

    assert isinstance(news, SequencerDelta)
    assert news == changes_since(core, known)
    assert view.since(known) is news
    assert view.since(0) is not old
    assert view.since(0) == snapshot(core)
    core.handle(ev.EditList(3, Skip(id="s2")), 2.0)
    assert view.since(known) == changes_since(core, known)
    assert view.since(known + 1) == changes_since(core, known + 1)
