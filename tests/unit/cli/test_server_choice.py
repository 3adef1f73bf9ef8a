"""``ocs --server``: the verbs through a gateway, from a process that has no Ray."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ocs_ray.cli import main
from ocs_ray.errors import BadInputError
from ocs_ray.models import typed_json, wire
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.manager_replies import ManagerStatus, ObsModeDetails, ObsModesDetails, Success
from ocs_ray.models.prefix import Subsystem

REPLIES = {
    "GetManagerStatus": ManagerStatus(state="Idle", agents=(), silent_agents=(), running_obs_modes=(), pid=1),
    "GetObsModesDetails": ObsModesDetails(
        obs_modes=(
            ObsModeDetails(
                obs_mode=ObsMode("Far"),
                status="Configurable",
                resources=(Subsystem.IRIS,),
                sequencers=(VariationInfo("ESW"),),
            ),
        )
    ),
    "Configure": Success(),
    "KillComponent": BadInputError("", "nobody", ""),
}
BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name == "ray" or name.startswith("ray."):
            raise ImportError("Ray is not here")
sys.meta_path.insert(0, Block())
from ocs_ray.cli.main import main
main()
"""


class Gateway(BaseHTTPRequestHandler):
    """Answers messages with the replies above; asks for a token."""

    def do_GET(self) -> None:
        self._say(200, {"names": ["ESW.sequence_manager-Service"]})

    def do_POST(self) -> None:
        message = wire.parse_json(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("Authorization") != "Bearer ocs_secret":
            self._say(401, {"detail": "this needs a token"})
        else:
            self._say(200, {"reply": typed_json.encode(REPLIES[message["kind"]])})

    def _say(self, status: int, said: object) -> None:
        body = wire.encode_text(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is no project, with a token."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OCS_PROJECT", str(tmp_path))
    for name in ("OCS_SERVER", "OCS_TOKEN", "OCS_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "token").write_text("ocs_secret\n")
    return tmp_path


def test_given_no_ray_when_verbs_go_through_a_gateway_then_they_work(url: str, laptop: Path) -> None:
    command = [sys.executable, "-c", BLOCKED, "--server", url, "--token-file", str(laptop / "token")]
    wanted_of = {("status", "--json"): '"state": "Idle"', ("modes",): "Far", ("configure", "Far"): "Far"}
    for arguments, wanted in wanted_of.items():
        ended = subprocess.run(
            [*command, *arguments], check=False, capture_output=True, text=True, timeout=90, cwd=laptop
        )
        assert (ended.returncode, ended.stderr.count("Traceback")) == (0, 0), ended
        assert wanted in ended.stdout, ended


def test_given_the_server_in_the_environment_when_a_verb_is_run_then_it_goes_there(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCS_SERVER", url)
    monkeypatch.setenv("OCS_TOKEN", "ocs_secret")
    assert main.run(["status"]) == 0
    assert url in capsys.readouterr().out


def test_given_no_token_when_the_gateway_wants_one_then_it_is_told_in_one_line(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["--server", url, "status"]) == 2
    told = capsys.readouterr().err
    assert "this needs a token" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("verb", [["up"], ["down"], ["token", "list"]])
def test_given_a_server_when_a_verb_is_for_the_clusters_machine_then_it_is_refused(
    url: str, verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["--server", url, *verb]) == 2
    assert f"does not work through {url}" in capsys.readouterr().err


def test_given_a_server_when_provision_is_not_told_what_then_it_asks_for_it(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["--server", url, "provision"]) == 2
    assert "ocs provision ESW.machine1=2" in capsys.readouterr().err


def test_given_an_option_for_the_token_itself_when_it_is_used_then_there_is_none(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["--server", url, "--token", "ocs_secret", "status"]) == 2
    assert "ocs_secret" not in capsys.readouterr().err
