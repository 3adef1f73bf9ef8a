"""A package stays while a sequence component that may run its script does not say so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ocs_ray.errors import LostReplyError, RefusedError, UnreachableError

from .conftest import Platform

Story = Callable[..., None]
COMPONENT = "ESW.ESW_1-SequenceComponent"
FOREVER = "import time\n\ndef run():\n    while True:\n        time.sleep(0.01)\n"


class Silent:
    """A component that is busy, or one Ray still lists though it is dead."""

    def __init__(self, failure: UnreachableError) -> None:
        self.failure, self.asked = failure, 0

    async def ask(self, message: object) -> None:
        self.asked += 1
        raise self.failure

    def close(self) -> None: ...


def busy() -> Silent:
    return Silent(LostReplyError(name=COMPONENT, reason="did not answer within 3 s", remedy=""))


def test_given_a_component_that_is_silent_when_a_package_is_deleted_then_it_is_refused_and_the_component_named(
    run_story: Story,
) -> None:
    async def story(on: Platform) -> None:  # case 10
        name = await on.send()
        on.shells[COMPONENT] = busy()
        for force in (False, True):
            with pytest.raises(RefusedError, match=f"{COMPONENT} may run the script of counter@0.1.1"):
                await on.packages.delete(name, force=force)
        del on.shells[COMPONENT]
        await on.packages.delete(name)

    run_story(story)


def test_given_a_component_that_is_silent_when_pruned_by_force_then_all_stays_and_nothing_is_ended(
    run_story: Story,
) -> None:
    async def story(on: Platform) -> None:  # case 11
        instance = await on.packages.start(await on.send(FOREVER))
        await on.send(name="idle")
        on.shells[COMPONENT] = busy()
        gone = await on.packages.prune(force=True, deadline_s=0.2)
        assert gone.deleted == ()
        assert [info.record.name for info in gone.in_use] == ["counter", "idle"]
        assert gone.unsure == (COMPONENT,)
        assert not (await instance.info()).status.is_final

    run_story(story)


def test_given_a_component_that_died_when_a_package_is_deleted_then_it_is_passed_over(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 10
        name = await on.send()
        dead = on.shells[COMPONENT] = Silent(UnreachableError(name=COMPONENT, reason="died", remedy=""))
        await on.packages.delete(name)
        assert dead.asked == 1

    run_story(story)


def test_given_a_component_that_goes_with_its_node_while_it_is_asked_when_deleted_then_it_is_passed_over(
    run_story: Story,
) -> None:
    async def story(on: Platform) -> None:  # case 10
        class Going(Silent):
            async def ask(self, message: object) -> None:
                del on.shells[COMPONENT]
                await super().ask(message)

        name = await on.send()
        on.shells[COMPONENT] = Going(busy().failure)
        await on.packages.delete(name)
        assert COMPONENT not in on.names()

    run_story(story)
