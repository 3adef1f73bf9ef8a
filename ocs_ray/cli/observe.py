"""``ocs observe`` and ``ocs demo``: check what was asked, make the cluster ready, run, show, report, clean up."""

from __future__ import annotations

import time
from pathlib import Path

from ocs_ray.cli import cluster_session, observation_report, observation_request, terminal
from ocs_ray.cli.cluster_use import ClusterUse
from ocs_ray.cli.observation_picture import PhaseBegan, Picture, View
from ocs_ray.cli.observation_report import Observation
from ocs_ray.cli.observation_request import Request
from ocs_ray.cli.observation_run import LeftRunning, ObservationRun
from ocs_ray.cli.view_live import LiveView
from ocs_ray.cli.view_plain import PlainView
from ocs_ray.location.cluster_home import ClusterHome


def observe(file: Path, mode: str, to: str | None, time_factor: float | None, keep_up: bool, as_json: bool) -> int:
    """Run the sequence of a file; the exit code says how it ended."""
    sequence = observation_request.read_sequence(file)
    home = cluster_session.this_home()
    config = observation_request.find_mode(mode, observation_request.known_modes(home))
    target = observation_request.find_target(to, config)
    return _observe(home, Request(sequence, config, target, time_factor, keep_up, as_json))


def demo(mode: str, time_factor: float, keep_up: bool, as_json: bool) -> int:
    """Observe the bundled example of a mode."""
    home = cluster_session.this_home()
    config = observation_request.find_mode(mode, observation_request.known_modes(home))
    sequence = observation_request.read_sequence(observation_request.example_of(config))
    return _observe(home, Request(sequence, config, config.top_level, time_factor, keep_up, as_json))


def _observe(home: ClusterHome, request: Request) -> int:
    names = tuple(command.command_name for command in request.sequence)
    picture = Picture(request.mode, request.target, names, request.time_factor)
    view = _view(picture, request.as_json)
    use = ClusterUse(home, request)

    def progress(text: str) -> None:
        picture.take(PhaseBegan(text))
        view.tell(PhaseBegan(text))

    try:
        with view:
            use.make_ready(progress)
            picture.time_factor = use.time_factor
            seen = cluster_session.run(lambda signals: ObservationRun(request, picture, view, signals).run())
        return _report(seen, request.as_json)
    except LeftRunning:
        use.keep_up = True
        raise
    finally:
        use.release()


def _view(picture: Picture, as_json: bool) -> View:
    begun = time.monotonic()

    def elapsed_s() -> float:
        return time.monotonic() - begun

    screen = terminal.console()
    if terminal.is_live(screen) and not as_json:
        return LiveView(picture, screen, elapsed_s)
    return PlainView(picture, terminal.note if as_json else terminal.say, elapsed_s)


def _report(seen: Observation, as_json: bool) -> int:
    if as_json:
        terminal.put_document(observation_report.document(seen))
    else:
        terminal.console().print(observation_report.table(seen))
    if problem := observation_report.failure_text(seen):
        terminal.problem(problem)
    return seen.exit_code
