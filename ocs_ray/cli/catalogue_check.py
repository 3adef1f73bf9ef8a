"""A whole catalogue looked at: structure, scripts, examples; all that is wrong with all modes, told at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import RenderableType
from rich.text import Text

from ocs_ray.cli import report_table
from ocs_ray.cli.observation_request import read_sequence
from ocs_ray.config.catalogue_reading import Fault
from ocs_ray.config.obs_mode_catalogue import survey
from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import VariationInfo
from ocs_ray.models.obs_mode import PACKAGE, ObsModeConfig
from ocs_ray.scripting.script_check import Problem, ScriptReport, check_script

NO_FAULT = "good"


class CheckedScript(NamedTuple):
    """A sequencer of a mode.

    Args:
        report: None when the catalogue names no script for it, or a package: that was checked when it was sent.
        package: ``package:NAME@TAG``, or empty.
    """

    info: VariationInfo
    report: ScriptReport | None
    package: str


class CheckedMode(NamedTuple):
    """A mode with what is wrong with it; ``scripts`` is empty when its entry itself is faulty."""

    name: str
    scripts: tuple[CheckedScript, ...]
    faults: tuple[BadInputError, ...]


class CatalogueReport(NamedTuple):
    """What is known of a catalogue."""

    catalogue: str
    modes: tuple[CheckedMode, ...]

    @property
    def faults(self) -> list[BadInputError]:
        """All of all modes."""
        return [fault for mode in self.modes for fault in mode.faults]


def check_catalogue(path: Path) -> CatalogueReport:
    """Look at every mode of a catalogue. Its scripts are loaded, which runs what stands at their top.

    Raises:
        BadInputError: there is no such catalogue, or nothing in it can be used.
    """
    found = survey(path)
    sound = [_check_mode(mode) for mode in found.modes.values()]
    names = dict.fromkeys(str(fault.mode) for fault in found.faults)
    faulty = [CheckedMode(name, (), _faults_of(name, found.faults)) for name in names]
    return CatalogueReport(str(path), tuple(sorted([*sound, *faulty])))


def _faults_of(name: str, faults: tuple[Fault, ...]) -> tuple[BadInputError, ...]:
    return tuple(fault.error for fault in faults if fault.mode == name)


def _check_mode(mode: ObsModeConfig) -> CheckedMode:
    scripts = tuple(
        CheckedScript(info, None, script or "")
        if script is None or script.startswith(PACKAGE)
        else CheckedScript(info, check_script(script, mode.root), "")
        for info, script in mode.sequencers.items()
    )
    faults = [_of_script(info, problem) for info, report, _ in scripts if report for problem in _problems(report)]
    if mode.example is not None:
        try:
            read_sequence(Path(mode.example))
        except BadInputError as failure:
            faults.append(failure)
    return CheckedMode(mode.name, scripts, tuple(faults))


def _problems(report: ScriptReport) -> tuple[Problem, ...]:
    if not report.problems and not report.handlers and not report.states:
        return (Problem(report.file, 0, "it registers no handler at all"),)
    return report.problems


def _of_script(info: VariationInfo, problem: Problem) -> BadInputError:
    where = f"{problem.file}:{problem.line}" if problem.line else problem.file
    return BadInputError(where=where, problem=f"script of {info}: {problem.text}", remedy="")


def document(report: CatalogueReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "catalogue": report.catalogue,
        "good": not report.faults,
        "obs_modes": [
            {
                "obs_mode": mode.name,
                "sequencers": [
                    {
                        "sequencer": str(info),
                        "script": found.file if found else package or None,
                        "handlers": list(found.handlers) if found else [],
                        "states": list(found.states) if found else [],
                    }
                    for info, found, package in mode.scripts
                ],
                "faults": [{"where": fault.where, "problem": fault.problem} for fault in mode.faults],
            }
            for mode in report.modes
        ],
    }


def tables(report: CatalogueReport) -> Iterator[RenderableType]:
    """The report for people: a line for each sequencer, and below all that is wrong."""
    shown = report_table.table("", "mode", "is", "sequencer", "script", "registers")
    for mode in report.modes:
        is_good = f"{len(mode.faults)} wrong" if mode.faults else NO_FAULT
        for info, found, package in mode.scripts:
            script = Path(found.file).name if found else package or "none: simulation only"
            shown.add_row(mode.name, is_good, info, script, _size(found))
        if not mode.scripts:
            shown.add_row(mode.name, is_good, "", "", "")
    yield shown
    for fault in report.faults:
        yield Text(str(fault))


def _size(found: ScriptReport | None) -> str:
    """How many handlers a script has; `ocs script check` and --json name them."""
    if found is None or found.problems:
        return ""
    states = f", {len(found.states)} states" if found.states else ""
    return f"{len(found.handlers)} handlers{states}"
