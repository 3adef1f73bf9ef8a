"""Script packages: pack, check, keep, and what their instances write."""
