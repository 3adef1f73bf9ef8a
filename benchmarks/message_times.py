"""How many seconds each message took to its script; scripts in the same process put it here."""

TOOK: list[float] = []
