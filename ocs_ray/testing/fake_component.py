"""A component that does nothing and says it did: in place of a device or a sequencer a test is not about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ocs_ray.models.component_messages import Oneway, Submit, Validate
from ocs_ray.models.responses import Accepted, Cancelled, Completed, Error, Invalid, Locked
from ocs_ray.models.sequencer_messages import SubmitSequence
from ocs_ray.models.sequencer_replies import Ok

RUN_ID: Final = "fake-run"

FinalResponse = Completed | Error | Invalid | Cancelled | Locked


class FakeComponent:
    """Answers every command with Completed, or as it is told; ``observatory.put(name, FakeComponent().ask)``.

    Args:
        answers: command name -> final response, for the commands that shall not end well.
    """

    def __init__(self, answers: Mapping[str, FinalResponse] | None = None) -> None:
        self._answers = answers or {}

    async def ask(self, message: object) -> Any:
        """Take one message."""
        match message:
            case Submit(command=command):
                return self._answer(command.command_name)
            case SubmitSequence(sequence=sequence):
                answers = [self._answer(command.command_name) for command in sequence]
                return next((answer for answer in answers if answer.is_negative), Completed(run_id=RUN_ID))
            case Validate() | Oneway():
                return Accepted(run_id=RUN_ID)
            case _:
                return Ok()

    def _answer(self, command_name: str) -> FinalResponse:
        return self._answers.get(command_name, Completed(run_id=RUN_ID))
