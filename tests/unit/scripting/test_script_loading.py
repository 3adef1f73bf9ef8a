"""Finding a script in its file, and seeing every edit. Source: reference esw_sequencer.md 2.1, row 30 of section 8."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.cli.script_verbs import make_app
from ocs_ray.errors import ScriptError
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.scripting import ScriptContext, Setup, script_loading
from ocs_ray.scripting.script_check import Problem, check_script
from ocs_ray.scripting.script_loading import load_script
from ocs_ray.scripting.time_scale import TimeScale
from ocs_ray.scripting.undefined_names import undefined_names

HEAD = "from ocs_ray.scripting import *\nfrom ocs_ray.scripting import FsmScriptContext, ScriptContext, Setup, script\n"
SCRIPT = """from __future__ import annotations
from dataclasses import dataclass
from shared_with_all.numbers import NUMBER
from ocs_ray.scripting import Result, ScriptContext, Setup, script
from ocs_ray.models.keys import int_key

@dataclass
class Order:
    number: int

@script
async def lead(ctx: ScriptContext) -> None:
    @ctx.on_setup("move")
    async def move(command: Setup) -> Result:
        return Result(int_key("n").set(Order(NUMBER).number))
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Path]:
    before = list(sys.path)
    for folder in ("mode", "shared_with_all"):
        (tmp_path / folder).mkdir()
    (tmp_path / "shared_with_all" / "__init__.py").touch()
    (tmp_path / "shared_with_all" / "numbers.py").write_text("NUMBER = 1\n")
    yield tmp_path
    sys.path[:] = before


def put(catalogue: Path, text: str, name: str = "esw.py") -> str:
    file = catalogue / "mode" / name
    file.write_text(text)
    return str(file)


def number(file: str, root: Path) -> int:
    async def story() -> int:
        port: Any = None
        ctx = ScriptContext(Prefix("ESW.mode"), ObsMode("mode"), port, TimeScale())
        running = await load_script(file, str(root), "ESW.mode").start(ctx)
        result = await running.execute(Setup("ESW.test", "move"))
        await running.close()
        assert result is not None
        return result.param_set[0].values[0]

    return asyncio.run(story())


def test_given_a_script_and_what_it_shares_when_edited_then_the_next_load_in_the_same_process_sees_it(
    catalogue: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = put(catalogue, SCRIPT)
    assert number(file, catalogue) == 1
    (catalogue / "shared_with_all" / "numbers.py").write_text("NUMBER = 2\n")  # same size, same second
    assert number(file, catalogue) == 2
    put(catalogue, SCRIPT.replace("(NUMBER)", "(NUMBER + 1)"))
    assert number(file, catalogue) == 3
    assert not list(catalogue.rglob("*.pyc"))


def test_given_two_catalogues_with_modules_of_one_name_then_each_script_gets_its_own(
    catalogue: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "shared_with_all").mkdir()
    (other / "shared_with_all" / "numbers.py").write_text("NUMBER = 7\n")
    (other / "mode").mkdir()
    first, second = put(catalogue, SCRIPT), put(other, SCRIPT)
    assert [number(first, catalogue), number(second, other), number(first, catalogue)] == [1, 7, 1]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("def lead(:\n", 1, "syntax error: invalid syntax"),
        ("import nonexistent_module\n", 1, "ModuleNotFoundError: No module named 'nonexistent_module'"),
        ("x = 1\n\n1 / 0\n", 3, "ZeroDivisionError: division by zero"),
        ("x = 1\n", 0, "it has no function marked with @script"),
        (HEAD + "@script\nasync def a(ctx): ...\n@script\nasync def b(ctx): ...\n", 0, "it has several functions"),
    ],
)
def test_given_a_file_that_cannot_be_loaded_then_place_and_fault_are_named(
    text: str, line: int, problem: str, catalogue: Path
) -> None:
    file = put(catalogue, text)
    with pytest.raises(ScriptError) as raised:
        load_script(file, str(catalogue), "ESW.mode")
    assert (raised.value.file, raised.value.line) == (file, line)
    assert raised.value.problem.startswith(problem)
    report = check_script(file, str(catalogue))
    assert [p for p in report.problems if p.line == line and p.text.startswith(problem)]


