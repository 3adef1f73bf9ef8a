"""Structured logs; metrics come with the gateway."""
