"""How long what an instance wrote is kept.

Source: seed 003, "accessible for a short time period"; transform-hub keeps it 195 s.
"""

from __future__ import annotations

from collections.abc import Sequence

from ocs_ray.models.instance_records import Segment


def expires_at(ended_unix_s: float, retention_s: float, *, at_once: bool = False) -> float:
    """When the channels of an instance that has ended are dropped, in seconds since 1970.

    Args:
        at_once: an operator asked for it (``kill --removeImmediately``).
    """
    return ended_unix_s if at_once else ended_unix_s + retention_s


def surplus(segments: Sequence[Segment], retention_bytes: int | None) -> tuple[Segment, ...]:
    """The oldest segments that can go while ``retention_bytes`` are still kept; never the last one.

    Args:
        segments: of one channel, the oldest first.
        retention_bytes: how much has to stay; None keeps all.
    """
    if retention_bytes is None:
        return ()
    spare = sum(segment.size for segment in segments) - retention_bytes
    gone: list[Segment] = []
    for segment in segments[:-1]:
        if segment.size > spare:
            break
        spare -= segment.size
        gone.append(segment)
    return tuple(gone)
