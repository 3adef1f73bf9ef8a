from __future__ import annotations

import math
import pickle

import pytest

from ocs_ray.errors import BadInputError
from ocs_ray.models.coordinates import AltAzCoord, Angle, EqCoord, EqFrame, SolarSystemCoord, SolarSystemObject
from ocs_ray.models.wire import encode


def test_given_degrees_when_made_an_angle_then_it_counts_micro_arcseconds() -> None:
    assert Angle.from_degrees(180) == 648_000_000_000  # source: csw Angle.scala
    assert Angle.from_arcsec(0.5) == 500_000
    assert Angle.from_degrees(-0.1).degrees == pytest.approx(-0.1)
    assert Angle.from_degrees(180).radians == pytest.approx(math.pi)
    assert Angle(1_500_000).arcsec == 1.5


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_given_no_finite_number_when_made_an_angle_then_it_is_refused(value: float) -> None:
    with pytest.raises(BadInputError, match="is not an angle"):
        Angle.from_degrees(value)


def test_given_degrees_and_tag_when_made_equatorial_coordinates_then_the_rest_is_csw_s_default() -> None:
    assert encode(EqCoord.of(ra_degrees=165, dec_degrees=40, tag="BASE")) == {
        "_type": "EqCoord",
        "tag": "BASE",
        "ra": 594000000000,
        "dec": 144000000000,
        "frame": "ICRS",
        "catalogName": "none",
        "pm": {"pmx": 0.0, "pmy": 0.0},
    }


def test_given_coordinates_when_pickled_hashed_and_compared_then_they_are_values() -> None:
    one = AltAzCoord.of(alt_degrees=45, az_degrees=10)
    assert pickle.loads(pickle.dumps(one)) == one
    assert len({one, AltAzCoord.of(alt_degrees=45, az_degrees=10), SolarSystemCoord.of(SolarSystemObject.Mars)}) == 2
    assert type(pickle.loads(pickle.dumps(one)).alt) is Angle


def test_given_a_wrong_part_when_made_then_the_part_is_named() -> None:
    with pytest.raises(BadInputError) as refused:
        EqCoord.of(ra_degrees=0, dec_degrees=0, frame="ICSR")  # type: ignore[arg-type]
    assert refused.value.where == "EqCoord.frame"
    assert refused.value.remedy == f"did you mean 'ICRS'? allowed: {', '.join(EqFrame)}"
    with pytest.raises(BadInputError):
        EqCoord.of(ra_degrees=0, dec_degrees=0, pmx=math.nan)
