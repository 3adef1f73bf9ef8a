from __future__ import annotations

import pickle

import pytest

from ocs_ray.errors import BadInputError, MissingKeyError
from ocs_ray.models.commands import Setup
from ocs_ray.models.keys import int_key, long_key, string_key
from ocs_ray.models.params import Parameter
from ocs_ray.models.responses import Result
from ocs_ray.models.wire import decode

ENCODER, NAME = int_key("encoder"), string_key("name")
COMMAND = Setup("ESW.a", "preset").add(ENCODER.set(70, 80), NAME.set("x"))


def test_given_a_parameter_then_it_is_a_sequence_of_its_values() -> None:
    parameter = COMMAND[ENCODER]
    assert (parameter.head(), parameter[1], len(parameter), list(parameter)) == (70, 80, 2, [70, 80])
    assert pickle.loads(pickle.dumps(parameter)) == parameter


def test_given_an_empty_parameter_from_json_when_asked_for_its_head_then_that_is_told() -> None:
    empty = decode(Parameter, {"IntKey": {"keyName": "a", "values": [], "units": "NoUnits"}})
    assert len(empty) == 0
    assert empty  # it is there all the same
    with pytest.raises(BadInputError, match="'a' \\(IntKey\\) has no values"):
        empty.head()


def test_given_a_command_when_parameters_are_added_then_the_old_one_is_untouched() -> None:
    more = COMMAND.add(int_key("more").set(1))
    assert (len(COMMAND.param_set), len(more.param_set)) == (2, 3)


def test_given_the_same_name_when_added_then_the_last_one_wins() -> None:
    # source: csw ParameterSetType.scala, doAdd removes by keyName, also when the type differs
    changed = COMMAND.add(ENCODER.set(1), long_key("encoder").set(2))
    assert len(changed.param_set) == 2
    assert changed[long_key("encoder")].head() == 2
    assert ENCODER not in changed


def test_given_a_key_when_looked_up_then_name_and_type_must_match() -> None:
    assert COMMAND.get(ENCODER) == ENCODER.set(70, 80)
    assert COMMAND.get(long_key("encoder")) is None
    assert ENCODER in COMMAND
    assert COMMAND.exists(NAME)
    assert not COMMAND.exists(int_key("other"))


def test_given_no_such_key_when_looked_up_then_the_error_names_key_type_and_owner() -> None:
    with pytest.raises(MissingKeyError) as missing:
        _ = COMMAND[long_key("encoder")]
    assert str(missing.value) == "command 'preset' does not contain the parameter 'encoder' (LongKey)"
    with pytest.raises(MissingKeyError, match=r"^result does not"):
        _ = Result()[ENCODER]


def test_given_keys_when_removed_then_only_theirs_are_gone() -> None:
    assert COMMAND.remove(ENCODER, long_key("name")).param_set == (NAME.set("x"),)


def test_given_another_order_when_compared_then_the_sets_are_equal() -> None:
    # source: csw, paramSet is a Set
    swapped = Setup("ESW.a", "preset").add(NAME.set("x"), ENCODER.set(70, 80))
    assert swapped == COMMAND
    assert hash(swapped) == hash(COMMAND)
    assert swapped != COMMAND.add(ENCODER.set(1))
    assert swapped != Setup("ESW.b", "preset").add(*COMMAND.param_set)
    assert swapped != "something else"


def test_given_something_that_is_no_parameter_when_added_then_it_is_refused() -> None:
    with pytest.raises(BadInputError, match="found 5 where a parameter is expected"):
        COMMAND.add(5)  # type: ignore[arg-type]
