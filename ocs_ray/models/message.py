"""What every message between components has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """A frozen value; an unknown field is an error, so a misspelt name never passes in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
