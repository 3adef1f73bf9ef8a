"""What went through an observatory, as a test wants to read it."""

from __future__ import annotations

from typing import NamedTuple

from ocs_ray.models.actor_names import actor_name, parse_actor_name
from ocs_ray.models.commands import ControlCommand, SequenceCommand
from ocs_ray.models.component_messages import Oneway, Submit
from ocs_ray.models.event_messages import Publish
from ocs_ray.models.events import Event
from ocs_ray.models.prefix import ComponentType
from ocs_ray.models.sequencer_messages import SubmitSequence


class Sent(NamedTuple):
    """One message that went through the observatory, and to whom."""

    name: str
    message: object


class Traffic:
    """Every message that was sent, in order."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    @property
    def published(self) -> list[Event]:
        """Every event so far, in order."""
        return [sent.message.event for sent in self.sent if isinstance(sent.message, Publish)]

    def commands_to(self, prefix: str) -> list[ControlCommand]:
        """The commands a device got so far, in order."""
        to_device = [sent.message for sent in self.sent if sent.name.startswith(f"{prefix}-")]
        return [message.command for message in to_device if isinstance(message, Submit | Oneway)]

    def steps_to(self, prefix: str) -> list[SequenceCommand]:
        """The commands a sequencer got so far in sequences, in order."""
        name = actor_name(prefix, ComponentType.Sequencer)
        sequences = [
            sent.message.sequence
            for sent in self.sent
            if sent.name == name and isinstance(sent.message, SubmitSequence)
        ]
        return [command for sequence in sequences for command in sequence]

    def story(self, *, events_of: str = "") -> list[str]:
        """What happened, in order and in words: ``IRIS.imager.filter <- SELECT`` or ``ObserveEvent.PresetStart``.

        Args:
            events_of: prefix of the component whose events are told; everybody's when left out.
        """
        told: list[str] = []
        for name, message in self.sent:
            match message:
                case Submit(command=command) | Oneway(command=command):
                    told.append(f"{parse_actor_name(name)[0]} <- {command.command_name}")
                case SubmitSequence(sequence=sequence):
                    told.extend(f"{parse_actor_name(name)[0]} <- {command.command_name}" for command in sequence)
                case Publish(event=event) if event.source == (events_of or event.source):
                    told.append(event.event_name)
        return told
