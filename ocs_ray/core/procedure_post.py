"""The mailboxes of one script: what waits for the machine, what for the script, and what has been followed.

Source: reference isa88.md section 4, 'not chosen'.
"""

from __future__ import annotations

from typing import Final

from ocs_ray.core.mailbox import Letter, Mailbox
from ocs_ray.core.procedure_script import PULLS_UP
from ocs_ray.core.procedure_states import leads_to, next_state
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState

TOPIC: Final = "cmd"
"""The topic whose commands drive the machine; every other topic is a mailbox and nothing more."""


TOPICS: Final = 100
"""How many topics may have letters, ``cmd`` among them, so that a sender gone wild fills no memory."""


class Post:
    """One mailbox a topic, and the letters that are not in one while the sequencer is asked to start."""

    def __init__(self) -> None:
        self._boxes: dict[str, Mailbox] = {}
        self.start_asked: list[Letter] = []

    def box(self, topic: str = TOPIC) -> Mailbox:
        """A topic's mailbox."""
        found = self._boxes.get(topic)
        if found is None:
            found = self._boxes[topic] = Mailbox()
        return found

    def no_room(self, topic: str) -> str:
        """Why a topic takes no more letters; empty when it does. What is read out is forgotten, box and all."""
        self._boxes = {name: box for name, box in self._boxes.items() if name == TOPIC or len(box)}
        if topic != TOPIC and topic not in self._boxes and len(self._boxes) >= TOPICS:
            return f"{TOPICS} topics have letters that were not read"
        return "the mailbox is full" if self.box(topic).is_full else ""

    def waiting(self) -> list[tuple[Letter, ProcedureCommand]]:
        """The letters that wait for a state; the others were followed, or are the script's alone."""
        box = self.box()
        if not len(box):  # every state of every run looks here
            return []
        return [
            (letter, letter.command)
            for letter in box.letters
            if letter.accepted_in is None and not letter.is_for_script and letter.command is not None
        ]

    def asks_to_hold(self, state: ProcedureState) -> ProcedureCommand | None:
        """The first HOLD or SUSPEND that waits although ``state`` accepts it."""
        waiting = (command for _, command in self.waiting() if command in PULLS_UP)
        return next((command for command in waiting if next_state(state, command) is not None), None)

    def expected(self, state: ProcedureState) -> ProcedureState:
        """Where the machine will stand when all that waits has been followed, starting from ``state``."""
        for _, command in self.waiting():
            state = leads_to(state, command) or state
        return state

    def forget_followed(self) -> None:
        """A command that was followed without the script's asking is no news to it any more."""
        self.box().take(lambda one: one.accepted_in is not None)

    def left_by_the_run(self) -> list[Letter]:
        """Take out what only its script would have read; those whose senders wait for word."""
        self.forget_followed()
        left = self.box().take(lambda one: one.is_for_script)
        for topic, box in self._boxes.items():
            if topic != TOPIC:
                left += box.take(lambda _: True)
        return left

    @property
    def goes_on(self) -> bool:
        """Whether a command waits that ends the hold the machine is on its way to."""
        return any(command in (ProcedureCommand.RESUME, ProcedureCommand.UNSUSPEND) for _, command in self.waiting())

    def left_at_rest(self) -> list[Letter]:
        """Take out what would wait for ever, or for another run; nothing while a start has been asked for."""
        if self.start_asked:
            return []
        return self.box().take(lambda one: one.accepted_in is None)
