"""The work of ``ocs obsmodes``."""

from __future__ import annotations

from pathlib import Path

from ocs_ray.cli import catalogue_check, cluster_session, default_files, terminal
from ocs_ray.cli.failures import OK, UNUSABLE
from ocs_ray.cli.operation import carry_out
from ocs_ray.client import SequenceManager
from ocs_ray.config.catalogue_writing import write_one_file
from ocs_ray.config.obs_mode_catalogue import survey
from ocs_ray.errors import BadInputError
from ocs_ray.location.cluster_home import ClusterHome
from ocs_ray.models.manager_replies import ObsModesReloaded
from ocs_ray.models.message import Message


def check(path: Path | None, as_json: bool) -> int:
    """Tell all that is wrong with a catalogue; the exit code says whether anything is."""
    catalogue = path or _default_catalogue(cluster_session.this_home())
    report = catalogue_check.check_catalogue(catalogue)
    if as_json:
        terminal.put_document(catalogue_check.document(report))
    else:
        screen = terminal.console()
        for part in catalogue_check.tables(report):
            screen.print(part)
    if count := len(report.faults):
        terminal.problem(f"{catalogue}: {count} fault{'s' if count > 1 else ''} (correct them and check again)")
        return UNUSABLE
    return OK


def _default_catalogue(home: ClusterHome) -> Path:
    running = home.running()
    return Path(running.catalogue) if running else default_files.catalogue(None, home.project)


def import_hocon(file: Path, out: Path | None, force: bool, as_json: bool) -> int:
    """Write a one-file catalogue with the modes of ESW's file.

    Raises:
        BadInputError: the file cannot be used, or the other is there already.
    """
    found = survey(file)
    if found.faults:
        first, *others = (fault.error for fault in found.faults)
        more = f"; all {len(others) + 1} faults: ocs obsmodes check {file}" if others else ""
        raise BadInputError(where=first.where, problem=first.problem, remedy=f"{first.remedy}{more}")
    target = out or Path(f"{file.stem}.yaml")
    write_one_file(target, found.modes, f"made by `ocs obsmodes import` from {file.name}", force=force)
    if as_json:
        terminal.put_document({"catalogue": str(target.resolve()), "obs_modes": list(found.modes)})
    else:
        terminal.say(f"{target}: {', '.join(found.modes)} (no scripts: use it with ocs up --simulation -o {target})")
    return OK


def reload(as_json: bool) -> int:
    """Let the Sequence Manager read its catalogue anew."""
    return carry_out(
        "obsmodes reload",
        lambda: SequenceManager().reload_obs_modes(),
        as_json,
        doing="reading the catalogue anew",
        done=_changes,
    )


def _changes(response: Message) -> str:
    assert isinstance(response, ObsModesReloaded), "what is not refused is done"
    told = {"added": response.added, "removed": response.removed, "changed": response.changed}
    lines = [f"{what}: {', '.join(modes)}" for what, modes in told.items() if modes]
    if response.running:
        lines.append(f"running on as they were: {', '.join(response.running)}")
    return "\n".join(lines) or "nothing has changed"
