"""Any order of running and editing: the step list is compared with a plain list of rows after every step.

Source: esw StepList.scala and its tests; skip, move, step and retry are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ocs_ray.core.step_list import StepList, new_steps
from ocs_ray.models.commands import Setup
from ocs_ray.models.steps import StepStatus

DONE = (StepStatus.SUCCESS, StepStatus.FAILURE, StepStatus.SKIPPED)
places = st.integers(min_value=0, max_value=12)
counts = st.integers(min_value=0, max_value=3)


@dataclass
class Row:
    """What is expected of one step."""

    id: str
    status: StepStatus = StepStatus.PENDING
    stop: bool = False

    @property
    def pending(self) -> bool:
        """Whether it may be edited."""
        return self.status is StepStatus.PENDING


class Steps(RuleBasedStateMachine):
    """The list beside its rows."""

    def __init__(self) -> None:
        super().__init__()
        self.steps, self.rows = StepList.of([], []), list[Row]()
        self.made, self.driven, self.failed = 0, list[Row](), False

    # -- what the model says --------------------------------------------------------------------------------------

    def first(self) -> int | None:
        return next((place for place, row in enumerate(self.rows) if row.pending), None)

    def some(self, place: int) -> Row | None:
        return self.rows[place % len(self.rows)] if self.rows else None

    def fresh(self, count: int) -> list[Row]:
        self.made += count
        return [Row(f"s{self.made - n}") for n in range(count)]

    def records(self, rows: list[Row]) -> list:
        return new_steps([Setup("ESW.t", "go")] * len(rows), [row.id for row in rows])

    def may_follow(self, row: Row) -> bool:
        """No place before the first pending step, which is where the list has come to: what is put there is run."""
        first = self.first()
        return self.rows.index(row) + 1 >= (len(self.rows) if first is None else first)

    # -- editing --------------------------------------------------------------------------------------------------

    @rule(count=counts)
    def add(self, count: int) -> None:
        new = self.fresh(count)
        self.steps.add(self.records(new))
        self.rows += new

    @rule(count=counts)
    def prepend(self, count: int) -> None:
        new, first = self.fresh(count), self.first()
        self.steps.prepend(self.records(new))
        place = len(self.rows) if first is None else first
        self.rows[place:place] = new

    @rule(place=places, count=counts)
    def replace(self, place: int, count: int) -> None:
        if (row := self.some(place)) is None:
            return
        new = self.fresh(count)
        refused = self.steps.replace(row.id, self.records(new))
        assert (refused is None) is row.pending
        if row.pending:
            at = self.rows.index(row)
            self.rows[at : at + 1] = new

    @rule(place=places, count=counts)
    def insert_after(self, place: int, count: int) -> None:
        if (row := self.some(place)) is None:
            return
        new, allowed = self.fresh(count), self.may_follow(row)
        assert (self.steps.insert_after(row.id, self.records(new)) is None) is allowed
        if allowed:
            at = self.rows.index(row) + 1
            self.rows[at:at] = new

    @rule(place=places)
    def skip(self, place: int) -> None:
        if (row := self.some(place)) is None:
            return
        assert (self.steps.skip(row.id) is None) is row.pending
        if row.pending:
            row.status = StepStatus.SKIPPED

    @rule(place=places, after=st.none() | places)
    def move(self, place: int, after: int | None) -> None:
        row, target = self.some(place), None if after is None else self.some(after)
        if row is None:
            return
        allowed = row.pending and (target is None or target is row or self.may_follow(target))
        assert (self.steps.move(row.id, None if target is None else target.id) is None) is allowed
        if not allowed or target is row:
            return
        self.rows.remove(row)
        first = self.first()
        place = self.rows.index(target) + 1 if target is not None else len(self.rows) if first is None else first
        self.rows.insert(place, row)

    @precondition(lambda self: self.before_skipped())
    @rule(which=places, moved=st.none() | places)
    def put_before_a_skipped_one(self, which: int, moved: int | None) -> None:
        """Seldom hit by chance: a skipped step is neither pending nor past."""
        before = self.before_skipped()
        after = before[which % len(before)]
        if moved is None:
            self.insert_after(after, 1)
        else:
            self.move(moved, after)

    def before_skipped(self) -> list[int]:
        """Places right before a step that was skipped."""
        return [at for at, row in enumerate(self.rows[1:]) if row.status is StepStatus.SKIPPED]

    @rule(place=places, stops=st.booleans())
    def breakpoint(self, place: int, stops: bool) -> None:
        if (row := self.some(place)) is None:
            return
        refused = (self.steps.set_breakpoint if stops else self.steps.clear_breakpoint)(row.id)
        assert (refused is None) is (row.pending or not stops)
        if refused is None:
            row.stop = stops

    @rule()
    def pause(self) -> None:
        first = self.first()
        assert (self.steps.pause() is None) is (first is not None)
        if first is not None:
            self.rows[first].stop = True

    @rule()
    def resume(self) -> None:
        self.steps.resume()
        if (first := self.first()) is not None:
            self.rows[first].stop = False

    @rule()
    def drop_pending(self) -> None:
        self.steps.drop_pending()
        self.rows = [row for row in self.rows if not row.pending]

    @rule()
    def cancel_pending(self) -> None:
        self.steps.cancel_pending()
        for row in self.rows:
            row.status = StepStatus.CANCELLED if row.pending else row.status

    # -- running --------------------------------------------------------------------------------------------------

    def executable(self) -> Row | None:
        first = self.first()
        return None if first is None or self.rows[first].stop or self.failed else self.rows[first]

    @rule()
    def take_next(self) -> None:
        expected = None if self.driven else self.executable()
        taken = self.steps.take_next(1.0)
        assert (taken.id if taken else None) == (expected.id if expected else None)
        if expected is not None:
            expected.status = StepStatus.IN_FLIGHT
            self.driven = [expected]

    @rule(is_next=st.booleans())
    def take_nested(self, is_next: bool) -> None:
        expected = self.executable() if self.driven and is_next else None
        asked = expected.id if expected is not None else "nobody"
        assert (self.steps.take_nested(asked, 1.0) is not None) is (expected is not None)
        if expected is not None:
            expected.status = StepStatus.IN_FLIGHT
            self.driven.append(expected)

    @precondition(lambda self: self.driven)
    @rule(fails=st.booleans(), is_late=st.booleans())
    def end(self, fails: bool, is_late: bool) -> None:
        ended = self.steps.end("late" if is_late else self.driven[0].id, "broken" if fails else None, 2.0)
        assert ended is not is_late
        if is_late:
            return
        for row in self.driven:
            row.status = StepStatus.FAILURE if fails else StepStatus.SUCCESS
        self.failed, self.driven = fails, []

    @precondition(lambda self: self.failed and not self.driven)
    @rule()
    def retry(self) -> None:
        before = self.steps.view()
        again = self.steps.retried()
        assert self.steps.view() == before, "the list that failed stays as it is, for the history"
        self.steps, self.failed = again, False
        self.rows = [Row(r.id) if r.status is StepStatus.FAILURE else replace(r) for r in self.rows]

    # -- what always holds ----------------------------------------------------------------------------------------

    @invariant()
    def it_is_as_the_rows_say(self) -> None:
        assert [(s.id, s.status, s.has_breakpoint) for s in self.steps.view()] == [
            (row.id, row.status, row.stop) for row in self.rows
        ]
        assert self.steps.done == sum(row.status in DONE for row in self.rows)
        assert len(self.steps) == len(self.rows)

    @invariant()
    def at_most_one_is_driven_and_the_end_is_seen(self) -> None:
        driven = self.steps.driven
        assert (driven.id if driven else None) == (self.driven[0].id if self.driven else None)
        assert self.steps.is_finished is (not self.driven and (self.failed or self.first() is None))

    @invariant()
    def what_is_touched_is_in_the_list_or_gone(self) -> None:
        known = {row.id for row in self.rows}
        shown = {step.id for step in self.steps.view_of(step.id for step in self.steps.drain_touched())}
        assert shown <= known


def test_given_a_list_that_was_cancelled_when_retried_then_what_never_ran_is_not_counted_as_done() -> None:
    steps = StepList.of([Setup("ESW.t", "go")] * 2, ["s1", "s2"])
    steps.take_next(1.0)
    steps.cancel_pending()
    steps.end("s1", "broken", 2.0)
    assert steps.done == 1
    assert steps.retried().done == 0  # the failed one runs again, the other was kept from running


TestStepList = Steps.TestCase
TestStepList.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
