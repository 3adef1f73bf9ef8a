from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.core.request_limits import MOST_BUCKETS, TokenBuckets, nests_deeper

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


def _depth(value: object) -> int:
    match value:
        case dict():
            return 1 + max((_depth(inner) for inner in value.values()), default=0)
        case list():
            return 1 + max((_depth(inner) for inner in value), default=0)
        case _:
            return 0


@given(JSON, st.booleans(), st.integers(1, 12))
def test_given_any_json_when_its_nesting_is_looked_at_then_it_is_that_of_the_document(
    value: object, plain: bool, most: int
) -> None:
    assert nests_deeper(json.dumps(value, ensure_ascii=plain).encode(), most) == (_depth(value) > most)


@given(st.text(alphabet='[]{}",\\a', max_size=200), st.integers(1, 20))
def test_given_any_text_when_it_is_let_through_then_it_is_flat_or_no_json(text: str, most: int) -> None:
    if nests_deeper(text.encode(), most):
        assert text.count("[") + text.count("{") > most
    else:
        with suppress(ValueError):
            assert _depth(json.loads(text)) <= most


@pytest.mark.parametrize(
    ("body", "is_deep"),
    [
        (b"[" * 1_000_000, True),
        (b"[]" * 500_000, False),
        (b"[]" * 500_001, True),  # too many to be looked at
        (b"[" * 64 + b"]" * 64, False),
        (b"[" * 65 + b"]" * 65, True),
        (b'{"a":[' * 33 + b"]}" * 33, True),
        (b'["' + b"[" * 100 + b'"]', False),
        (b'["\\"' + b"[" * 100, False),
        (b"", False),
    ],
)
def test_given_hostile_text_when_looked_at_then_strings_do_not_count_and_open_brackets_do(
    body: bytes, is_deep: bool
) -> None:
    assert nests_deeper(body, 64) is is_deep


def test_given_a_burst_when_it_is_used_up_then_one_waits_for_the_next_permit() -> None:
    buckets = TokenBuckets(per_s=2.0, burst=3)
    assert [buckets.take("a", 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert buckets.take("a", 0.0) == 0.5
    assert buckets.take("b", 0.0) == 0.0  # another caller has his own
    assert buckets.take("a", 0.5) == 0.0
    assert buckets.take("a", 0.5) == 0.5


@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=80),
    st.floats(0.5, 50),
    st.integers(1, 20),
)
def test_given_any_stream_when_limited_then_never_more_than_the_burst_and_the_rate(
    gaps: list[float], per_s: float, burst: int
) -> None:
    buckets, now, taken = TokenBuckets(per_s, burst), 0.0, 0
    for gap in gaps:
        now += gap
        wait_s = buckets.take("a", now)
        if wait_s == 0.0:
            taken += 1
        else:
            assert 0 < wait_s <= 1 / per_s
        assert taken <= burst + per_s * now + 1e-6


def test_given_many_callers_when_limited_then_only_so_many_are_remembered() -> None:
    buckets = TokenBuckets(1.0, 1)
    for number in range(MOST_BUCKETS + 500):
        buckets.take(str(number), 0.0)
    assert len(buckets) == MOST_BUCKETS
