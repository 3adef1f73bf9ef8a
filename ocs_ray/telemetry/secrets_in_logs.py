"""No secret gets into a log: whatever looks like a token is blanked in every line."""

from __future__ import annotations

import re
from typing import Final

BLANK: Final = "(hidden)"
_SECRETS: Final = re.compile(
    r"(?P<before>\bbearer\s+|\b(?:access_token|authorization)(?:=|%3[dD]|[\"'\\]*:\s*[\"'\\]*)(?:bearer(?:\s+|\+|%20))?)"
    r"[^\s\"'\\&,;]+"
    r"|\bocs_[A-Za-z0-9_-]{20,}"  # a token of `ocs token`
    r"|\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*",  # a JWT, with or without its signature
    re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    """The text with every token in it blanked."""
    return _SECRETS.sub(lambda found: (found["before"] or "") + BLANK, text)
