"""``ocs up``, ``ocs down``, ``ocs status``."""

from __future__ import annotations

from pathlib import Path

from ocs_ray.cli import cluster_session, gateway_access, server_choice, status_report, terminal
from ocs_ray.cli.failures import OK
from ocs_ray.cli.gateway_choice import GatewayChoice
from ocs_ray.client import SequenceManager
from ocs_ray.location.cluster_home import ClusterHome, RunningCluster


def up(
    cluster: Path | None,
    obsmodes: Path | None,
    time_factor: float | None,
    simulation: bool,
    gateway: GatewayChoice,
    as_json: bool,
) -> int:
    """Bring the cluster up, unless it is."""
    server_choice.only_here("ocs up")
    home = cluster_session.this_home()
    progress = terminal.note if as_json else terminal.say
    with cluster_session.alone(home):
        running, started = cluster_session.ensure_up(
            home, cluster, obsmodes, time_factor, progress, simulation=simulation, gateway=gateway
        )
        restored: tuple[str, ...] = ()
        if not started:
            running, restored = cluster_session.restore(home, running, gateway)
    if as_json:
        found = {"already_up": not started, "machines": list(running.machines), "restored": list(restored)}
        terminal.put_document(_place(home, running) | found)
        return OK
    simulated = ", simulation" if running.simulation else ""
    terminal.say(f"the cluster is {'up' if started else 'already up'}{simulated}: {', '.join(running.machines)}")
    if restored:
        terminal.say(f"started again, for it was gone: {', '.join(restored)}")
    if running.gateway_url:
        terminal.say(f"the gateway is at {running.gateway_url}")
        if started and (hint := gateway_access.hint(home, running)):
            terminal.note(hint)
    elif not started and gateway.wanted:
        terminal.note("it runs without a gateway; to have one: ocs down, then up again")
    for asked_for, used in ((cluster, running.cluster_file), (obsmodes, running.catalogue)):
        if not started and asked_for and asked_for.resolve() != Path(used).resolve():
            terminal.note(f"it was started from {used}; to use {asked_for}: ocs down, then up again")
    if not started and simulation and not running.simulation:
        terminal.note("it runs without --simulation; to simulate: ocs down, then up again")
    if not started and time_factor is not None:
        terminal.note("its time factor was left as it is: give --time-factor to ocs observe, or start the cluster anew")
    return OK


def down() -> int:
    """End the cluster; also what is left of one whose owner was killed."""
    server_choice.only_here("ocs down")
    home = cluster_session.this_home()
    was_up = home.running() is not None
    ended = cluster_session.bring_down(home)
    if was_up:
        terminal.say(f"the cluster is down: {ended} processes ended")
    else:
        left = f"; {ended} processes left over from one were ended" if ended else ""
        terminal.say(f"no cluster was up for {home.project}{left}")
    return OK


def status(as_json: bool) -> int:
    """What runs."""
    seen = cluster_session.ask(lambda: SequenceManager().status())
    place = _present_place()
    if as_json:
        terminal.put_document(place | status_report.document(seen))
        return OK
    screen = terminal.console()
    for part in status_report.tables(place, seen):
        screen.print(part)
    return OK


def _present_place() -> dict[str, object]:
    if (server := server_choice.server()) is not None:
        return {"server": server.url}
    home = cluster_session.this_home()
    running = home.running()
    return {} if running is None else _place(home, running)


def _place(home: ClusterHome, running: RunningCluster) -> dict[str, object]:
    return {
        "project": str(home.project),
        "address": running.address,
        "cluster_file": running.cluster_file,
        "catalogue": running.catalogue,
        "simulation": running.simulation,
        "gateway_url": running.gateway_url or None,
    }
