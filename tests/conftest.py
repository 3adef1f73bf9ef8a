"""The environment of every test process.

Ray reads these once, when it is imported, so they are set before any test module is: bound to loopback, protected by
a token of this run alone (Ray would otherwise write one into the home folder), tuned as at night.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings

from ocs_ray.location.environment import TUNING, client_settings

_folder = Path(tempfile.mkdtemp(prefix="ocs-test-"))
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
_token = _folder / "token"
_token.write_text(secrets.token_hex(32))
_token.chmod(0o600)
os.environ.update({**TUNING, **client_settings(_token)})
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
settings.register_profile("here", deadline=None)  # how long one example takes says nothing on a busy machine
settings.load_profile("here")
