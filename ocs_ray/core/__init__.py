"""The rules, pure: no Ray, no asyncio, no clock, no random, no files, no logging."""
