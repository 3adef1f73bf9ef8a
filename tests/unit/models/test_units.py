from __future__ import annotations

import pytest

from ocs_ray.models.units import Units


@pytest.mark.parametrize(  # source: csw Units.scala
    ("units", "symbol"),
    [
        (Units.degree, "deg"),
        (Units.NoUnits, "none"),
        (Units.micrometer, "µm"),
        (Units.microarcsec, "µas"),
        (Units.mas, "mas"),
        (Units.utc, "UTC"),
    ],
)
def test_given_units_then_the_symbol_is_csw_s(units: Units, symbol: str) -> None:
    assert units.symbol == symbol


def test_given_any_case_when_read_then_the_units_are_found() -> None:
    assert Units("NOUNITS") is Units.NoUnits
    assert Units("Degree") is Units.degree
    assert len({unit.lower() for unit in Units}) == len(Units)


def test_given_an_unknown_name_when_read_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="not a valid"):
        Units("parsecs")
