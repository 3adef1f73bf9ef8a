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
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from ocs_ray.location.environment import TUNING, client_settings

_folder = Path(tempfile.mkdtemp(prefix="ocs-test-"))
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
_token = _folder / "token"
_token.write_text(secrets.token_hex(32))
_token.chmod(0o600)
os.environ.update({**TUNING, **client_settings(_token)})
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
THIS_RUN = "TESTS_OF_OCS_RAY"
"""Every process of a run of the tests inherits it, those of its clusters too."""
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ[THIS_RUN] = secrets.token_hex(8)
settings.register_profile("here", deadline=None)  # how long one example takes says nothing on a busy machine
settings.load_profile("here")


SHARE_A_CLUSTER = ("tests/system/test_demo.py", "tests/system/test_observing.py")


class ByFile(LoadScopeScheduling):
    """The tests of a file stay in one process, and so do the files that use one session-wide cluster.

    (pytest-xdist 3.8 would have ``--dist loadgroup`` for it; with pytest 9.2 that groups nothing, and does not say so.)
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return SHARE_A_CLUSTER[0] if file in SHARE_A_CLUSTER else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


def pytest_unconfigure(config: pytest.Config) -> None:
    """After Ctrl-C pytest-xdist ends its processes before their fixtures could end what they had started."""
    if not config.getoption("numprocesses", None):
        return
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(THIS_RUN) == os.environ[THIS_RUN]:
                process.kill()
