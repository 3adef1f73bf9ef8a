"""One question a file: ``just bench NAME``.

Ray reads its environment once, when it is imported: the floors get the same one as ours, hence here, before anything.
"""

import os

from ocs_ray.location.environment import LOOPBACK_ONLY, TUNING

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # workers that may not keep compiled files recompile Ray
for _name, _value in {**TUNING, **LOOPBACK_ONLY, "RAY_AUTH_MODE": "disabled"}.items():
    os.environ.setdefault(_name, _value)
