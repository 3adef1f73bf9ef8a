"""The example of docs/how-to/use-a-database.md, as it stands there, in a sequencer."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ocs_ray.scripting import Completed, Error, Observe, Sequence
from ocs_ray.testing.local_observatory import LocalObservatory

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "use-a-database.md"


def test_given_the_how_to_s_script_when_it_observes_then_the_row_is_stored_once_and_a_failure_leaves_no_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert code is not None
    script = tmp_path / "lead.py"
    script.write_text(code[1])
    monkeypatch.setenv("EXPOSURES_DB", str(tmp_path / "exposures.db"))

    async def story() -> None:
        async with LocalObservatory() as observatory:
            await observatory.start_sequencer("IRIS.Dark", script, tmp_path)
            sequencer = observatory.sequencer("IRIS.Dark")
            expose = Sequence.of(Observe("ESW.test", "expose"))
            assert isinstance(await sequencer.submit_and_wait(expose), Completed)
            again = await sequencer.submit_and_wait(expose, resume_on_error=True)
            assert isinstance(again, Error)
            assert "IntegrityError" in again.message

    asyncio.run(story())
    with closing(sqlite3.connect(tmp_path / "exposures.db")) as database:
        assert database.execute("SELECT * FROM exposures").fetchall() == [("2027A-001-001-0001", "K")]
