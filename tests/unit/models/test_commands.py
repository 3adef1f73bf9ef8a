from __future__ import annotations

import pickle

import pytest
from pydantic import ValidationError

from ocs_ray.errors import BadInputError
from ocs_ray.models.commands import Observe, Sequence, SequenceCommand, Setup, Wait
from ocs_ray.models.identifiers import CommandName, ObsId
from ocs_ray.models.keys import int_key
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.wire import decode

KEY = int_key("a")


@pytest.mark.parametrize("kind", [Setup, Observe, Wait])
def test_given_plain_text_when_a_command_is_made_then_its_parts_are_typed(kind: type[Setup]) -> None:
    command = kind("esw.demo", "preset", "2020a-1-123", KEY.set(1), KEY.set(2))
    assert type(command.source) is Prefix
    assert type(command.command_name) is CommandName
    assert type(command.maybe_obs_id) is ObsId
    assert (command.source, command.maybe_obs_id) == ("ESW.demo", "2020A-001-123")
    assert command.param_set == (KEY.set(2),)
    assert command.kind == kind.__name__


def test_given_a_command_when_pickled_then_it_comes_back_equal() -> None:
    command = Setup("ESW.demo", "preset", ObsId("2020A-001-123")).add(KEY.set(1))
    back = pickle.loads(pickle.dumps(command))
    assert back == command
    assert type(back.source) is Prefix


def test_given_commands_then_their_kind_is_part_of_what_they_are() -> None:
    assert Setup("ESW.a", "x") != Observe("ESW.a", "x")
    assert len({Setup("ESW.a", "x"), Observe("ESW.a", "x"), Setup("ESW.a", "x")}) == 2


def test_given_a_command_when_changed_in_place_then_it_is_refused() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Setup("ESW.a", "x").command_name = CommandName("y")


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (("ESW-a", "x"), "Setup.source"),
        (("ESW.a", ""), "Setup.command_name"),
        (("ESW.a", 5), "Setup.command_name"),
        (("ESW.a", "x", "2020"), "Setup.maybe_obs_id"),
    ],
)
def test_given_a_bad_part_when_a_command_is_made_then_the_part_is_named(arguments: tuple[str, ...], where: str) -> None:
    with pytest.raises(BadInputError) as refused:
        Setup(*arguments)
    assert refused.value.where == where


def test_given_commands_when_made_a_sequence_then_it_is_a_frozen_tuple_of_them() -> None:
    first, second = Setup("ESW.a", "x"), Wait("ESW.a", "y")
    sequence = Sequence.of(first, second)
    assert sequence == Sequence([first, second])
    assert sequence.commands == (first, second)
    assert (len(sequence), list(sequence), sequence[1]) == (2, [first, second], second)
    assert sequence.commands[0] is first
    assert pickle.loads(pickle.dumps(sequence)) == sequence
    assert hash(sequence) == hash(Sequence.of(first, second))


def test_given_no_commands_when_made_a_sequence_then_it_is_accepted() -> None:
    assert len(Sequence()) == 0  # source: csw Sequence.create and its decoder accept an empty list
    assert decode(Sequence, []) == Sequence()


def test_given_something_else_than_a_command_when_made_a_sequence_then_its_place_is_told() -> None:
    with pytest.raises(BadInputError) as refused:
        Sequence([Setup("ESW.a", "x"), "y"])  # type: ignore[list-item]
    assert refused.value.where == "Sequence[1]"


def test_given_a_command_object_when_decoded_then_it_passes_as_it_is() -> None:
    command = Setup("ESW.a", "x")
    assert decode(SequenceCommand, command) is command
