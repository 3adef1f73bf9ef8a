"""Which names are meant, and what changed. Source: csw LocationService.scala, TrackingEvent.scala."""

from __future__ import annotations

import pytest

from ocs_ray.core.component_locations import change, find, select
from ocs_ray.models import wire
from ocs_ray.models.locations import LocationRemoved, LocationUpdated
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem

NAMES = ["IRIS.imager.filter-Assembly", "IRIS.imager.wheel-HCD", "TCS.dark-Sequencer", "anything", "ESW.m-Machine"]
FILTER = Prefix("IRIS.imager.filter")


def test_given_names_when_one_is_looked_for_then_prefix_and_type_both_count() -> None:
    found = find(NAMES, FILTER, ComponentType.Assembly)
    assert found is not None
    assert found.connection.name == "IRIS.imager.filter-Assembly-pekko"
    assert found.uri == "ray-actor://ocs/IRIS.imager.filter-Assembly"
    assert wire.encode(found)["_type"] == "PekkoLocation"
    assert find(NAMES, FILTER, ComponentType.HCD) is None
    assert find([], FILTER, ComponentType.Assembly) is None


@pytest.mark.parametrize(
    ("asked", "prefixes"),
    [
        ({}, ["ESW.m", "IRIS.imager.filter", "IRIS.imager.wheel", "TCS.dark"]),
        ({"component_type": ComponentType.HCD}, ["IRIS.imager.wheel"]),
        ({"subsystem": Subsystem.IRIS}, ["IRIS.imager.filter", "IRIS.imager.wheel"]),
        ({"prefix_start": "iris.imager.f"}, ["IRIS.imager.filter"]),
        ({"subsystem": Subsystem.TCS, "component_type": ComponentType.HCD}, []),
    ],
)
def test_given_names_when_listed_then_all_that_is_asked_for_must_fit(asked: dict, prefixes: list[str]) -> None:
    assert [location.connection.prefix for location in select(NAMES, **asked)] == prefixes


def test_given_two_looks_when_a_component_came_or_went_then_it_is_told_and_else_nothing() -> None:
    came = change(False, True, FILTER, ComponentType.Assembly)
    went = change(True, False, FILTER, ComponentType.Assembly)
    assert isinstance(came, LocationUpdated)
    assert isinstance(went, LocationRemoved)
    assert came.location.connection == went.connection
    assert change(True, True, FILTER, ComponentType.Assembly) is None
    assert change(False, False, FILTER, ComponentType.Assembly) is None
