"""Orders to assemblies: made first, so that nothing moves when a parameter is missing, and then carried out."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from ocs_ray.models.keys import Key
from ocs_ray.scripting import Observe, ScriptContext, Setup, par
from reusable.requirements import value_of


class Order(NamedTuple):
    """A command and the assembly it is for."""

    assembly: str
    command: Setup | Observe
    timeout: timedelta = timedelta(seconds=10)


class Selection(NamedTuple):
    """A device with named positions.

    Args:
        assembly: its prefix.
        command: what moves it.
        given: key of the position in the sequence's command.
        wanted: key of the position in the device's command.
    """

    assembly: str
    command: str
    given: Key[str]
    wanted: Key[str]

    def order(self, ctx: ScriptContext, command: Setup) -> Order:
        """Move to where ``command`` says."""
        position = value_of(command, self.given, self.assembly)
        move = Setup(ctx.prefix, self.command, command.maybe_obs_id, self.wanted.set(position))
        return Order(self.assembly, move)


async def carry_out(ctx: ScriptContext, order: Order) -> None:
    """Send an order and wait for its end."""
    name = order.command.command_name
    ctx.log.info("%s: sending %s to %s", ctx.prefix, name, order.assembly)
    await ctx.assembly(order.assembly).submit_and_wait(order.command, order.timeout)
    ctx.log.info("%s: %s of %s is done", ctx.prefix, name, order.assembly)


async def carry_out_together(ctx: ScriptContext, *orders: Order) -> None:
    """Send all orders at the same time and wait until all have ended; what moves is not held halfway."""
    with ctx.no_hold():
        await par(*(carry_out(ctx, order) for order in orders))
