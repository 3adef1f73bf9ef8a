"""What is checked before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocs_ray.cli.observation_request import example_of, find_mode, find_target, read_sequence
from ocs_ray.errors import BadInputError

BROKEN = [
    ("", "this is not JSON"),
    ("{", "line 1"),
    ("[]", "the sequence has no commands"),
    ('{"_type": "Setup"}', "$"),
    ('[{"_type": "Setup", "source": "ESW.a", "commandName": "c"}]', "paramSet"),
    ('[{"_type": "Sing", "source": "ESW.a", "commandName": "c", "paramSet": []}]', "$[0]"),
    ('[{"_type": "Setup", "source": "ESW.a-b", "commandName": "c", "paramSet": []}]', "$[0].source"),
]


@pytest.mark.parametrize(("text", "named"), BROKEN)
def test_given_a_broken_sequence_file_when_it_is_read_then_file_and_place_are_named(
    text: str, named: str, tmp_path: Path
) -> None:
    file = tmp_path / "night.json"
    file.write_text(text)
    with pytest.raises(BadInputError) as refused:
        read_sequence(file)
    assert "night.json" in str(refused.value)
    assert named in str(refused.value)


def test_given_no_sequence_file_when_it_is_read_then_its_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"night\.json: there is no such sequence file"):
        read_sequence(tmp_path / "night.json")


@pytest.mark.parametrize(
    ("to", "prefix"),
    [
        (None, "ESW.IRIS_ImagerOnly"),
        ("IRIS", "IRIS.IRIS_ImagerOnly"),
        ("iris", "IRIS.IRIS_ImagerOnly"),
        ("TCS.IRIS_ImagerOnly", "TCS.IRIS_ImagerOnly"),
        ("ESW", "ESW.IRIS_ImagerOnly"),
    ],
)
def test_given_a_subsystem_or_a_prefix_when_it_is_one_of_the_mode_then_its_sequencer_is_meant(
    to: str | None, prefix: str, stage
) -> None:
    assert find_target(to, stage.mode()) == prefix


@pytest.mark.parametrize("to", ["WFOS", "IRIS.WFOS_Cal", "", "IRIS.IRIS_ImagerOnly.other", "no-prefix"])
def test_given_a_sequencer_the_mode_has_not_when_it_is_named_then_those_it_has_are_listed(to: str, stage) -> None:
    with pytest.raises(BadInputError, match="it has: ESW, IRIS, TCS"):
        find_target(to, stage.mode())


def test_given_a_variation_when_it_is_named_then_its_sequencer_is_meant(stage) -> None:
    mode = stage.mode().model_copy(update={"sequencers": {**stage.mode().sequencers, "IRIS.ONE": "/modes/one.py"}})
    mode = type(mode).model_validate(mode.model_dump())
    assert find_target("IRIS.one", mode) == "IRIS.IRIS_ImagerOnly.ONE"


def test_given_an_unknown_mode_when_it_is_asked_for_then_the_known_ones_are_listed(stage) -> None:
    with pytest.raises(BadInputError, match="unknown observing mode 'nope' \\(known: IRIS_ImagerOnly\\)"):
        find_mode("nope", {stage.mode().name: stage.mode()})


def test_given_a_mode_without_an_example_when_it_is_demonstrated_then_the_way_out_is_told(stage) -> None:
    with pytest.raises(BadInputError, match=r"ocs observe SEQUENCE\.json --mode IRIS_ImagerOnly"):
        example_of(stage.mode())
