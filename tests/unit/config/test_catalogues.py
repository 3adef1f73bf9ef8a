"""Catalogues in one file, in ESW's HOCON and in folders: what is read, how each fault is told, what import writes.

Structure of ESW's files: reference esw_sm 3.4.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ocs_ray.config.catalogue_writing import write_one_file
from ocs_ray.config.obs_mode_catalogue import read_catalogue, survey
from ocs_ray.errors import BadInputError

REPO = Path(__file__).parents[3]
SHARED = REPO.parent / "shared" / "data" / "obsmodes"

ONE_FILE = """\
modes:
  IRIS_Dark:
    resources: [IRIS, TCS]
    sequencers:
      ESW: dark/esw.py
      IRIS.imager: null
    example: dark/example.json
    hook_limit_s: 5
  Cal:
    resources: [WFOS]
    sequencers: [WFOS, ESW]
"""
CONF = """\
// two styles of comment
base = [IRIS, TCS]   # and substitution
esw-sm {
  obsModes: {
    Dark: { resources: ${base}, sequencers: [IRIS.IRIS_IFS, IRIS, ESW] }
    "Cal" { resources: ${base} [WFOS], sequencers = [ESW
      WFOS] }
  }
}
esw-sm.obsModes.Dark.resources = [APS]
"""


def written(folder: Path, text: str, name: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_given_one_file_when_read_then_scripts_are_relative_to_it_and_may_be_left_out(tmp_path: Path) -> None:
    modes = read_catalogue(written(tmp_path, ONE_FILE, "modes.yaml"))
    assert list(modes) == ["Cal", "IRIS_Dark"]
    cal, dark = modes.values()
    assert dark.sequencers == {"ESW": str(tmp_path / "dark" / "esw.py"), "IRIS.imager": None}
    assert (dark.root, dark.example, dark.hook_limit_s) == (
        str(tmp_path),
        str(tmp_path / "dark" / "example.json"),
        5.0,
    )
    assert cal.sequencers == {"WFOS": None, "ESW": None}
    assert (cal.resources, cal.example, cal.hook_limit_s) == (("WFOS",), None, 60.0)


def test_given_a_resource_twice_when_read_then_it_counts_once(tmp_path: Path) -> None:
    text = "modes: {A: {resources: [IRIS, TCS, IRIS], sequencers: [ESW]}}"
    (mode,) = read_catalogue(written(tmp_path, text, "modes.yaml")).values()  # reference 3.2 n
    assert mode.resources == ("IRIS", "TCS")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("modes:\n  A:\n    resources: [IRIS]\n    sequencers: [IRIS]\n", 4, "no ESW sequencer"),
        ("modes:\n  A:\n    resources: [IRIS]\n    sequencers:\n      - ESW\n      - MARS\n", 6, "MARS"),
        ("modes:\n  A:\n    resources: [IRIS]\n    sequencers: [ESW, ESW]\n", 4, "ESW is listed twice"),
        ("modes:\n  A:\n    resources:\n    - IRIS\n    - MARS\n    sequencers: [ESW]\n", 5, "modes.A.resources.1"),
        ("modes:\n  A:\n    resources: [IRIS]\n    sequencers: []\n", 4, "at least 1"),
        ("modes:\n  A:\n    sequencers: [ESW]\n", 2, "modes.A.resources: Field required"),
        ("modes:\n  A:\n    resources: []\n    sequencers: {ESW: 3}\n", 4, "string"),
        ("modes:\n  A:\n    resources: []\n    sequencers: [ESW]\n    exmaple: a.json\n", 5, "exmaple"),
        ("modes:\n  A.b: {resources: [], sequencers: [ESW]}\n", 2, "holds a '.'"),
        ("modes:\n  A: null\n", 2, "modes.A"),
        ("modes:\n  A: {resources: [], sequencers: [ESW]}\n  A: {resources: [], sequencers: [ESW]}\n", 3, "twice"),
        ("modes: {}\n", 1, "names no observing mode"),
        ("modes: [A]\n", 1, "names no observing mode"),
        ("mods: {}\n", 1, "unknown key 'mods'"),
        ("a: [\n", 2, "not YAML"),
    ],
)
def test_given_a_fault_in_one_file_when_read_then_file_and_line_are_named(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    path = written(tmp_path, text, "modes.yaml")
    with pytest.raises(BadInputError) as caught:
        read_catalogue(path)
    assert caught.value.where == f"{path}:{line}"
    assert words in caught.value.problem


def test_given_faults_in_several_modes_when_surveyed_then_all_are_told_and_the_sound_mode_is_there(
    tmp_path: Path,
) -> None:
    text = (
        "modes:\n  Good: {resources: [IRIS], sequencers: [ESW]}\n"
        "  Bad: {resources: [MARS, VENUS], sequencers: [ESW]}\n  Worse-1: {resources: [], sequencers: [IRIS]}\n"
    )
    found = survey(written(tmp_path, text, "modes.yaml"))
    assert list(found.modes) == ["Good"]
    assert [fault.mode for fault in found.faults] == ["Bad", "Bad", "Worse-1"]


def test_given_faults_in_several_folders_when_surveyed_then_all_are_told(tmp_path: Path) -> None:
    for name, text in (("Good", "resources: []\nsequencers: [ESW]\n"), ("Bad", "resources: [\n"), ("Ugly", "a: 1\n")):
        (tmp_path / name).mkdir()
        written(tmp_path / name, text, "mode.yaml")
    found = survey(tmp_path)
    assert list(found.modes) == ["Good"]
    assert [fault.mode for fault in found.faults] == ["Bad", "Ugly", "Ugly", "Ugly"]


def test_given_a_hocon_file_when_read_then_substitutions_and_later_settings_hold(tmp_path: Path) -> None:
    modes = read_catalogue(written(tmp_path, CONF, "modes.conf"))
    assert {name: mode.resources for name, mode in modes.items()} == {"Cal": ("IRIS", "TCS", "WFOS"), "Dark": ("APS",)}
    assert modes["Dark"].sequencers == {"IRIS.IRIS_IFS": None, "IRIS": None, "ESW": None}  # pyright: ignore


def test_given_a_hocon_file_that_includes_another_when_read_then_the_modes_of_both_are_there(tmp_path: Path) -> None:
    written(tmp_path, "esw-sm.obsModes.A { resources: [], sequencers: [ESW] }\n", "more.conf")
    text = 'include "more.conf"\nesw-sm.obsModes.B { resources: [], sequencers: [ESW] }\n'
    assert list(read_catalogue(written(tmp_path, text, "modes.conf"))) == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("esw-sm.obsModes.A { resources: [MARS], sequencers: [ESW] }", ": esw-sm.obsModes.A.resources.0", "MARS"),
        ("esw-sm.obsModes.A { resources: [], sequencers: [MARS.x, ESW] }", "A.sequencers.MARS.x", "MARS"),
        ("esw-sm.obsModes.A { resources: [], sequencers: [IRIS] }", "A.sequencers", "no ESW sequencer"),
        ("esw-sm.obsModes.A { resources: [], sequencers: [ESW, IRIS, IRIS] }", "A.sequencers", "IRIS is listed twice"),
        ("esw-sm.obsModes.A { resources: [] }", "A.sequencers", "required"),
        ("esw-sm.obsModes.A-1 { resources: [], sequencers: [ESW] }", "A-1", "holds a '-'"),
        ("esw-sm.obsModes.A: 3", "A.sequencers", "dictionary"),
        ("esw-sm.obsModes {}", ".conf", "'esw-sm.obsModes' names no observing mode"),
        ("other: 1", ".conf", "'esw-sm.obsModes' names no observing mode"),
        ("[1, 2]", ".conf", "'esw-sm.obsModes' names no observing mode"),
        ("esw-sm { obsModes: [", ".conf", "not HOCON"),
        ("a: ${nope}", ".conf", "Cannot resolve variable ${nope}"),
        ("a: ${b}\nb: ${a}", ".conf", "Check for cycles"),
        ('include required(file("nope.conf"))', ".conf", "nope.conf"),
    ],
)
def test_given_a_fault_in_a_hocon_file_when_read_then_file_and_key_are_named(
    tmp_path: Path, text: str, where: str, words: str
) -> None:
    path = written(tmp_path, text, "modes.conf")
    with pytest.raises(BadInputError) as caught:
        read_catalogue(path)
    assert caught.value.where.startswith(str(path))
    assert where in caught.value.where
    assert words in caught.value.problem


def test_given_other_catalogues_when_read_then_the_hocon_parser_is_not_imported() -> None:
    code = (
        "import sys; from pathlib import Path; from ocs_ray.config.obs_mode_catalogue import read_catalogue; "
        "read_catalogue(Path('cluster/simulation_modes.yaml')); sys.exit('pyhocon' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPO, check=False).returncode == 0


def test_given_the_default_of_a_simulation_when_read_then_it_is_the_seed_s_mode() -> None:
    (mode,) = read_catalogue(REPO / "cluster" / "simulation_modes.yaml").values()  # seed 002, reference 3.4
    assert (mode.name, set(mode.resources)) == ("IRIS_ImagerAndIFS", {"IRIS", "TCS"})
    assert mode.sequencer_prefixes() == (
        "IRIS.IRIS_ImagerAndIFS.IRIS_IFS",
        "IRIS.IRIS_ImagerAndIFS.IRIS_IMAGER",
        "IRIS.IRIS_ImagerAndIFS",
        "ESW.IRIS_ImagerAndIFS",
    )


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="ESW's own files are not beside this checkout (../shared/data/obsmodes)"
)
@pytest.mark.parametrize(
    ("name", "modes"),
    [
        ("esw_services", ["IRIS_Darknight", "IRIS_FilterWheel", "IRIS_ImagerAndIFS", "WFOS_Calib"]),
        ("observing_simulation", ["IRIS_IFSOnly", "IRIS_ImagerAndIFS", "IRIS_ImagerOnly", "WFOS_Cal", "WFOS_Science"]),
        ("simulation", ["IRIS_ImagerAndIFS"]),
    ],
)
def test_given_esw_s_own_files_when_written_as_one_file_then_it_says_the_same(
    tmp_path: Path, name: str, modes: list[str]
) -> None:
    found = read_catalogue(SHARED / f"{name}.conf")
    assert list(found) == modes
    out = tmp_path / "out.yaml"
    write_one_file(out, found, f"made from {name}.conf", force=False)
    again = read_catalogue(out)
    assert {n: (m.resources, m.sequencers) for n, m in again.items()} == {
        n: (m.resources, m.sequencers) for n, m in found.items()
    }


def test_given_a_file_that_is_there_when_written_then_it_is_left_alone_unless_forced(tmp_path: Path) -> None:
    modes = read_catalogue(written(tmp_path, ONE_FILE, "modes.yaml"))
    out = written(tmp_path, "mine", "out.yaml")
    with pytest.raises(BadInputError, match="--force"):
        write_one_file(out, modes, "made by a test", force=False)
    assert out.read_text() == "mine"
    write_one_file(out, modes, "made by a test", force=True)
    assert yaml.safe_load(out.read_text())["modes"]["Cal"] == {"resources": ["WFOS"], "sequencers": ["WFOS", "ESW"]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["modes.yaml", "out.yaml"]


def test_given_a_folder_that_is_none_when_written_then_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be written"):
        write_one_file(tmp_path / "none" / "out.yaml", {}, "made by a test", force=False)
