"""What an instance wrote and nobody could keep: while a disk is full the program goes on, and it is said in the end."""

from __future__ import annotations

from ocs_ray.models.instance_records import Channel, Terminated


class LostOutput:
    """Bytes that are lost, by channel."""

    def __init__(self) -> None:
        self._bytes: dict[Channel, int] = {}
        self._why = ""

    def add(self, channel: Channel, count: int, failure: OSError) -> None:
        """Some could not be kept.

        Args:
            count: how many, in bytes.
        """
        self._bytes[channel] = self._bytes.get(channel, 0) + count
        self._why = failure.strerror or str(failure)

    def told(self, how: Terminated | None) -> Terminated | None:
        """How the instance ended, with what was lost."""
        if how is None or not self._bytes:
            return how
        lost = ", ".join(f"{count} bytes of {channel}" for channel, count in self._bytes.items())
        return how.model_copy(update={"reason": f"{how.reason}; {lost} could not be kept: {self._why}"})
