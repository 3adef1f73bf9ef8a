"""What an actor starts carries its mark, so that it is found when the actor is gone."""

from __future__ import annotations

import os
from typing import Final

import ray

MARK: Final = "OCS_ACTOR"
"""In the environment of everything an actor starts; the value is the actor's id, which no other actor ever has."""


def mark_processes() -> str:
    """Let every process that this actor starts from now on carry its mark; gives the mark back."""
    actor_id = ray.get_runtime_context().get_actor_id()
    assert actor_id is not None, "only actors start processes"
    os.environ[MARK] = actor_id
    return actor_id
