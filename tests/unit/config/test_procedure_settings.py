"""``procedure:`` and ``suspend_when:`` of a mode.yaml, as docs/reference/files.md gives them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ocs_ray.config.obs_mode_catalogue import read_catalogue
from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.procedure_settings import ProcedureSettings, SuspendRule

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "files.md"
WIND = SuspendRule(event="TCS.weather.wind", key="speed", above=20)
STAR = SuspendRule(event="TCS.guider.star", key="found", equals=False)


def mode_of(folder: Path, text: str) -> ObsModeConfig:
    home = folder / "Dark"
    home.mkdir()
    for script in ("esw", "iris", "tcs"):
        (home / f"{script}.py").touch()
    (home / "mode.yaml").write_text(text)
    return read_catalogue(folder)[ObsMode("Dark")]


def test_given_the_reference_s_example_when_read_then_only_the_top_level_follows_the_causes(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(resources:.*?suspend_when:.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    mode = mode_of(tmp_path, found[1])
    patient = ProcedureSettings(stop_grace_s=30, hold_limit_s=600)
    assert mode.procedure_of(VariationInfo("IRIS")) == patient
    assert mode.procedure_of(VariationInfo("ESW")) == patient.model_copy(update={"suspend_when": (WIND, STAR)})


def test_given_one_rule_without_a_list_and_no_settings_when_read_then_the_defaults_hold(tmp_path: Path) -> None:
    rule = "suspend_when: {event: TCS.weather.wind, key: speed, above: 20}"
    mode = mode_of(tmp_path, f"resources: [IRIS]\nsequencers: [ESW]\n{rule}\n")
    assert mode.procedure == ProcedureSettings(suspend_when=(WIND,))


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("suspend_when: {event: TCS.wind.speed, key: v}", "exactly one of"),
        ("suspend_when: {event: TCS.wind.speed, key: v, above: 1, below: 2}", "exactly one of"),
        ("suspend_when: {event: wind, key: v, above: 1}", "event: "),
        ("procedure: {stop_grace_s: 0}", "greater than 0"),
        ("procedure: {patience: 1}", "patience"),
    ],
)
def test_given_a_fault_when_read_then_the_file_and_what_is_wrong_are_named(
    line: str, named: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInputError) as refused:
        mode_of(tmp_path, f"resources: [IRIS]\nsequencers: [ESW]\n{line}\n")
    assert "mode.yaml" in str(refused.value)
    assert named in str(refused.value)
