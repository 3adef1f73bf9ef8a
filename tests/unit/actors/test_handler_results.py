"""What a handler returns never spoils the views of its sequencer."""

from __future__ import annotations

import pickle
from pathlib import Path

from ocs_ray.models import wire
from ocs_ray.models.responses import Error

from .procedure_floor import SCRIPT, Floor, commands, play

RETURNING = (
    SCRIPT
    + """
    @ctx.on_setup("lock")
    async def lock(command):
        return threading.Lock()

    @ctx.on_global_error
    async def told(failure):
        SEEN.append(str(failure))
"""
)


def test_given_a_handler_that_returns_a_lock_then_its_step_fails_and_every_view_can_still_be_sent(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        final = await floor.sequencer.submit_and_wait(commands("lock", "nothing"), resume_on_error=True)
        assert isinstance(final, Error)
        assert "the handler of Setup lock returned lock: return a Result" in final.message
        await floor.settled()
        assert [seen for seen in floor.seen() if "returned lock" in str(seen)]
        for view in (await floor.sequencer.snapshot(), await floor.sequencer.runs(), await floor.sequencer.sequence()):
            pickle.dumps(view)
        wire.encode((await floor.sequencer.runs())[0])

    play(tmp_path, story, RETURNING)
