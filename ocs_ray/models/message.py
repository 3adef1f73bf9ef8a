"""What every message between components has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """A frozen value; an unknown field is an error, so a misspelt name never passes in silence.

    Bytes are base64 in JSON.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, ser_json_bytes="base64", val_json_bytes="base64"
    )
