"""A cluster as one observation uses it: up while it is needed, and afterwards as it was found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ocs_ray.cli import cluster_session, ending_signals, server_choice, terminal
from ocs_ray.cli.cluster_process import take_down
from ocs_ray.cli.manager_verbs import SAY_WHAT, default_counts
from ocs_ray.cli.observation_preparation import prepare
from ocs_ray.cli.observation_request import Request
from ocs_ray.client import SequenceManager
from ocs_ray.config.cluster_config import read_cluster_file
from ocs_ray.errors import BadInputError, OcsError
from ocs_ray.location.cluster_home import ClusterHome
from ocs_ray.models.prefix import Prefix


class ClusterUse:
    """Brings up what is not up, and takes down what it brought up.

    Args:
        home: the cluster of this project.
        request: what it is used for.
    """

    def __init__(self, home: ClusterHome, request: Request) -> None:
        self._home, self._request = home, request
        self._brought_up = self._configured = self._joined = False
        self.keep_up = request.keep_up
        self.time_factor = request.time_factor

    def make_ready(self, progress: Callable[[str], None]) -> None:
        """Everything up to the submission, with no other command in between.

        Raises:
            OcsError: the cluster does not come up, or the mode cannot be configured.
            Interrupted: somebody ended it.
        """
        if server_choice.server() is not None:
            cluster_session.join()
            self._joined = True
            self._configured = cluster_session.run_guarded(
                lambda: prepare(self._request, _nobody_knows, False, progress)
            )
            return
        with cluster_session.alone(self._home):
            factor = self._request.time_factor
            running, fresh = cluster_session.ensure_up(self._home, None, None, factor, progress)
            self._brought_up = fresh
            if fresh and factor is None:
                self.time_factor = read_cluster_file(Path(running.cluster_file)).simulation.time_factor
            cluster_session.join()
            self._joined = True

            def counts() -> dict[Prefix, int]:
                return default_counts(Path(running.cluster_file))

            self._configured = cluster_session.run_guarded(lambda: prepare(self._request, counts, fresh, progress))

    def release(self) -> None:
        """Take the cluster down if it was brought up for this, unless it was asked to stay or others work with it."""
        if self._brought_up and not self.keep_up:
            with ending_signals.ignored(), cluster_session.alone(self._home):
                is_up = self._home.running() is not None  # somebody else may have ended it
                others = self._other_modes() if is_up else ()
                self._leave()
                if not others:
                    terminal.note("taking the cluster down ...")
                    take_down(self._home)
                    return
                terminal.note(f"the cluster stays up for {', '.join(others)}; end it with: ocs down")
        self._leave()
        if server_choice.server() is None and self._home.running() is None:
            return
        if self._brought_up and self.keep_up:
            terminal.note("the cluster stays up; end it with: ocs down")
        if self._configured:
            mode = self._request.mode.name
            terminal.note(f"{mode} stays configured; release it with: ocs shutdown {mode}")

    def _leave(self) -> None:
        if self._joined:
            self._joined = False
            cluster_session.leave()

    def _other_modes(self) -> tuple[str, ...]:
        """Modes that somebody else configured meanwhile; none when the cluster does not answer any more."""
        if not self._joined:
            return ()
        try:
            running = cluster_session.run_guarded(lambda: SequenceManager().status()).running_obs_modes
        except OcsError:
            return ()
        return tuple(mode for mode in running if mode != self._request.mode.name)


def _nobody_knows() -> dict[Prefix, int]:
    raise BadInputError("", "no sequence component runs, and what to start is not known here", SAY_WHAT)
