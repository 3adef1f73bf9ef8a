"""Packages that run: arguments, output, limits, ends. Cases: reference scramjet.md, section 9."""

from __future__ import annotations

from collections.abc import Callable

from ocs_ray.models.instance_records import InstanceStatus

from .conftest import Platform

Story = Callable[..., None]


def test_given_the_seed_s_program_when_started_with_two_numbers_then_its_output_is_exactly_that(
    run_story: Story,
) -> None:
    async def story(on: Platform) -> None:  # cases 1, 17
        name = await on.send()
        instance = await on.packages.start(name, [3000, 10])
        assert await instance.output() == b"".join(b"%d\n" % n for n in range(3000, 3010))
        record = await instance.wait(5)
        assert (record.status, record.terminated and record.terminated.exit_code) == (InstanceStatus.COMPLETED, 0)
        assert record.args == (3000, 10)

    run_story(story)