def test_given_no_file_then_it_says_so(catalogue: Path) -> None:
    with pytest.raises(ScriptError, match="there is no such file"):
        load_script(str(catalogue / "none.py"), str(catalogue), "ESW.mode")
    (problem,) = check_script(str(catalogue / "none.py"), str(catalogue)).problems
    assert "there is no such file" in problem.text


def test_given_a_good_script_when_checked_then_its_handlers_are_told_and_nothing_is_sent(catalogue: Path) -> None:
    body = (
        "    await ctx.assembly('IRIS.wheel').submit_and_wait(Setup(ctx.prefix, 'INIT'))\n"
        "    await ctx.get_event(EventKey('TCS.a', 'b'))\n"
        "    assert not await ctx.config.exists('a.conf') and await ctx.config.get('a.conf') is None\n"
        "    found = await ctx.location.resolve('IRIS.wheel', ComponentType.Assembly)\n"
        "    assert found is not None and await ctx.location.list() == ()\n"
        "    await ctx.set_severity(AlarmKey(ctx.prefix, 'tooWarm'), AlarmSeverity.Major)\n"
        "    assert await ctx.alarms.get(AlarmKey(ctx.prefix, 'tooWarm')) is None is await ctx.alarms.health()\n"
        "    @ctx.on_event(EventKey('TCS.a', 'b'))\n    async def e(event): ...\n"
        "    @ctx.on_observe('look')\n    async def look(command): ...\n"
        "    @ctx.on_any_command\n    async def other(command): ...\n"
        "    @ctx.on_stop\n    async def stop(): ...\n    @ctx.on_stop\n    async def stop2(): ...\n"
    )
    report = check_script(put(catalogue, HEAD + "@script\nasync def lead(ctx):\n" + body), str(catalogue))
    assert report.handlers == ("Observe look", "on_any_command", "on_stop", "on_stop")
    assert report.problems == ()


def test_given_an_fsm_script_when_checked_then_its_states_and_the_first_one_s_handlers_are_told(
    catalogue: Path,
) -> None:
    body = (
        "@fsm_script(initial='A')\nasync def lead(top: FsmScriptContext):\n"
        "    @top.on_stop\n    async def stop(): ...\n"
        "    @top.state('A')\n    async def a(ctx):\n"
        "        @ctx.on_setup('go')\n        async def go(command): ...\n"
        "    @top.state('B')\n    async def b(ctx):\n"
        "        @ctx.on_wait('rest')\n        async def rest(command): ...\n"
    )
    report = check_script(put(catalogue, HEAD + body), str(catalogue))
    assert report == (report.file, ("Setup go", "on_stop"), ("A", "B"), (), ("Setup go", "Wait rest"))


