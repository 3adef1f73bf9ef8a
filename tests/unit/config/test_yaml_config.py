"""Cluster files, provision files and the catalogue: what is read, and how a fault is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocs_ray.config.cluster_config import parse_counts, read_cluster_file, read_provision_file
from ocs_ray.config.obs_mode_catalogue import read_catalogue
from ocs_ray.errors import BadInputError

GOOD = """\
node:
  resources: [machine:ESW.machine1]
machines:
  ESW.machine1: machine:ESW.machine1
provision: {ESW.machine1: 2}
devices:
  ESW.machine1:
    - {prefix: ESW.dome, factory: "some.module:Dome"}
"""


def written(folder: Path, text: str, name: str = "cluster.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_given_a_good_cluster_file_when_read_then_everything_is_there(tmp_path: Path) -> None:
    cluster = read_cluster_file(written(tmp_path, GOOD))
    assert cluster.machines == {"ESW.machine1": "machine:ESW.machine1"}
    assert cluster.provision == {"ESW.machine1": 2}
    (device,) = cluster.devices["ESW.machine1"]  # pyright: ignore[reportArgumentType]
    assert (device.prefix, device.component_type) == ("ESW.dome", "Assembly")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("machines: {ESW.m: r}\n", 1, "either 'node:'"),
        ("address: a:1\nnode: {resources: []}\nmachines: {ESW.m: r}\n", 1, "and not both"),
        ("address: a:1\nmachines:\n  ESW.m: r\n  NOPE.m: r\n", 4, "NOPE"),
        ("address: a:1\nmachines:\n  ESW.m-1: r\n", 3, "-"),
        ("address: a:1\nmachines: {}\n", 2, "machines"),
        ("address: a:1\nmachines: {ESW.m: r}\nprovision:\n  IRIS.m: 1\n", 1, "'provision' names IRIS.m"),
        ("address: a:1\nmachines: {ESW.m: r}\nprovision:\n  ESW.m: -1\n", 4, "greater than or equal to 0"),
        ("address: a:1\nmachines: {ESW.m: r}\nsimulation:\n  time_factor: 0\n", 4, "greater than 0"),
        ("address: a:1\nmachnes: {ESW.m: r}\n", 1, "machines: Field required"),
        ("address: [a\n", 2, "not YAML"),
        ("- a\n", 1, "mapping"),
        ("", 1, "mapping"),
    ],
)
def test_given_a_fault_when_read_then_file_line_and_fault_are_named(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(BadInputError) as caught:
        read_cluster_file(path)
    assert caught.value.where == f"{path}:{line}"
    assert words in caught.value.problem


def test_given_no_such_file_when_read_then_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="there is no such cluster file"):
        read_cluster_file(tmp_path / "nope.yaml")


def test_given_a_device_twice_when_read_then_it_is_named(tmp_path: Path) -> None:
    text = GOOD + '    - {prefix: ESW.dome, factory: "some.module:Dome"}\n'
    with pytest.raises(BadInputError, match=r"ESW\.dome more than once"):
        read_cluster_file(written(tmp_path, text))


def test_given_counts_in_a_file_or_in_words_when_read_then_both_say_the_same(tmp_path: Path) -> None:
    from_file = read_provision_file(written(tmp_path, "ESW.machine1: 2\nIRIS.machine1: 0\n"))
    assert from_file == parse_counts(["ESW.machine1=2", "IRIS.machine1=0"])


@pytest.mark.parametrize("words", [["ESW.machine1"], ["ESW.machine1=two"], ["machine1=2"], ["ESW.m=1", "ESW.m=2"]])
def test_given_a_bad_count_when_read_then_the_word_is_named(words: list[str]) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_counts(words)
    assert caught.value.where == words[-1]


def test_given_a_catalogue_when_read_then_paths_are_absolute_and_folders_without_a_mode_are_passed_over(
    tmp_path: Path,
) -> None:
    (tmp_path / "reusable").mkdir()
    (tmp_path / "Dark").mkdir()
    written(tmp_path / "Dark", "resources: [IRIS]\nsequencers: {ESW: esw.py, IRIS.ifs: ifs.py}\n", "mode.yaml")
    catalogue = read_catalogue(tmp_path)
    (mode,) = catalogue.values()
    assert mode.sequencers == {"ESW": str(tmp_path / "Dark" / "esw.py"), "IRIS.ifs": str(tmp_path / "Dark" / "ifs.py")}
    assert mode.sequencer_prefixes() == ("ESW.Dark", "IRIS.Dark.ifs")
    assert (mode.top_level, mode.root, mode.example) == ("ESW.Dark", str(tmp_path), None)


@pytest.mark.parametrize(
    ("folder", "text", "where", "words"),
    [
        ("Dark", "resources: [IRIS]\nsequencers: {IRIS: iris.py}\n", "mode.yaml:2", "no ESW sequencer"),
        ("Dark", "resources: [MARS]\nsequencers: {ESW: esw.py}\n", "mode.yaml:1", "resources"),
        ("Dark", "resources: [IRIS]\n", "mode.yaml:1", "sequencers"),
        ("Dark-1", "resources: [IRIS]\nsequencers: {ESW: esw.py}\n", "Dark-1", "-"),
    ],
)
def test_given_a_faulty_mode_when_read_then_file_and_line_are_named(
    tmp_path: Path, folder: str, text: str, where: str, words: str
) -> None:
    (tmp_path / folder).mkdir()
    written(tmp_path / folder, text, "mode.yaml")
    with pytest.raises(BadInputError) as caught:
        read_catalogue(tmp_path)
    assert caught.value.where.endswith(where)
    assert words in caught.value.problem


@pytest.mark.parametrize("make", [True, False])
def test_given_no_catalogue_or_an_empty_one_when_read_then_it_says_how_to_name_another(
    tmp_path: Path, make: bool
) -> None:
    root = tmp_path / "obsmodes"
    if make:
        root.mkdir()
    with pytest.raises(BadInputError) as caught:
        read_catalogue(root)
    assert "--obsmodes" in caught.value.remedy
