from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.core.web_origins import binding_problem, host_is_ours, host_of, is_loopback, needs_no_token
from ocs_ray.core.web_origins import origin_may_change as may_change


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost:8090", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]:8090", "::1"),
        ("OCS.Example.org.", "ocs.example.org"),
        ("", None),
        ("a:port", None),
        ("good.org@evil.org", None),
        ("evil.org/localhost", None),
        ("localhost, evil.org", None),
        ("[::1", None),
    ],
)
def test_given_a_host_header_when_read_then_its_host_or_nothing(header: str, host: str | None) -> None:
    assert host_of(header) == host


@pytest.mark.parametrize("trusting", [True, False])
def test_given_a_name_that_was_pointed_at_this_machine_when_it_comes_as_host_then_it_is_not_ours(
    trusting: bool,
) -> None:
    assert not host_is_ours("evil.example.com:8090", [], is_trusting=trusting)
    assert not host_is_ours("localhost.evil.example.com", [], is_trusting=trusting)
    assert not host_is_ours("127.0.0.1.evil.example.com", [], is_trusting=trusting)
    assert host_is_ours("ocs.example.org:8090", ["ocs.example.org"], is_trusting=trusting)
    assert host_is_ours("localhost:8090", [], is_trusting=trusting)
    assert host_is_ours("127.0.0.1:8090", [], is_trusting=trusting)
    assert host_is_ours("[::1]:8090", [], is_trusting=trusting)


def test_given_another_address_as_host_then_it_is_ours_only_where_a_token_is_needed() -> None:
    assert host_is_ours("192.0.2.7:8090", [], is_trusting=False)
    assert not host_is_ours("192.0.2.7:8090", [], is_trusting=True)


def test_given_a_web_page_when_it_changes_something_without_a_token_then_it_must_be_of_here() -> None:
    assert may_change(None, "localhost:8090", [])  # no browser
    assert may_change("http://localhost:3000", "localhost:8090", [])  # ESW's engineering UI in development
    assert may_change("http://ocs.example.org", "ocs.example.org", [])
    assert may_change("https://ui.example.org", "localhost:8090", ["https://ui.example.org"])
    for foreign in (
        "https://evil.example.com",
        "null",
        "",
        "file://",
        "http://localhost.evil.example.com",
        "http://[::1",
    ):
        assert not may_change(foreign, "localhost:8090", [])


@given(st.text(max_size=60), st.text(max_size=60))
def test_given_any_two_headers_when_judged_then_nothing_breaks(one: str, other: str) -> None:
    host_is_ours(one, [], is_trusting=True)
    may_change(one, other, [])


def test_given_an_address_others_reach_when_there_is_no_token_then_it_is_refused() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.7", "ocs.example.org"):
        problem = binding_problem(host, has_tokens=False, has_oidc=False)
        assert problem is not None
        assert host in problem
        assert binding_problem(host, has_tokens=True, has_oidc=False) is None
        assert binding_problem(host, has_tokens=False, has_oidc=True) is None
        assert not needs_no_token(host, simulation=True, open_on_loopback=True)
    for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"):
        assert is_loopback(host)
        assert binding_problem(host, has_tokens=False, has_oidc=False) is None
        assert needs_no_token(host, simulation=True, open_on_loopback=False)
        assert needs_no_token(host, simulation=False, open_on_loopback=True)
        assert not needs_no_token(host, simulation=False, open_on_loopback=False)
