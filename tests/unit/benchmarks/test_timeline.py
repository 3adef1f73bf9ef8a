"""A night as a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.timeline import COLOURS, LEFT, WIDTH, Bar, picture

SVG = "{http://www.w3.org/2000/svg}"
BARS = st.builds(
    lambda row, what, begin, length, note: Bar(row, what, begin, begin + length, note),
    st.sampled_from(["IRIS_IFSOnly", "WFOS <Cal> & more"]),
    st.sampled_from(list(COLOURS)),
    st.floats(0, 1e4),
    st.floats(0, 1e4),
    st.text(alphabet="<>&\"'x 1", max_size=8),
)


def bars_of(drawing: str) -> list[ET.Element]:
    return [rect for rect in ET.fromstring(drawing).iter(f"{SVG}rect") if rect.find(f"{SVG}title") is not None]


@given(st.lists(BARS, max_size=20))
def test_given_any_night_then_every_bar_is_drawn_within_the_picture(bars: list[Bar]) -> None:
    drawn = bars_of(picture(bars, 'a night, "<&>"'))
    assert len(drawn) == len(bars)
    for rect in drawn:
        assert float(rect.get("x") or 0) >= LEFT
        assert float(rect.get("x") or 0) + float(rect.get("width") or 0) <= WIDTH


def test_given_an_observation_in_a_configured_mode_then_it_lies_on_top_at_its_time() -> None:
    night = [Bar("A", "Completed", 5, 10, "observation 1"), Bar("A", "configured", 0, 20)]
    below, above = bars_of(picture(night, ""))
    assert (below.get("fill"), above.get("fill")) == (COLOURS["configured"], COLOURS["Completed"])
    whole = float(below.get("width") or 0)
    assert float(above.get("x") or 0) - LEFT == round(whole / 4, 2)
    assert float(above.get("width") or 0) == round(whole / 4, 2)
