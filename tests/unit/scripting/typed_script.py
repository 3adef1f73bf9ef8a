"""A script that uses the whole language; `just types` checks it under pyright strict."""

# pyright: strict
from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from ocs_ray.models.keys import int_key
from ocs_ray.scripting import (
    AlarmHealth,
    AlarmKey,
    AlarmSeverity,
    CommandFlag,
    Completed,
    ComponentType,
    CurrentState,
    Event,
    EventKey,
    FsmScriptContext,
    FsmState,
    LocationRemoved,
    LocationUpdated,
    LockAcquired,
    Observe,
    ObsId,
    Result,
    ScriptContext,
    Sequence,
    SequenceCommand,
    Setup,
    StateContext,
    Subsystem,
    UTCTime,
    Wait,
    finish_with_error,
    fsm_script,
    loop,
    on_response,
    par,
    result_of,
    reusable_script,
    script,
    stop_when,
    utc_time_after,
    wait_for,
)

N = int_key("n")
LEVEL = EventKey("TCS.test", "level")
SECOND = timedelta(seconds=1)


@reusable_script
def shared(ctx: ScriptContext) -> None:
    @ctx.on_new_sequence
    async def new() -> None:
        ctx.log.info("%s %s %s", ctx.prefix, ctx.subsystem, ctx.is_online)


@script
async def lead(ctx: ScriptContext) -> None:
    await ctx.load_scripts(shared)
    wheel = ctx.assembly("IRIS.wheel", timeout=timedelta(minutes=2))
    below = ctx.sequencer(Subsystem.TCS)
    flag = CommandFlag()

    @ctx.on_setup("move")
    async def move(command: Setup) -> None:
        response = await wheel.submit_and_wait(command, resume_on_error=True)
        await on_response(response, completed=tell_completed)
        moved: int = result_of(response)[N].head()
        if moved < 0:
            finish_with_error("it moved backwards")
        following = await ctx.next_if(lambda next_one: next_one.command_name == "move")
        if following is not None:
            ctx.log.info("takes %s too", following.command_name)

    async def tell(failure: Exception) -> None:
        await ctx.publish_event("failed", N.set(1))

    move.on_error(tell).retry(2, SECOND)

    @ctx.on_observe("look")
    async def look(command: Observe) -> Result:
        counts = await par(count(1), count(2))
        total: int = sum(counts)
        await below.submit_and_wait(Sequence.of(command))
        return Result(N.set(total))

    async def count(n: int) -> int:
        await ctx.sleep(1.0)
        return n

    async def tell_completed(response: Completed) -> None:
        await ctx.publish_event(ctx.system_event("done", *response.result.param_set))

    @ctx.on_wait("rest")
    async def rest(command: Wait) -> None:
        async def look_around() -> None:
            stop_when(ctx.cancelled)

        await loop(look_around, SECOND)
        await wait_for(lambda: ctx.is_online)

    @ctx.on_any_command
    async def anything(command: SequenceCommand) -> None:
        text: str = await ctx.blocking_io(Path("notes").read_text, encoding="utf-8")
        await ctx.blocking_cpu(sorted, text)
        await flag.set(N.set(1))

    @ctx.on_diagnostic_mode
    async def diagnose(start_time: UTCTime, hint: str) -> None:
        ctx.log.info("%s %s", start_time, hint)

    @ctx.on_global_error
    async def react(failure: Exception) -> None:
        ctx.log.error("%s", failure)

    @ctx.schedule_periodically(utc_time_after(SECOND), SECOND)
    async def tick() -> None:
        tick.cancel()

    @ctx.publish_event_every(SECOND)
    async def position() -> Event | None:
        return None

    @ctx.on_event(LEVEL, every=SECOND)
    async def level_changed(event: Event) -> None:
        await ctx.observe_events.observation_start(ObsId("2027A-001-001"))

    @wheel.subscribe_current_state("position")
    async def wheel_moved(state: CurrentState) -> None:
        match await wheel.lock(SECOND):
            case LockAcquired():
                await wheel.unlock()
            case refused:
                ctx.log.info("%s", refused.reason)

    @ctx.on_location_change("IRIS.wheel", ComponentType.Assembly)
    async def wheel_came_or_went(event: LocationUpdated | LocationRemoved) -> None:
        match event:
            case LocationUpdated(location=location):
                ctx.log.info("%s", location.uri)
            case LocationRemoved(connection=connection):
                ctx.log.info("%s", connection.name)

    too_warm = AlarmKey(ctx.prefix, "tooWarm")
    await ctx.set_severity(too_warm, AlarmSeverity.Warning)
    known = await ctx.alarms.get(too_warm)
    if known is not None and await ctx.alarms.health(Subsystem.IRIS) is not AlarmHealth.Good:
        ctx.log.warning("%s since %f", known.latched_severity, known.changed_at)

    filters = await ctx.config.get("iris/filters.conf")
    if filters is None and await ctx.config.exists("iris/filters.conf", version="9f86d081884c7d65"):
        ctx.log.info("%s", await ctx.config.get_bytes("iris/filters.conf", "9f86d081884c7d65"))

    here = await ctx.location.resolve("IRIS.wheel", ComponentType.Assembly, within=SECOND)
    everybody = await ctx.location.list(subsystem=Subsystem.IRIS, prefix_start="IRIS.imager")
    ctx.log.info("%s %d", here.connection.prefix if here is not None else "", len(everybody))

    level = await ctx.param_variable(0, LEVEL, N)
    pump = ctx.fsm("pump", initial="LOW")

    @pump.state("LOW")
    async def low(state: FsmState) -> None:
        await state.entry(rise)
        await state.on(level.first() > 3, rise)
        state.after(SECOND, rise)

    async def rise() -> None:
        first: int = level.first()
        await level.set_param(first + 1)
        pump.complete()

    flag.bind(pump)
    level.bind(pump)
    running = (position, level_changed, wheel_moved, wheel_came_or_went, look, rest, anything)
    ctx.log.info("%d", len(running))
    one, other = await ctx.get_event(LEVEL), await ctx.get_event(LEVEL, LEVEL)
    assert one is None or one == other[0]


@fsm_script(initial="PARKED")
async def machine(top: FsmScriptContext) -> None:
    @top.on_stop
    async def stop() -> None:
        await top.become("PARKED")

    @top.state("PARKED")
    async def parked(ctx: StateContext) -> None:
        @ctx.on_setup("unpark")
        async def unpark(command: Setup) -> None:
            await ctx.become("READY", N.set(1))

    @top.state("READY")
    def ready(ctx: StateContext) -> None:
        ctx.log.info("%d", ctx.params[N].head())
