"""What is only looked at: ``ocs modes``, ``ocs resources``, ``ocs plan``, ``ocs agents``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import RenderableType

from ocs_ray.cli import agents_report, cluster_session, modes_report, plan_report, terminal
from ocs_ray.cli.failures import OK
from ocs_ray.cli.refusals import expected
from ocs_ray.client import SequenceManager
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_replies import ObsModesDetails, Plan, ResourcesStatus


def modes(as_json: bool) -> int:
    """The modes of the catalogue, and which could be configured now."""
    answer = cluster_session.ask(lambda: SequenceManager().obs_modes_details())
    seen = expected(ObsModesDetails, answer, "modes")
    return _tell(modes_report.document(seen), [modes_report.table(seen)], as_json)


def resources(as_json: bool) -> int:
    """The resources of the catalogue, and which mode holds them."""
    answer = cluster_session.ask(lambda: SequenceManager().resources())
    seen = expected(ResourcesStatus, answer, "resources")
    return _tell(modes_report.resources_document(seen), [modes_report.resources_table(seen)], as_json)


def plan(wanted: list[str], as_json: bool) -> int:
    """Which modes can run together, and what each still lacks."""
    named = [ObsMode(mode) for mode in wanted]
    answer = cluster_session.ask(lambda: SequenceManager().plan(named))
    seen = expected(Plan, answer, "plan")
    return _tell(plan_report.document(seen), plan_report.tables(seen), as_json)


def agents(as_json: bool) -> int:
    """Which agents are there, which components run on each, and which sequencer with which script in each."""
    seen = cluster_session.ask(lambda: SequenceManager().status())
    return _tell(agents_report.document(seen), agents_report.tables(seen), as_json)


def _tell(document: Mapping[str, Any], tables: Iterable[RenderableType], as_json: bool) -> int:
    if as_json:
        terminal.put_document(dict(document))
        return OK
    screen = terminal.console()
    for part in tables:
        screen.print(part)
    return OK
