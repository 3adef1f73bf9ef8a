"""A test kit for authors of scripts and devices: a whole observatory in one test, without Ray.

``from ocs_ray.testing.local_observatory import LocalObservatory`` is where to begin; ``fake_component`` stands in for
what a test is not about, and ``waiting`` waits with a deadline.
"""
