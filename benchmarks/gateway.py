"""What does HTTP add: a submit-and-wait of one step, a status, and a thousand browsers that follow a run?

In turn, one of each: through the gateway, straight through Ray, and an empty route that the same kind of actor serves.
Then a run of many steps, alone and with followers, in turn; each follower has to see its end. Limit: the run is less
than twice as long with them. Run: ``just bench gateway``.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import httpx
from websockets.asyncio.client import ClientConnection, connect

from benchmarks import private_ray, report
from benchmarks.private_ray import ray
from ocs_ray.actors.spawning import create
from ocs_ray.client.http import HttpPort
from ocs_ray.models.access_settings import AccessSettings, LimitSettings
from ocs_ray.models.actor_names import GATEWAY
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.models.sequencer_messages import GetStatus
from ocs_ray.scripting.sequencer_service import Sequencer

QUESTION = "milliseconds of a submit-and-wait and a status through HTTP, beside Ray; a run that many browsers follow"
SCRIPT = """
import asyncio
from ocs_ray.scripting import *

@script
async def body(ctx: ScriptContext) -> None:
    @ctx.on_setup("nothing")
    async def nothing(command: Setup) -> None:
        pass

    @ctx.on_setup("short")
    async def short(command: Setup) -> None:
        await asyncio.sleep(0.005)
"""
SEQUENCER: Final = "ESW.Bench"
FOLLOW: Final = json.dumps(
    {
        "_type": "SequencerCommand",
        "componentId": {"prefix": SEQUENCER, "componentType": "Sequencer"},
        "command": {"_type": "SubscribeSequencerState"},
    }
)
AT_ONCE: Final = 100
"""Sockets opened at the same time: more would only wait for each other."""
SEEN_S: Final = 120.0


@dataclass(frozen=True)
class Sizes:
    samples: int = 1_000
    warm_up: int = 100
    steps: int = 1_000
    followers_count: int = 1_000
    rounds_count: int = 3


def serve(name: str, app: str) -> str:
    """A gateway actor; gives its URL. Nobody needs a token, and nobody is told to slow down."""
    limits = LimitSettings(requests_per_s=1e6, burst=1_000_000)
    settings = GatewaySettings(port=0, access=AccessSettings(open_on_loopback=True, limits=limits))
    handle = create("Gateway", name, settings, app, resource=None)
    ray.get(handle.start.remote(), timeout=private_ray.START_S)
    return ray.get(handle.ask.remote(GetStatus())).url


async def in_turn(sizes: Sizes, url: str, empty_url: str) -> dict[str, Any]:
    """One of each, again and again."""
    direct = Sequencer.at(SEQUENCER)
    over_http = Sequencer.at(SEQUENCER, port=HttpPort(url))
    sequence = Sequence.of(Setup("ESW.bench", "nothing"))
    names = "submit_and_wait", "submit_and_wait_ray", "status", "status_ray", "empty_route"
    took: dict[str, list[float]] = {name: [] for name in names}
    async with httpx.AsyncClient() as http:

        async def status() -> None:
            (await http.get(f"{url}/api/v1/sequencers/{SEQUENCER}")).raise_for_status()

        async def empty() -> None:
            (await http.get(empty_url)).raise_for_status()

        asked = (
            lambda: over_http.submit_and_wait(sequence),
            lambda: direct.submit_and_wait(sequence),
            status,
            direct.status,
            empty,
        )
        for n in range(sizes.warm_up + sizes.samples):
            for name, ask in zip(names, asked, strict=True):
                began = time.perf_counter()
                await ask()
                if n >= sizes.warm_up:
                    took[name].append(time.perf_counter() - began)
    found = {name: report.spread(values) for name, values in took.items()}
    return found | {
        "submit_and_wait_p50_ratio": report.p50_ratio(found["submit_and_wait"], found["submit_and_wait_ray"]),
        "status_p50_ratio": report.p50_ratio(found["status"], found["status_ray"]),
        "status_to_empty_p50_ratio": report.p50_ratio(found["status"], found["empty_route"]),
    }


async def run_once(steps: int) -> float:
    """Seconds of a run, seen by a client that speaks Ray."""
    sequence = Sequence.of(*(Setup("ESW.bench", "short") for _ in range(steps)))
    began = time.perf_counter()
    response = await Sequencer.at(SEQUENCER).submit_and_wait(sequence)
    assert response.is_completed, response
    return time.perf_counter() - began


async def see_the_end(socket: ClientConnection, steps: int) -> int:
    """Read states until all steps are done and the sequencer is idle; how many came."""
    frames = 0
    async for frame in socket:
        frames += 1
        assert isinstance(frame, str)
        if '"Idle"' in frame[-80:] and frame.count('{"_type":"Success"}') == steps:
            return frames
    raise AssertionError(f"the stream ended before the run did, after {frames} states")


async def followed(sizes: Sizes, url: str) -> tuple[float, list[int]]:
    """Seconds of a run that is followed, and how many states each follower saw; all of them saw the last one."""
    address = url.replace("http", "ws", 1) + "/websocket-endpoint"
    turn = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as stack:

        async def follower() -> ClientConnection:
            async with turn:
                socket = await stack.enter_async_context(connect(address, max_size=None, compression=None))
                await socket.send(FOLLOW)
                await socket.recv()  # the state it begins with: it follows from here on
                return socket

        sockets = await asyncio.gather(*(follower() for _ in range(sizes.followers_count)))
        reading = [asyncio.create_task(see_the_end(socket, sizes.steps)) for socket in sockets]
        took = await run_once(sizes.steps)
        async with asyncio.timeout(SEEN_S):
            return took, await asyncio.gather(*reading)


async def with_followers(sizes: Sizes, url: str) -> dict[str, Any]:
    """Runs without and with followers, in turn."""
    alone: list[float] = []
    together: list[float] = []
    states: list[int] = []
    await run_once(sizes.steps)
    for _ in range(sizes.rounds_count):
        alone.append(await run_once(sizes.steps))
        took, seen = await followed(sizes, url)
        together.append(took)
        states += seen
    return {
        "run_alone_s": [round(each, 2) for each in alone],
        "run_followed_s": [round(each, 2) for each in together],
        "run_followed_ratio": report.ratio(together, alone),
        "states_of_a_follower_count": {"fewest": min(states), "median": statistics.median(states)},
        "followers_that_saw_the_end_count": len(states),
    }


def measure(sizes: Sizes) -> dict[str, Any]:
    """One sequencer, the gateway, and an empty application beside it."""
    with private_ray.private_ray() as folder:
        script = folder / "script.py"
        script.write_text(SCRIPT)
        private_ray.start_sequencers([SEQUENCER], script)
        url = serve(GATEWAY, "ocs_ray.gateway.app:create_app")
        empty_url = serve("ESW.empty-Service", "benchmarks.empty_web:create_app")

        async def all_of_it() -> dict[str, Any]:
            return await in_turn(sizes, url, empty_url) | await with_followers(sizes, url)

        return asyncio.run(all_of_it())


FULL = Sizes()
SMOKE = Sizes(samples=10, warm_up=2, steps=20, followers_count=20, rounds_count=1)

if __name__ == "__main__":
    report.run(QUESTION, measure, FULL, SMOKE)
