from __future__ import annotations

import pickle

import pytest

from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import (
    CommandName,
    ExposureId,
    ExposureType,
    Id,
    ObsId,
    ObsMode,
    Variation,
    VariationInfo,
    sequencer_prefix,
)
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.models.validated_text import ValidatedText


def test_given_an_obs_id_then_its_parts_are_known() -> None:
    obs_id = ObsId("2020A-001-123")
    assert (obs_id.year, obs_id.semester, obs_id.program_number, obs_id.observation_number) == (2020, "A", 1, 123)


def test_given_short_numbers_when_an_obs_id_is_made_then_they_are_padded() -> None:
    assert ObsId("2020b-1-23") == "2020B-001-023"  # source: csw ObsId.scala, SemesterId.scala


@pytest.mark.parametrize("text", ["2020C-001-123", "2020A-000-123", "2020A-001-000", "2020A-1000-1", "Obs001", ""])
def test_given_another_form_when_an_obs_id_is_made_then_it_is_refused(text: str) -> None:
    with pytest.raises(BadInputError):
        ObsId(text)


def test_given_an_exposure_of_an_observation_then_its_parts_are_known() -> None:
    exposure = ExposureId("2020A-001-123-wfos-IMG-sci1-0001")
    assert exposure == "2020A-001-123-WFOS-IMG-SCI1-0001"
    assert exposure.obs_id == ObsId("2020A-001-123")
    assert exposure.subsystem is Subsystem.WFOS
    assert exposure.detector == "IMG"
    assert exposure.exposure_type is ExposureType.SCI
    assert (exposure.calibration_level, exposure.exposure_number, exposure.sub_array) == (1, 1, None)


def test_given_a_standalone_exposure_with_a_sub_array_then_it_has_no_obs_id() -> None:
    exposure = ExposureId("20200706-190204-IRIS-IFS-DRK0-0012-07")
    assert exposure.obs_id is None
    assert (exposure.subsystem, exposure.detector, exposure.exposure_type) == ("IRIS", "IFS", "DRK")
    assert (exposure.calibration_level, exposure.exposure_number, exposure.sub_array) == (0, 12, 7)


def test_given_parts_when_combined_then_they_make_the_exposure_id() -> None:
    made = ExposureId.of(ObsId("2020A-001-123"), "iris", "IMG", ExposureType.SKY, 1, 2)
    assert made == "2020A-001-123-IRIS-IMG-SKY1-0002"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("WFOS-IMG-SCI1-0001", "is not an exposure id"),
        ("2020A-001-123-WFOS-IMG-SCI1-1", "is not an exposure id"),
        ("2020A-001-123-WFSO-IMG-SCI1-0001", "unknown subsystem 'WFSO'"),
        ("2020A-001-123-WFOS-IMG-ABC1-0001", "unknown exposure type 'ABC'"),
        ("2020A-001-123-WFOS-IMG-SCI9-0001", "calibration level 9"),
        ("2020A-000-123-WFOS-IMG-SCI1-0001", "program number"),
        ("20201306-190204-WFOS-IMG-SCI1-0001", "no date and time that exists"),
    ],
)
def test_given_another_form_when_an_exposure_id_is_made_then_the_part_is_told(text: str, problem: str) -> None:
    with pytest.raises(BadInputError) as refused:
        ExposureId(text)
    assert problem in refused.value.problem


def test_given_a_sequencer_prefix_then_the_mode_ends_at_the_first_dot() -> None:
    assert ObsMode.from_prefix("IRIS.IRIS_ImagerAndIFS.IRIS_IFS.ONE") == "IRIS_ImagerAndIFS"  # source: esw ObsMode.from


def test_given_mode_and_variation_then_they_make_the_sequencer_prefix() -> None:
    assert sequencer_prefix("iris", "DarkNight") == Prefix("IRIS.DarkNight")
    assert sequencer_prefix(Subsystem.IRIS, ObsMode("DarkNight"), "IFS.ONE") == Prefix("IRIS.DarkNight.IFS.ONE")


@pytest.mark.parametrize(
    ("text", "subsystem", "variation", "prefix"),
    [("IRIS", "IRIS", None, "IRIS.Mode"), ("iris.var1.var2", "IRIS", "var1.var2", "IRIS.Mode.var1.var2")],
)
def test_given_a_variation_info_then_it_names_one_sequencer_of_a_mode(
    text: str, subsystem: str, variation: str | None, prefix: str
) -> None:
    info = VariationInfo(text)
    assert (info.subsystem, info.variation) == (subsystem, variation)
    assert info.sequencer_prefix("Mode") == prefix
    assert VariationInfo(str(info)) == info


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ObsMode, ""),
        (ObsMode, "a-b"),
        (ObsMode, "a.b"),
        (ObsMode, " a"),
        (Variation, ""),
        (Variation, "a-b"),
        (VariationInfo, "IRIS."),
        (VariationInfo, "NONE.a"),
        (VariationInfo, "IRIS.a-b"),
        (Id, ""),
        (CommandName, ""),
    ],
)
def test_given_text_that_breaks_a_rule_when_made_then_it_is_refused(kind: type[ValidatedText], text: str) -> None:
    with pytest.raises(BadInputError):
        kind(text)


@pytest.mark.parametrize(
    "value",
    [
        ObsId("2020A-001-123"),
        ExposureId("2020A-001-123-WFOS-IMG-SCI1-0001"),
        ObsMode("m"),
        Variation("a.b"),
        VariationInfo("IRIS.a"),
        Id("1"),
        CommandName("setup-iris"),
    ],
)
def test_given_an_identifier_when_pickled_then_type_and_text_stay(value: ValidatedText) -> None:
    back = pickle.loads(pickle.dumps(value))
    assert back == value
    assert type(back) is type(value)
