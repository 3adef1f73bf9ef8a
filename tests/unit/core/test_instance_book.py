"""What the package service believes when it is told the same thing twice, late, or out of order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.core.instance_book import InstanceBook
from ocs_ray.models.identifiers import Id
from ocs_ray.models.instance_messages import InstanceTask
from ocs_ray.models.instance_records import InstanceRecord, InstanceStatus, Terminated
from ocs_ray.models.package_names import Digest, PackageName, PackageVersion

DIGEST = Digest("sha256:" + "0" * 64)
RECORD = InstanceRecord(
    id=Id("one"), digest=DIGEST, name=PackageName("p"), version=PackageVersion("1.0.0"), created_unix_s=0
)


def at(status: InstanceStatus, run: int = 1) -> InstanceRecord:
    return RECORD.model_copy(update={"status": status, "run": run})


@given(st.lists(st.sampled_from(list(InstanceStatus)), max_size=12))
def test_given_news_in_any_order_when_learned_then_the_status_never_goes_back(told: list[InstanceStatus]) -> None:
    book, order = InstanceBook(), list(InstanceStatus)
    book.begin(InstanceTask(record=RECORD, main="index.py"))
    for status in told:
        before = book.get("one").status
        book.learn(at(status))
        after = book.get("one").status
        assert order.index(after) >= order.index(before)
        assert not before.is_final or after is before


def test_given_a_restart_when_the_run_before_is_told_late_then_the_new_one_stands() -> None:
    book = InstanceBook()
    book.begin(InstanceTask(record=RECORD, main="index.py"))
    book.learn(at(InstanceStatus.COMPLETED))
    book.begin(InstanceTask(record=at(InstanceStatus.INITIALIZING, run=2), main="index.py"))
    assert not book.learn(at(InstanceStatus.ERRORED, run=1))
    assert book.learn(at(InstanceStatus.RUNNING, run=2))
    assert not book.learn(at(InstanceStatus.STARTING, run=2))
    assert [record.status for record in book.runs(Id("one"))] == [InstanceStatus.COMPLETED, InstanceStatus.RUNNING]


LOST = Terminated(exit_code=213, reason="its machine was lost")


def test_given_a_run_that_was_given_up_when_it_is_told_to_be_alive_then_it_is_over() -> None:
    book = InstanceBook()
    book.begin(InstanceTask(record=RECORD, main="index.py"))
    assert not book.is_over(at(InstanceStatus.RUNNING))
    lost = at(InstanceStatus.ERRORED).model_copy(update={"terminated": LOST})
    book.learn(lost)
    assert book.is_over(at(InstanceStatus.RUNNING))
    assert not book.is_over(at(InstanceStatus.COMPLETED))
    assert book.given_up() == [lost]


def test_given_a_run_that_was_given_up_and_restarted_when_told_of_both_then_only_the_first_is_over() -> None:
    book = InstanceBook()
    book.begin(InstanceTask(record=RECORD, main="index.py"))
    book.learn(at(InstanceStatus.ERRORED).model_copy(update={"terminated": LOST}))
    book.begin(InstanceTask(record=at(InstanceStatus.INITIALIZING, run=2), main="index.py"))
    assert book.is_over(at(InstanceStatus.RUNNING, run=1))
    assert not book.is_over(at(InstanceStatus.RUNNING, run=2))


def test_given_a_run_nobody_began_here_when_told_of_then_it_is_not_over() -> None:
    assert not InstanceBook().is_over(at(InstanceStatus.RUNNING))
