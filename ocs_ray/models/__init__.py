"""The nouns and messages of ocs_ray, as frozen values that speak CSW's JSON.

Import what you need from the file that owns it (``from ocs_ray.models.commands import Setup``): nothing is
re-exported here, so that a program that needs one noun does not pay for all of them.
"""