def test_given_names_nobody_defines_in_script_and_shared_code_when_checked_then_file_and_line_are_told(
    catalogue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = catalogue / "shared_with_all" / "numbers.py"
    shared.write_text("NUMBER = 1\n\ndef unused():\n    return NOTHING\n")
    file = put(catalogue, SCRIPT + "        later(ctx)\n")
    report = check_script(file, str(catalogue))
    found = [Problem(file, 16, "undefined name 'later'"), Problem(str(shared.resolve()), 4, "undefined name 'NOTHING'")]
    assert list(report.problems) == found
    assert make_app()(["check", file], standalone_mode=False) == 2
    assert capsys.readouterr().out.splitlines() == [str(problem) for problem in found]
    shared.write_text("NUMBER = 1\n")
    assert make_app()(["check", put(catalogue, SCRIPT), "--json"], standalone_mode=False) == 0
    assert '"handlers": ["Setup move"]' in capsys.readouterr().out


def test_given_a_body_that_fails_when_checked_then_its_line_is_told(catalogue: Path) -> None:
    file = put(catalogue, HEAD + "@script\nasync def lead(ctx):\n    ctx.on_stop(1)\n    raise ValueError('no')\n")
    assert check_script(file, str(catalogue)).problems == (Problem(file, 6, "ValueError: no"),)


def test_given_a_relative_path_when_the_body_fails_then_its_line_is_told(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(catalogue, HEAD + "@script\nasync def lead(ctx):\n    raise ValueError('no')\n")
    for folder, path in ((catalogue, "mode/esw.py"), (catalogue / "mode", "esw.py")):
        monkeypatch.chdir(folder)
        assert check_script(path, str(catalogue)).problems == (Problem(file, 5, "ValueError: no"),)


def test_given_a_failure_in_installed_code_below_the_catalogue_then_the_script_s_own_line_is_told(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEAD + "from shared_with_all.numbers import fail\n@script\nasync def lead(ctx):\n    fail()\n"
    (catalogue / "shared_with_all" / "numbers.py").write_text("def fail():\n    raise ValueError('no')\n")
    file = put(catalogue, text)
    assert check_script(file, str(catalogue)).problems[0].file == str(catalogue / "shared_with_all" / "numbers.py")
    monkeypatch.setattr(script_loading, "LIBRARIES", (f"{catalogue}/shared_with_all/",))
    assert check_script(file, str(catalogue)).problems == (Problem(file, 6, "ValueError: no"),)


def test_given_one_script_with_two_names_then_it_is_one_script(catalogue: Path) -> None:
    file = put(catalogue, HEAD + "@script\nasync def lead(ctx): ...\nalias = lead\n")
    assert load_script(file, str(catalogue), "ESW.mode").body.__name__ == "lead"


def test_given_a_body_that_asks_for_all_kinds_of_things_when_checked_then_it_is_answered_with_success(
    catalogue: Path,
) -> None:
    body = (
        "    wheel, tcs = ctx.assembly('IRIS.wheel'), ctx.sequencer(Subsystem.TCS)\n"
        "    started = await wheel.submit(Setup(ctx.prefix, 'INIT'))\n"
        "    completed(await wheel.query_final(started.run_id))\n"
        "    completed(await wheel.query(started.run_id))\n"
        "    assert type(await wheel.lock(timedelta(seconds=9))).__name__ == 'LockAcquired'\n"
        "    assert type(await wheel.unlock()).__name__ == 'LockReleased'\n"
        "    assert await tcs.state() == 'Idle' and await tcs.sequence() is None\n"
        "    await tcs.load(Sequence.of(Setup(ctx.prefix, 'INIT')))\n"
        "    completed(await tcs.start())\n"
        "    completed(await tcs.retry_failed())\n"
        "    @wheel.subscribe_current_state('position')\n    async def moved(state): ...\n"
        "    await asyncio.sleep(0)\n"
    )
    head = HEAD + "import asyncio\nfrom datetime import timedelta\nfrom ocs_ray.scripting import completed\n"
    report = check_script(put(catalogue, head + "@script\nasync def lead(ctx):\n" + body), str(catalogue))
    assert report.problems == ()


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from os import *\nprint(anything)", []),
        ("print(a)\na = 1", []),
        ("def f(a, *b, **c):\n    d = a\n    return [e for e in b if e in d and c]", []),
        ("class A:\n    x = 1\n    def f(self):\n        return __class__, x", [(4, "x")]),
        ("def f():\n    global g\n    g = 1\ndef h():\n    return g", []),
        ("from __future__ import annotations\ndef f(a: Missing) -> None: ...", []),  # never evaluated
        ("try:\n    pass\nexcept ValueError as e:\n    print(e)\nprint(__file__, len)", []),
        ("lambda x: x + y", [(1, "y")]),
        ("import a.b\nprint(a)\nwith open('f') as (g, h):\n    g, h, i", [(4, "i")]),
        ("if (n := 10) > 5: print(n)\nmatch n:\n    case [first, *rest]: print(first, rest)", []),
    ],
)
def test_given_python_then_the_names_nobody_defines_are_found(source: str, names: list[tuple[int, str]]) -> None:
    assert undefined_names(source, "script.py") == names


def test_given_a_script_whose_root_lies_above_installed_libraries_then_those_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "lead.py"
    file.write_text(
        "from ocs_ray.scripting import script\n\n@script\nasync def lead(ctx):\n    @ctx.on_setup('a')\n"
        "    async def a(command):\n        await nothing(command)\n"
    )
    pydantic = sys.modules["pydantic"]
    report = check_script(str(file), "/")
    assert [(problem.line, problem.text) for problem in report.problems if problem.file == str(file)] == [
        (7, "undefined name 'nothing'")
    ]
    assert sys.modules["pydantic"] is pydantic
