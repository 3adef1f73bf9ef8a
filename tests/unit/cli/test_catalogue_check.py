"""``ocs obsmodes check`` and ``import``: every fault of every mode at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ocs_ray.cli.catalogue_check import check_catalogue, document
from ocs_ray.cli.main import run

REPO = Path(__file__).parents[3]
GOOD = (
    "from ocs_ray.scripting import ScriptContext, script\n\n"
    "@script\nasync def lead(ctx: ScriptContext) -> None:\n"
    "    @ctx.on_setup('preset')\n    async def preset(command: object) -> None:\n        pass\n"
)
EMPTY = "from ocs_ray.scripting import script\n\n@script\nasync def lead(ctx) -> None:\n    pass\n"
SEQUENCE = '[{"_type": "Setup", "source": "ESW.a", "commandName": "preset", "paramSet": []}]'
CATALOGUE = """\
modes:
  Good: {resources: [IRIS], sequencers: {ESW: good.py}, example: good.json}
  Simulated: {resources: [IRIS], sequencers: [ESW, IRIS.imager]}
  Scripts:
    resources: [IRIS]
    sequencers: {ESW: missing.py, IRIS: broken.py, TCS: empty.py, WFOS: leaving.py, AOESW: undefined.py}
    example: bad.json
  Entry: {resources: [MARS], sequencers: [IRIS]}
  Lead: {resources: [IRIS], sequencers: [IRIS]}
"""


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sound modes and three faulty ones."""
    monkeypatch.setenv("OCS_PROJECT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "good.py": GOOD,
        "broken.py": "def (\n",
        "empty.py": EMPTY,
        "leaving.py": "raise SystemExit\n",
        "undefined.py": GOOD + "    nowhere\n",
        "good.json": SEQUENCE,
        "bad.json": SEQUENCE.replace("Setup", "Set"),
        "modes.yaml": CATALOGUE,
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path / "modes.yaml"


def test_given_faults_in_several_modes_when_checked_then_all_are_told_at_once(
    catalogue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["obsmodes", "check", str(catalogue), "--json"]) == 2
    told = capsys.readouterr()
    found = {mode["obs_mode"]: mode for mode in json.loads(told.out)["obs_modes"]}
    assert {name for name, mode in found.items() if not mode["faults"]} == {"Good", "Simulated"}
    folder = catalogue.parent
    wrong = {(fault["where"], fault["problem"]) for fault in found["Scripts"]["faults"]}
    assert {where for where, _ in wrong} == {
        f"{folder}/missing.py",
        f"{folder}/broken.py:1",
        f"{folder}/empty.py",
        f"{folder}/leaving.py:1",
        f"{folder}/undefined.py:8",
        f"{folder}/bad.json: $[0]._type",
    }
    assert (f"{folder}/empty.py", "script of TCS: it registers no handler at all") in wrong
    assert [fault["where"] for fault in found["Entry"]["faults"]] == [f"{catalogue}:8"]
    assert "no ESW sequencer" in found["Lead"]["faults"][0]["problem"]
    assert told.err == f"ocs: {catalogue}: 8 faults (correct them and check again)\n"


def test_given_faults_when_told_to_people_then_each_has_its_line_below_the_table(
    catalogue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["obsmodes", "check", str(catalogue)]) == 2
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "Good good ESW good.py 1 handlers" in lines
    assert "Simulated good ESW none: simulation only" in lines
    assert "Entry 1 wrong" in lines
    assert sum("script of" in line for line in lines) == 5


def test_given_the_bundled_modes_when_checked_then_they_are_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCS_PROJECT", str(tmp_path))
    monkeypatch.delenv("OCS_OBSMODES", raising=False)
    assert run(["obsmodes", "check"]) == 0
    assert run(["obsmodes", "check", str(REPO / "cluster" / "simulation_modes.yaml")]) == 0
    assert capsys.readouterr().err == ""


def test_given_no_such_catalogue_when_checked_then_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["obsmodes", "check", "/nowhere"]) == 2
    assert "there is no such catalogue" in capsys.readouterr().err


CONF = "esw-sm.obsModes { A { resources: [IRIS], sequencers: [ESW, IRIS.red] } }\n"


def test_given_a_file_of_esw_when_imported_then_the_new_catalogue_is_good_and_is_not_overwritten(
    catalogue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = catalogue.parent
    (folder / "sm.conf").write_text(CONF)
    assert run(["obsmodes", "import", "sm.conf"]) == 0
    assert "ocs up --simulation -o sm.yaml" in capsys.readouterr().out
    assert run(["obsmodes", "check", "sm.yaml"]) == 0
    capsys.readouterr()
    assert run(["obsmodes", "import", "sm.conf"]) == 2
    assert "sm.yaml: it is there already (overwrite it with --force)" in capsys.readouterr().err
    assert run(["obsmodes", "import", "sm.conf", "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"catalogue": str(folder / "sm.yaml"), "obs_modes": ["A"]}


def test_given_a_file_of_esw_with_faults_when_imported_then_nothing_is_written_and_the_others_are_pointed_to(
    catalogue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = catalogue.parent / "sm.conf"
    conf.write_text(CONF.replace("IRIS]", "MARS]").replace("ESW, ", ""))
    assert run(["obsmodes", "import", str(conf), "-o", "out.yaml"]) == 2
    assert "esw-sm.obsModes.A.resources.0: unknown subsystem 'MARS'" in capsys.readouterr().err
    assert not (catalogue.parent / "out.yaml").exists()


def test_given_a_script_from_a_package_when_checked_then_the_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "Night").mkdir()
    (tmp_path / "Night" / "mode.yaml").write_text('resources: []\nsequencers: {ESW: "package:night@prod"}\n')
    (mode,) = document(check_catalogue(tmp_path))["obs_modes"]
    assert mode["faults"] == []
    assert [each["script"] for each in mode["sequencers"]] == ["package:night@prod"]
