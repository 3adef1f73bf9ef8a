from __future__ import annotations

import pickle
from typing import Any

import pytest

from ocs_ray.errors import BadInputError
from ocs_ray.models.locations import (
    INSIDE,
    Connection,
    HttpRegistration,
    Location,
    LocationRemoved,
    PekkoLocation,
    Registration,
)
from ocs_ray.models.prefix import ComponentId
from ocs_ray.models.wire import decode, encode

PEKKO = Connection("tcs.filter.wheel", "hcd", "pekko")
HTTP = Connection("TCS.filter.wheel", "HCD", "http")


def test_given_a_connection_then_its_name_is_csw_s() -> None:
    assert PEKKO.name == str(PEKKO) == "TCS.filter.wheel-HCD-pekko"  # source: csw Connection.scala
    assert PEKKO.component_id == ComponentId("TCS.filter.wheel", "HCD")


def test_given_a_location_then_it_is_a_value() -> None:
    one = PekkoLocation(connection=PEKKO, uri="x", metadata={"PID": "1"})
    assert pickle.loads(pickle.dumps(one)) == one
    assert len({one, PekkoLocation(connection=PEKKO, uri="x", metadata={"PID": "1"})}) == 1
    assert LocationRemoved(connection=PEKKO).connection is PEKKO


def test_given_a_registration_then_python_names_make_csw_s_json() -> None:
    made = HttpRegistration(connection=HTTP, port=80, path="p", network_type=INSIDE, metadata={})
    assert encode(made)["networkType"] == {"_type": "Inside"}
    assert decode(Registration, encode(made)) == made


def test_given_a_connection_of_another_type_than_the_location_when_read_then_it_is_refused() -> None:
    # source: esw-ts LocationDecoders.ts, connectionType must agree with _type
    raw: Any = {"_type": "PekkoLocation", "connection": encode(HTTP), "uri": "x", "metadata": {}}
    with pytest.raises(BadInputError) as refused:
        decode(Location, raw)
    assert refused.value.where == "$.connection.connectionType"
    assert refused.value.problem == "found 'http' where 'pekko' is expected"


def test_given_metadata_that_is_no_text_when_read_then_its_key_is_told() -> None:
    raw: Any = {"_type": "PekkoLocation", "connection": encode(PEKKO), "uri": "x", "metadata": {"PID": 4242}}
    with pytest.raises(BadInputError) as refused:
        decode(Location, raw)
    assert (refused.value.where, refused.value.problem) == ("$.metadata.PID", "found 4242 where text is expected")
