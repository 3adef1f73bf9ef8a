"""Expected: case 14 of scramjet.md section 9; retention by section 8 and case 23."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.core.instance_limits import LimitReached, PlatformLimits, Population, admit
from ocs_ray.core.retention import expires_at, surplus
from ocs_ray.models.instance_records import Segment
from ocs_ray.models.package_manifest import DEFAULT_RETENTION_S, InstanceLimits


def test_given_a_limit_of_five_when_a_sixth_starts_then_the_reason_is_told_and_it_works_once_one_ends() -> None:
    # case 14
    refused = admit(Population(5, 5), PlatformLimits(), "a@1.0.0", InstanceLimits(instances=5))
    assert refused == LimitReached(
        5, "5 instances of a@1.0.0 are alive and its package.json allows 5; one has to end first"
    )
    assert admit(Population(4, 4), PlatformLimits(), "a@1.0.0", InstanceLimits(instances=5)) is None


def test_given_a_full_platform_when_another_package_starts_then_the_platform_is_named() -> None:  # case 14
    refused = admit(Population(8, 0), PlatformLimits(instances=8), "a@1.0.0", InstanceLimits())
    assert refused is not None
    assert "the platform allows 8" in refused.text


def test_given_a_package_that_wants_more_than_it_is_granted_when_full_then_the_platform_counts() -> None:  # case 14
    refused = admit(Population(2, 2), PlatformLimits(per_package=2), "a@1.0.0", InstanceLimits(instances=9))
    assert refused is not None
    assert refused.limit == 2


def test_given_the_default_when_an_instance_ends_then_its_channels_expire_195_s_later() -> None:  # case 23
    assert expires_at(1000.0, DEFAULT_RETENTION_S) == 1195.0
    assert expires_at(1000.0, DEFAULT_RETENTION_S, at_once=True) == 1000.0


@given(st.lists(st.integers(0, 100), max_size=20), st.none() | st.integers(1, 500))
def test_given_any_segments_when_some_can_go_then_enough_stays_and_no_more_could_go(
    sizes: list[int], retention_bytes: int | None
) -> None:  # case 23
    segments = [Segment(sum(sizes[:n]), size) for n, size in enumerate(sizes)]
    gone = surplus(segments, retention_bytes)
    left = segments[len(gone) :]
    assert list(gone) == segments[: len(gone)]
    assert left or not segments
    if retention_bytes is None:
        assert not gone
    elif gone:
        assert sum(s.size for s in left) >= retention_bytes
    if retention_bytes is not None and len(left) > 1:
        assert sum(s.size for s in left[1:]) < retention_bytes
