from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ocs_ray.core import token_book
from ocs_ray.errors import BadInputError
from ocs_ray.models.access import ESW_USER, SCRIPT_ADMIN, Role, TokenBook

NAMES = st.sampled_from(["a", "b", "night-console"])


def _book(name: str, token: str, now: float, lasts_s: float | None, *, into: TokenBook | None = None) -> TokenBook:
    record = token_book.new_record(name, [ESW_USER], token, now, lasts_s)
    return token_book.with_token(into or TokenBook(), record)


def test_given_a_token_when_shown_then_its_name_and_roles_are_known_and_the_book_does_not_hold_it() -> None:
    record = token_book.new_record("console", [ESW_USER, SCRIPT_ADMIN, ESW_USER], "ocs_secret", 100.0, None)
    book = token_book.with_token(TokenBook(), record)
    caller = token_book.recognise(book, "ocs_secret", 200.0)
    assert caller.is_known
    assert (caller.name, caller.roles) == ("console", {ESW_USER, SCRIPT_ADMIN})
    assert "ocs_secret" not in book.model_dump_json()
    assert "secret" not in repr(book)


def test_given_a_token_that_expires_when_its_time_is_over_then_it_is_told_and_its_name_is_free_again() -> None:
    book = _book("console", "ocs_1", 100.0, 50.0)
    assert token_book.recognise(book, "ocs_1", 149.9).is_known
    late = token_book.recognise(book, "ocs_1", 150.0)
    assert not late.is_known
    assert late.problem == "the token 'console' has expired"
    assert not token_book.has_valid_token(book, 150.0)
    again = _book("console", "ocs_2", 150.0, None, into=book)
    assert len(again.tokens) == 1
    with pytest.raises(BadInputError, match="there is a token 'console' already"):
        _book("console", "ocs_3", 151.0, None, into=again)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30d", 2592000), ("12h", 43200), ("90m", 5400), ("45s", 45), ("2w", 1209600)]
)
def test_given_a_period_when_read_then_its_seconds(text: str, seconds: int) -> None:
    assert token_book.period_s(text) == seconds


@given(st.text(max_size=12))
def test_given_any_text_when_read_as_a_period_then_it_is_one_or_refused(text: str) -> None:
    with suppress(BadInputError):
        assert 0 < token_book.period_s(text) <= 10 * 366 * 86400


@pytest.mark.parametrize("name", ["", "a b", "é", "x" * 65, "a/b", "../x", "\n"])
def test_given_a_name_that_is_none_or_no_role_when_made_then_it_is_refused(name: str) -> None:
    with pytest.raises(BadInputError, match="name of a token"):
        token_book.new_record(name, [ESW_USER], "t", 0.0, None)
    with pytest.raises(BadInputError, match="needs a role"):
        token_book.new_record("fine", [], "t", 0.0, None)


class Tokens(RuleBasedStateMachine):
    """The book against a plain dict of what was made and not revoked."""

    def __init__(self) -> None:
        super().__init__()
        self.book, self.now, self.made = TokenBook(), 0.0, 0
        self.valid: dict[str, tuple[str, float | None]] = {}
        self.gone: set[str] = set()

    @rule(name=NAMES, lasts_s=st.none() | st.integers(1, 10))
    def create(self, name: str, lasts_s: int | None) -> None:
        self.made += 1
        token = f"ocs_{self.made}"
        if name in self.valid:
            with pytest.raises(BadInputError):
                _book(name, token, self.now, lasts_s, into=self.book)
            return
        self.book = _book(name, token, self.now, lasts_s, into=self.book)
        self.valid[name] = token, None if lasts_s is None else self.now + lasts_s

    @precondition(lambda self: self.valid)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.valid)))
        self.book = token_book.without_token(self.book, name)
        self.gone.add(self.valid.pop(name)[0])

    @rule(seconds=st.integers(1, 6))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        for name, (token, until) in list(self.valid.items()):
            if until is not None and self.now >= until:
                self.gone.add(token)
                del self.valid[name]

    @rule(name=st.just("nobody"))
    def revoke_nobody(self, name: str) -> None:
        with pytest.raises(BadInputError, match="there is no token 'nobody'"):
            token_book.without_token(self.book, name)

    @invariant()
    def exactly_the_valid_ones_open(self) -> None:
        for name, (token, _) in self.valid.items():
            caller = token_book.recognise(self.book, token, self.now)
            assert (caller.name, caller.roles) == (name, frozenset([Role("esw-user")]))
        for token in self.gone:
            assert not token_book.recognise(self.book, token, self.now).is_known
        assert token_book.has_valid_token(self.book, self.now) == bool(self.valid)


TestTokens = Tokens.TestCase
