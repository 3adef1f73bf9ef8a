from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs_ray.errors import BadInputError
from ocs_ray.models.times import TAITime, UTCTime

EARLY, LATE = datetime(1900, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001  # strategies want naive bounds


@pytest.mark.parametrize("text", ["1970-01-01T00:00:00Z", "2021-09-17T09:17:08.608242344Z", "2021-09-17T09:17:08.50Z"])
def test_given_any_number_of_digits_when_read_then_the_text_stays(text: str) -> None:
    assert str(UTCTime(text)) == text
    assert str(TAITime(text)) == text
    assert pickle.loads(pickle.dumps(UTCTime(text))) == text


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "2021-09-17",
        "2021-09-17T09:17:08",
        "2021-09-17T09:17:08+00:00",
        "2021-02-30T00:00:00Z",
        "2021-09-17T24:00:01Z",
        "2021-09-17T09:17:08.0000000001Z",
        "2021-09-17T09:17:08.Z",
        "",
    ],
)
def test_given_text_that_is_no_time_when_read_then_it_is_refused(text: str) -> None:
    with pytest.raises(BadInputError):
        UTCTime(text)


def test_given_fractions_of_different_length_when_sorted_then_time_decides_and_not_the_text() -> None:
    texts = ["2021-01-01T00:00:00Z", "2021-01-01T00:00:00.05Z", "2021-01-01T00:00:00.5Z", "2021-01-01T00:00:01Z"]
    assert sorted(UTCTime(text) for text in reversed(texts)) == texts
    assert UTCTime(texts[0]) < UTCTime(texts[1]) <= UTCTime(texts[2])
    assert UTCTime(texts[3]) > UTCTime(texts[2]) >= UTCTime(texts[2])


def test_given_two_time_scales_when_compared_then_it_is_an_error() -> None:
    with pytest.raises(TypeError):
        _ = UTCTime("2021-01-01T00:00:00Z") < TAITime("2021-01-01T00:00:00Z")


def test_given_nanoseconds_when_a_datetime_is_asked_then_it_is_cut_to_microseconds() -> None:
    assert UTCTime("2021-09-17T09:17:08.608242999Z").datetime == datetime(2021, 9, 17, 9, 17, 8, 608242, tzinfo=UTC)
    assert TAITime("2021-09-17T09:17:08Z").datetime.tzinfo is None


def test_given_nanoseconds_then_none_is_lost_in_the_count() -> None:
    assert UTCTime("1970-01-02T00:00:00.000000001Z").epoch_nanoseconds == 86_400_000_000_001
    assert UTCTime("1969-12-31T23:59:59.5Z").epoch_nanoseconds == -500_000_000


def test_given_another_time_zone_when_made_from_a_datetime_then_it_is_the_same_instant() -> None:
    moment = datetime(2021, 9, 17, 11, 17, 8, 500000, tzinfo=timezone(timedelta(hours=2)))
    assert UTCTime.from_datetime(moment) == "2021-09-17T09:17:08.500Z"


def test_given_a_datetime_of_the_wrong_kind_when_made_then_it_is_refused() -> None:
    with pytest.raises(BadInputError, match="no time zone"):
        UTCTime.from_datetime(EARLY)
    with pytest.raises(BadInputError, match="has a time zone"):
        TAITime.from_datetime(EARLY.replace(tzinfo=UTC))


@settings(derandomize=True, deadline=None, database=None, max_examples=50)
@given(st.datetimes(min_value=EARLY, max_value=LATE), st.datetimes(min_value=EARLY, max_value=LATE))
def test_given_any_two_datetimes_when_made_times_then_they_come_back_and_keep_their_order(
    one: datetime, other: datetime
) -> None:
    first, second = UTCTime.from_datetime(one.replace(tzinfo=UTC)), UTCTime.from_datetime(other.replace(tzinfo=UTC))
    assert first.datetime.replace(tzinfo=None) == one
    assert TAITime.from_datetime(one).datetime == one
    assert (first < second) == (one < other) == (first.epoch_nanoseconds < second.epoch_nanoseconds)
