"""``ocs demo`` from nothing to nothing, and what a person can do while an observation runs."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
from pathlib import Path
from typing import Any

import yaml

REPO = Path(__file__).parents[2]
WFOS = ("observe", str(REPO / "obsmodes" / "WFOS_Cal" / "example_sequence.json"), "--mode", "WFOS_Cal")


class Terminal:
    """A command on a terminal of 110 columns, and what stands on the screen so far."""

    def __init__(self, ocs: Any, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 110, 0, 0))
        environment = {k: v for k, v in ocs.environment.items() if k not in ("NO_COLOR", "COLUMNS")} | {"TERM": "xterm"}
        self.process = subprocess.Popen(
            ocs.command(*arguments), stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=ocs.project
        )
        os.close(slave)
        self._text, self._grew = "", threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while read := os.read(self._master, 65536):
                with self._grew:
                    self._text += read.decode(errors="replace")
                    self._grew.notify_all()
        except OSError:  # how a terminal tells that nobody is on the other side any more
            return

    def wait_for(self, text: str, timeout_s: float = 60) -> None:
        with self._grew:
            assert self._grew.wait_for(lambda: text in self._text, timeout_s), f"no '{text}' in {self._text}"

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def press(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def end(self) -> int:
        code = self.process.wait(60)
        self._reader.join(10)
        os.close(self._master)
        return code


def small_cluster(folder: Path) -> Path:
    """The default cluster file with the machines of WFOS_Cal alone: it starts sooner."""
    content = yaml.safe_load((REPO / "cluster" / "local.yaml").read_text())
    for section in ("machines", "provision", "devices"):
        content[section] = {k: v for k, v in content[section].items() if k in ("ESW.machine1", "WFOS.machine1")}
    file = folder / "small.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def test_given_nothing_when_the_demo_runs_then_it_completes_and_leaves_nothing(ocs: Any) -> None:
    ended = ocs("demo")
    assert ended.code == 0, ended
    assert "IRIS_ImagerAndIFS: Completed" in ended.out
    assert "event ObserveEvent.ExposureEnd IRIS.ifs.detector exposureId=" in ended.out
    assert "IRIS.IRIS_ImagerAndIFS step 1/1 singleExposure Success" in ended.out
    ocs.assert_nothing_is_left()


def test_given_no_terminal_when_an_observation_that_brought_the_cluster_up_is_interrupted_then_nothing_is_left(
    ocs: Any, tmp_path: Path
) -> None:
    ocs.environment["OCS_CLUSTER_FILE"] = str(small_cluster(tmp_path))
    running = ocs.start("demo", "--mode", "WFOS_Cal", "--time-factor", "1", "--json")
    running.wait_for("step 1/")
    running.press(signal.SIGINT)
    ended = running.end()
    assert ended.code == 1, ended
    assert ended.document["response"]["_type"] == "Cancelled"
    assert "ocs: the sequence was cancelled" in ended.err
    assert "Traceback" not in ended.err
    ocs.assert_nothing_is_left()


def test_given_a_cluster_that_was_up_when_an_observation_is_terminated_then_it_is_aborted_and_the_cluster_stays(
    night: Any,
) -> None:
    running = night.start(*WFOS, "--time-factor", "1")
    running.wait_for("step 1/")
    running.press(signal.SIGTERM)
    ended = running.end()
    assert ended.code == 1, ended
    assert "WFOS_Cal: Cancelled" in ended.out
    (top,) = [s for s in night.good("status", "--json").document["sequencers"] if s["prefix"] == "ESW.WFOS_Cal"]
    assert top["state"] == "Idle"


def test_given_a_terminal_when_ctrl_c_is_answered_with_abort_then_live_display_question_and_table_were_shown(
    night: Any,
) -> None:
    terminal = Terminal(night, *WFOS, "--time-factor", "0.2")
    for shown in ("configuring WFOS_Cal", "run ", "WFOS.WFOS_Cal", "InFlight", "ObservationStart"):
        terminal.wait_for(shown)
    terminal.press()
    terminal.wait_for("Abort the sequence (a), or leave it running (l)?")
    terminal.type("a\n")
    terminal.wait_for("WFOS_Cal: Cancelled")
    assert terminal.end() == 1


def test_given_a_terminal_when_ctrl_c_is_pressed_twice_then_the_sequence_goes_on_without_the_command(
    night: Any,
) -> None:
    terminal = Terminal(night, *WFOS, "--time-factor", "1")
    terminal.wait_for("run ")
    terminal.press()
    terminal.wait_for("Abort the sequence (a), or leave it running (l)?")
    terminal.press()
    terminal.wait_for("the sequence goes on in ESW.WFOS_Cal")
    assert terminal.end() == 130
    (top,) = [s for s in night.good("status", "--json").document["sequencers"] if s["prefix"] == "ESW.WFOS_Cal"]
    assert top["state"] == "Running"
