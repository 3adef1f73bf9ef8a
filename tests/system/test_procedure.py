"""Operators hold, resume and stop an observation; a weather event suspends one, and its end lets it go on."""

from __future__ import annotations

import copy
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).parents[2]
MODE, WEATHER = "IRIS_ImagerAndIFS", "IRIS_Weather"
TOP, IRIS = f"ESW.{MODE}", f"IRIS.{MODE}"
FAST = ("--time-factor", "0.05")
INTEGRATION_MS = 200_000
"""10 s at this factor: long enough for a command that is started in the middle of an exposure."""
SHORT_MS = 4_000
WAIT = ("--wait",)
RULE = "suspend_when: {event: TCS.weather.wind, key: speed, above: 20}\n"
PUBLISH = """
import asyncio, sys
from ocs_ray.client import Events, connect
from ocs_ray.models.keys import double_key
connect()
asyncio.run(Events("TCS.weather").publish_system_event("wind", double_key("speed").set(float(sys.argv[1]))))
"""


@pytest.fixture(scope="module")
def night(file_ocs: Any) -> Any:
    """A provisioned cluster with two modes: one of the bundled, and the same with a rule about wind."""
    modes = file_ocs.project / "obsmodes"
    for name in (MODE, "reusable"):
        shutil.copytree(REPO / "obsmodes" / name, modes / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(modes / MODE, modes / WEATHER)
    with (modes / WEATHER / "mode.yaml").open("a") as file:
        file.write(RULE)
    file_ocs.good("up", *FAST)
    file_ocs.good("provision")
    return file_ocs


@pytest.fixture
def sequence(tmp_path: Path) -> str:
    """An observation of a long exposure and, so that there is something left to do, a short one."""
    commands = json.loads((REPO / "obsmodes" / MODE / "example_sequence.json").read_text())
    first, *_, last = commands
    observe = next(command for command in commands if command["commandName"] == "observe")
    file = tmp_path / "long.json"
    file.write_text(json.dumps([first, exposing(observe, INTEGRATION_MS), exposing(observe, SHORT_MS), last]))
    return str(file)


def exposing(observe: dict[str, Any], integration_ms: int) -> dict[str, Any]:
    """The same command with one ramp of this time on each detector."""
    made = copy.deepcopy(observe)
    for entry in made["paramSet"]:
        for parameter in entry.values():
            if parameter["keyName"].endswith("IntegrationTime"):
                parameter["values"] = [integration_ms]
            if parameter["keyName"].endswith("NumRamps"):
                parameter["values"] = [1]
    return made


def states(ocs: Any) -> dict[str, str]:
    """Sequencer -> where its procedure stands, as ``ocs status`` tells it."""
    return {one["prefix"]: one["procedure"] for one in ocs.good("status", "--json").document["sequencers"]}


def step(ocs: Any, prefix: str) -> str | None:
    return next(one["step"] for one in ocs.good("status", "--json").document["sequencers"] if one["prefix"] == prefix)


def publish(ocs: Any, speed: float) -> None:
    command = [sys.executable, "-c", PUBLISH, str(speed)]
    subprocess.run(command, env=ocs.environment, cwd=ocs.project, check=True, timeout=60)


def test_given_an_exposure_step_when_held_and_resumed_then_sub_sequencers_are_held_too_and_it_completes(
    night: Any, sequence: str
) -> None:
    night.good("configure", MODE)
    follower = night.start("sequencer", "follow", TOP)
    running = night.start("observe", sequence, "--mode", MODE, "--keep-up", "--json")
    running.wait_for("ObserveEvent.ExposureStart")

    held = night.good("sequencer", "hold", TOP, *WAIT, "--json").document

    assert (held["state"], held["reached"]) == ("HELD", True)
    assert states(night)[TOP] == states(night)[IRIS] == "HELD"
    assert step(night, TOP) == "observe"
    assert f"HOLD of {TOP} was rejected in HELD" in night.refused(1, "sequencer", "hold", TOP)
    assert running.process.poll() is None

    assert night.good("sequencer", "resume", TOP, *WAIT).out == f"{TOP}: RESUME accepted, EXECUTE\n"

    ended = running.end()
    assert ended.code == 0, ended
    assert ended.document["response"]["_type"] == "Completed"
    assert ended.document["procedure"] == "COMPLETE"
    names = [event["eventName"] for event in ended.document["observe_events"]]
    assert names.index("ObserveEvent.ObservePaused") < names.index("ObserveEvent.ObserveResumed")
    for told in (f"{TOP} HELD", f"{IRIS} HELD", f"{TOP} UNHOLDING by RESUME from ocs"):
        assert told in ended.err
    follower.wait_for(" COMPLETE by SC")
    follower.press(signal.SIGINT)
    followed = follower.end()
    assert followed.code == 130
    assert followed.err == "ocs: interrupted\n"
    seen = [line.split()[1] for line in followed.out.splitlines() if " by " in line]
    assert [state for state in seen if state in ("HOLDING", "HELD", "UNHOLDING")] == ["HOLDING", "HELD", "UNHOLDING"]


def test_given_a_held_observation_when_stopped_then_it_is_cancelled_and_all_are_stopped(
    night: Any, sequence: str
) -> None:
    running = night.start("observe", sequence, "--mode", MODE, "--keep-up", "--json")
    running.wait_for("ObserveEvent.ExposureStart")
    night.good("sequencer", "hold", TOP, *WAIT)

    assert night.good("sequencer", "stop", TOP, *WAIT).out == f"{TOP}: STOP accepted, STOPPED\n"

    ended = running.end()
    assert ended.code == 1, ended
    assert ended.document["response"]["_type"] == "Cancelled"
    assert ended.document["procedure"] == "STOPPED"
    assert ended.err.splitlines()[-1].endswith("steps, STOPPED")
    assert states(night)[TOP] == states(night)[IRIS] == "STOPPED"
    told = night.refused(1, "sequencer", "resume", TOP)
    assert told.endswith(f"RESUME is not accepted in STOPPED (it takes: ocs sequencer abort|reset {TOP})")
    night.good("sequencer", "reset", TOP, *WAIT)
    assert night.good("sequencer", "state", TOP, "--json").document["state"] == "IDLE"
    night.good("shutdown", MODE)


def test_given_a_rule_about_wind_when_it_blows_then_the_observation_is_suspended_until_it_is_calm(
    night: Any, sequence: str
) -> None:
    top = f"ESW.{WEATHER}"
    running = night.start("observe", sequence, "--mode", WEATHER, "--json")
    running.wait_for("ObserveEvent.ExposureStart")
    publish(night, 25)
    running.wait_for(f"{top} SUSPENDED")
    seen = night.good("sequencer", "state", top, "--json").document
    assert (seen["state"], seen["causes"]) == ("SUSPENDED", ["TCS.weather.wind speed above 20"])
    publish(night, 5)
    ended = running.end()
    assert ended.code == 0, ended
    assert ended.document["response"]["_type"] == "Completed"
    assert f"{top} UNSUSPENDING by UNSUSPEND from suspend_when" in ended.err


def test_given_no_such_sequencer_when_told_anything_then_one_line_says_so(night: Any) -> None:
    for verb in ("hold", "state", "follow"):
        assert f"{IRIS}.none-Sequencer" in night.refused(1, "sequencer", verb, f"{IRIS}.none")
