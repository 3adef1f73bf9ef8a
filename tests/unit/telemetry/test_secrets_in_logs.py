from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.location.token_file import new_token
from ocs_ray.telemetry.secrets_in_logs import without_secrets
from ocs_ray.telemetry.structured_log import JsonLines

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLXNlY3JldA"


@pytest.mark.parametrize("secret", [new_token(), JWT, "any-opaque-token"])
@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer {}",
        "authorization={}",
        '{{"authorization": "Bearer {}", "x": 1}}',
        "GET /websocket-endpoint?appName=ui&Authorization=Bearer%20{}&username=a",
        "/events?access_token={}",
        "[(b'authorization', b'bearer {}')]",
    ],
)
def test_given_a_token_where_tokens_stand_when_logged_then_it_is_hidden_and_the_rest_is_not(
    secret: str, line: str
) -> None:
    hidden = without_secrets(line.format(secret))
    assert secret not in hidden
    assert "(hidden)" in hidden
    for word in ("appName=ui", "username=a", '"x": 1', "/events"):
        assert (word in hidden) == (word in line)


@given(st.text(max_size=40), st.text(max_size=40))
def test_given_a_token_of_ours_anywhere_when_logged_then_it_is_hidden(before: str, after: str) -> None:
    token = new_token()
    assert token not in without_secrets(f"{before} {token} {after}")
    assert JWT not in without_secrets(f"{before} {JWT} {after}")


@pytest.mark.parametrize("line", ["ocs_sequencer_state 1", "the bearer", "eyJ", "ocs_ray.gateway", "authorization"])
def test_given_a_line_without_a_secret_when_logged_then_it_stays(line: str) -> None:
    assert without_secrets(line) == line


def test_given_a_token_in_a_traceback_when_logged_then_the_line_is_json_still_and_holds_none() -> None:
    token = new_token()
    try:
        raise ValueError(f'no such header: "Bearer {token}"\n\\{token}')
    except ValueError as failure:
        record = logging.LogRecord("ocs", logging.ERROR, "", 0, "asked with %s", (token,), None)
        record.exc_info = type(failure), failure, failure.__traceback__
    line = JsonLines("ESW.EswGateway-Service").format(record)
    assert token not in line
    assert json.loads(line)["message"] == "asked with (hidden)"
