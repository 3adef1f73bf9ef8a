from __future__ import annotations

import pickle

import pytest
from pydantic import BaseModel, ValidationError

from ocs_ray.errors import BadInputError
from ocs_ray.models.prefix import ComponentId, ComponentType, Prefix, Subsystem


def test_given_dots_in_the_name_when_split_then_the_first_dot_counts() -> None:
    prefix = Prefix("iris.imager.filter")  # source: csw Prefix.scala, split at the first dot, upper case
    assert prefix == "IRIS.imager.filter"
    assert prefix.subsystem is Subsystem.IRIS
    assert prefix.component_name == "imager.filter"


def test_given_subsystem_and_name_when_combined_then_it_is_the_prefix() -> None:
    assert Prefix.of(Subsystem.Container, "c1") == Prefix.of("container", "c1") == "Container.c1"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ESW", "has no '.'"),
        ("ESW.dark-night", "holds a '-'"),
        ("ESW. night", "blanks at its ends"),
        ("ESW.night ", "blanks at its ends"),
        ("ESW.", "empty component name"),
        ("ESX.night", "unknown subsystem 'ESX' in 'ESX.night'"),
        ("", "has no '.'"),
        ("ESW.\ud800", "half a character"),
    ],
)
def test_given_text_that_is_no_prefix_when_made_then_the_problem_is_told(text: str, problem: str) -> None:
    with pytest.raises(BadInputError) as refused:
        Prefix(text)
    assert problem in refused.value.problem


def test_given_a_misspelt_subsystem_when_refused_then_the_nearest_one_is_named() -> None:
    with pytest.raises(BadInputError, match="did you mean 'IRIS'"):
        Prefix("IRSI.a")


def test_given_something_that_is_no_text_when_made_a_prefix_then_it_is_refused() -> None:
    with pytest.raises(BadInputError, match="found 5 where a prefix is expected"):
        Prefix(5)  # type: ignore[arg-type]


def test_given_a_prefix_when_pickled_then_it_comes_back_as_a_prefix() -> None:
    back = pickle.loads(pickle.dumps(Prefix("ESW.a.b")))
    assert type(back) is Prefix
    assert back.component_name == "a.b"


class Holder(BaseModel):
    prefix: Prefix
    table: dict[Prefix, int] = {}


def test_given_a_pydantic_field_when_filled_with_text_then_it_is_a_prefix_and_written_as_text() -> None:
    held = Holder.model_validate({"prefix": "esw.a", "table": {"tcs.b": 1}})
    assert type(held.prefix) is Prefix
    assert [type(key) for key in held.table] == [Prefix]
    assert held.model_dump(mode="json") == {"prefix": "ESW.a", "table": {"TCS.b": 1}}
    assert type(held.model_dump(mode="json")["prefix"]) is str
    assert held.model_dump_json() == '{"prefix":"ESW.a","table":{"TCS.b":1}}'


def test_given_a_pydantic_field_when_the_text_is_bad_then_pydantic_tells_our_problem() -> None:
    with pytest.raises(ValidationError, match="holds a '-'"):
        Holder(prefix=Prefix("ESW.a") + "-b")  # type: ignore[arg-type]


def test_given_any_case_when_read_then_the_component_type_is_exact() -> None:
    assert ComponentType("sequencecomponent") is ComponentType.SequenceComponent
    with pytest.raises(ValueError, match="not a valid"):
        ComponentType("robot")


def test_given_a_component_id_then_its_text_is_the_name_of_its_actor() -> None:
    assert str(ComponentId("iris.imager.filter", "assembly")) == "IRIS.imager.filter-Assembly"
    assert ComponentId("ESW.a", ComponentType.HCD) in {ComponentId("esw.a", "hcd")}


def test_given_a_bad_part_when_a_component_id_is_made_then_the_part_is_named() -> None:
    with pytest.raises(BadInputError) as refused:
        ComponentId("ESW.a", "hdc")
    assert refused.value.where == "ComponentId.component_type"
    assert refused.value.remedy.startswith("did you mean 'HCD'?")
