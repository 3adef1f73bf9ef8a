"""Tokens of an identity provider: a small one of our own, on loopback, with real keys and signatures."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ocs_ray.gateway.access.oidc import AGAIN_S, KEEP_S, OLD_S, OidcVerifier
from ocs_ray.models.access import Caller
from ocs_ray.models.access_settings import OidcSettings
from ocs_ray.testing.waiting import until

AUDIENCE = "tmt-backend-app"
KEYS = {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048) for kid in ("one", "two")}
HIDDEN = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer:
    """Discovery, keys and tokens, as Keycloak makes them."""

    def __init__(self) -> None:
        self.published: list[Any] = ["one"]
        self.fetches = 0
        self.requests = 0
        self.status = 200
        self.claimed_issuer = ""
        self.hold = threading.Event()
        self.hold.set()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests += 1
                issuer.hold.wait(10)
                body = json.dumps(issuer.answer(self.path)).encode()
                self.send_response(issuer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/realms/TMT"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, path: str) -> Any:
        if path.endswith("/.well-known/openid-configuration"):
            return {"issuer": self.claimed_issuer or self.url, "jwks_uri": f"{self.url}/certs"}
        self.fetches += 1
        return {"keys": [self._jwk(kid) if isinstance(kid, str) else kid for kid in self.published]}

    def _jwk(self, kid: str) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEYS[kid].public_key()))
        return {**public, "kid": kid, "use": "sig", "alg": "RS256"}

    def token(self, kid: str = "one", *, key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
        now = time.time()
        content = {
            "iss": self.url,
            "aud": [AUDIENCE, "account"],
            "exp": now + 300,
            "iat": now,
            "sub": "f3a1",
            "typ": "Bearer",
            "preferred_username": "esw-user1",
            "realm_access": {"roles": ["ESW-user", "offline_access"]},
            **claims,
        }
        content = {name: value for name, value in content.items() if value is not None}
        return jwt.encode(content, key or KEYS[kid], algorithm=algorithm, headers={"kid": kid})

    def close(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _verifier(at: Issuer, clock: Clock | None = None, **settings: Any) -> OidcVerifier:
    given = {"issuer": at.url, "audience": AUDIENCE, "timeout_s": 5.0, **settings}
    return OidcVerifier(OidcSettings(**given), clock or Clock())


def _ask(verifier: OidcVerifier, *tokens: str) -> list[Caller]:
    async def asked() -> list[Caller]:
        return list(await asyncio.gather(*(verifier.caller(token) for token in tokens)))

    return asyncio.run(asked())


def test_given_a_token_of_the_issuer_when_shown_then_name_and_realm_roles_are_known(issuer: Issuer) -> None:
    (caller,) = _ask(_verifier(issuer), issuer.token())
    assert caller == Caller(name="esw-user1", roles=frozenset({"esw-user", "offline_access"}), is_known=True)  # type: ignore[arg-type]


def test_given_many_tokens_at_once_when_shown_then_the_keys_are_fetched_once(issuer: Issuer) -> None:
    verifier = _verifier(issuer)
    assert all(caller.is_known for caller in _ask(verifier, *(issuer.token() for _ in range(20))))
    assert issuer.fetches == 1


@pytest.mark.parametrize(
    ("claims", "problem"),
    [
        ({"exp": -60.0}, "expired"),
        ({"exp": None}, "exp"),
        ({"iss": "http://evil.example.com"}, "is not of"),
        ({"iss": None}, "iss"),
        ({"aud": "another-app"}, "not meant for tmt-backend-app"),
        ({"aud": None}, "aud"),
        ({"nbf": 600.0}, "not yet valid"),
        ({"typ": "ID"}, "no access token"),
        ({"typ": "Refresh"}, "no access token"),
    ],
)
def test_given_a_token_that_is_not_for_us_or_not_now_when_shown_then_refused_with_the_reason(
    issuer: Issuer, claims: dict[str, Any], problem: str
) -> None:
    now = time.time()  # not when the tests are collected: that may be half an hour ago
    shown = {name: now + value if isinstance(value, float) else value for name, value in claims.items()}
    (caller,) = _ask(_verifier(issuer), issuer.token(**shown))
    assert not caller.is_known
    assert not caller.roles
    assert not caller.is_undecided
    assert problem in caller.problem


def _part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def _unsigned(issuer: Issuer, alg: str) -> str:
    return f"{_part({'alg': alg, 'kid': 'one', 'typ': 'JWT'})}.{issuer.token().split('.')[1]}."


def _hs256_with_the_public_key(issuer: Issuer) -> str:
    """The classic: the public key, which everybody has, used as the secret of an HMAC."""
    head = f"{_part({'alg': 'HS256', 'kid': 'one', 'typ': 'JWT'})}.{issuer.token().split('.')[1]}"
    secret = KEYS["one"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signature = hmac.new(secret, head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_given_a_forged_token_when_shown_then_it_is_refused(issuer: Issuer) -> None:
    whole = issuer.token()
    head, body, signature = whole.split(".")
    more = _part({**jwt.decode(whole, options={"verify_signature": False}), "realm_access": {"roles": ["iris-user"]}})
    forged = [
        _unsigned(issuer, "none"),
        _unsigned(issuer, "None"),
        _hs256_with_the_public_key(issuer),
        issuer.token(key=HIDDEN),  # another key under a published id
        issuer.token(algorithm="RS512"),  # not what the key is for
        f"{head}.{more}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        "eyJ.eyJ.x",
        "",
        ".",
        "ocs_abc",
    ]
    for caller in _ask(_verifier(issuer), *forged):
        assert not caller.is_known
        assert caller.problem
        assert not caller.is_undecided


def test_given_strange_claims_when_read_then_they_give_no_role_and_no_fault(issuer: Issuer) -> None:
    strange: list[Any] = [None, [], "x", {"roles": None}, {"roles": "esw-user"}, {"roles": [1, None, "", " ", {}]}]
    for access in strange:
        (caller,) = _ask(_verifier(issuer), issuer.token(realm_access=access, preferred_username=None))
        assert caller == Caller(name="f3a1", is_known=True)


def test_given_new_keys_when_a_token_is_signed_with_one_then_it_is_fetched_but_not_at_every_stranger(
    issuer: Issuer,
) -> None:
    clock = Clock()
    verifier = _verifier(issuer, clock)
    assert _ask(verifier, issuer.token("one"))[0].is_known
    issuer.published = ["two"]
    strangers = [issuer.token("two"), *(issuer.token("one", key=HIDDEN) for _ in range(3))]
    assert not any(caller.is_known for caller in _ask(verifier, *strangers))
    assert issuer.fetches == 1  # a moment ago
    clock.now += AGAIN_S
    assert _ask(verifier, issuer.token("two"))[0].is_known
    assert issuer.fetches == 2
    withdrawn = _ask(verifier, issuer.token("one"))[0]
    assert not withdrawn.is_known
    assert "does not publish" in withdrawn.problem


def test_given_a_withdrawn_key_when_the_kept_ones_are_old_then_it_opens_nothing_any_more(issuer: Issuer) -> None:
    clock = Clock()
    verifier = _verifier(issuer, clock)
    token = issuer.token("one")
    assert _ask(verifier, token)[0].is_known
    issuer.published = ["two"]
    clock.now += OLD_S
    assert not _ask(verifier, token)[0].is_known


def test_given_keys_of_some_age_when_one_is_used_then_it_is_given_at_once_and_looked_after(issuer: Issuer) -> None:
    clock = Clock()
    verifier, token = _verifier(issuer, clock), issuer.token("one")

    async def story() -> None:
        assert (await verifier.caller(token)).is_known
        issuer.published = ["two"]
        clock.now += KEEP_S
        assert (await verifier.caller(token)).is_known
        await until(lambda: issuer.fetches == 2)
        assert (await verifier.caller(issuer.token("two"))).is_known
        assert not (await verifier.caller(token)).is_known

    asyncio.run(story())


def test_given_an_issuer_that_cannot_be_had_when_asked_then_nothing_is_decided_and_it_is_named(issuer: Issuer) -> None:
    token = issuer.token()
    issuer.status = 500
    (caller,) = _ask(_verifier(issuer), token)
    assert caller.is_undecided
    assert issuer.url in caller.problem
    issuer.status, issuer.claimed_issuer = 200, "https://evil.example.com"
    (other,) = _ask(_verifier(issuer), token)
    assert other.is_undecided
    assert "discovery document is of https://evil.example.com" in other.problem
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/realms/TMT"
        (dead,) = _ask(_verifier(issuer, issuer=nobody), token)
    assert dead.is_undecided
    assert "gives no keys" in dead.problem


def test_given_an_issuer_that_goes_away_when_its_keys_are_known_then_they_are_still_used(issuer: Issuer) -> None:
    clock = Clock()
    verifier, token = _verifier(issuer, clock), issuer.token()
    assert _ask(verifier, token)[0].is_known
    issuer.status = 503
    clock.now += KEEP_S
    assert _ask(verifier, token)[0].is_known


def test_given_a_silent_issuer_when_asked_then_the_event_loop_goes_on_and_the_limit_holds(issuer: Issuer) -> None:
    verifier, token = _verifier(issuer, timeout_s=0.3), issuer.token()
    issuer.hold.clear()

    async def asked() -> tuple[Caller, int]:
        question, turns = asyncio.create_task(verifier.caller(token)), 0
        while not question.done():
            await asyncio.sleep(0.005)
            turns += 1
        return question.result(), turns

    caller, turns = asyncio.run(asked())
    assert caller.is_undecided
    assert "did not answer within 0.3 s" in caller.problem
    assert turns > 3


async def _ten_at_once(verifier: OidcVerifier, token: str) -> tuple[list[Caller], float]:
    began = time.monotonic()
    return list(await asyncio.gather(*(verifier.caller(token) for _ in range(10)))), time.monotonic() - began


def test_given_a_silent_issuer_when_ten_ask_at_once_then_they_share_one_try_and_the_next_are_told_at_once(
    issuer: Issuer,
) -> None:
    clock = Clock()
    verifier, token = _verifier(issuer, clock, timeout_s=0.3), issuer.token()
    issuer.hold.clear()

    async def story() -> None:
        first = asyncio.create_task(_ten_at_once(verifier, token))
        await until(lambda: issuer.requests != 0)
        clock.now += AGAIN_S  # the try lasts as long as the pause between two
        callers, took_s = await first
        assert all(caller.is_undecided for caller in callers)
        assert took_s < 1.5  # one try for all, and not ten times 0.3 s
        again, took_s = await _ten_at_once(verifier, token)
        assert all(caller.is_undecided for caller in again)
        assert took_s < 0.2
        assert issuer.requests == 1
        issuer.hold.set()
        clock.now += AGAIN_S
        assert all(caller.is_known for caller in (await _ten_at_once(verifier, token))[0])

    asyncio.run(story())


def test_given_a_silent_issuer_and_a_known_key_when_ten_ask_at_once_then_nobody_waits(issuer: Issuer) -> None:
    clock = Clock()
    verifier, token = _verifier(issuer, clock, timeout_s=5.0), issuer.token()

    async def story() -> None:
        assert (await verifier.caller(token)).is_known
        known = issuer.requests
        issuer.hold.clear()
        clock.now += KEEP_S
        for _ in range(3):
            callers, took_s = await _ten_at_once(verifier, token)
            assert all(caller.is_known for caller in callers)
            assert took_s < 1.0
            clock.now += AGAIN_S
        await until(lambda: issuer.requests != known)
        assert issuer.requests == known + 1  # one fetch at a time, however long it takes

    asyncio.run(story())


def test_given_one_who_leaves_while_the_keys_are_fetched_then_the_others_get_them(issuer: Issuer) -> None:
    verifier, token = _verifier(issuer), issuer.token()
    issuer.hold.clear()

    async def story() -> None:
        leaving, staying = (asyncio.create_task(verifier.caller(token)) for _ in range(2))
        await until(lambda: issuer.requests != 0)
        leaving.cancel()
        issuer.hold.set()
        assert (await staying).is_known

    asyncio.run(story())


def test_given_keys_of_other_kinds_among_them_when_read_then_they_are_passed_over(issuer: Issuer) -> None:
    secret = base64.urlsafe_b64encode(b"secret" * 8).decode()
    issuer.published = [{"kty": "oct", "k": secret, "kid": "one"}, {"kty": "RSA", "kid": "bad"}, 5, "one"]
    assert _ask(_verifier(issuer), issuer.token())[0].is_known


def test_given_the_gateway_with_an_issuer_when_a_token_is_shown_then_roles_and_outages_have_their_codes(
    issuer: Issuer, make_gateway: Any
) -> None:
    gateway = make_gateway(oidc=OidcSettings(issuer=issuer.url, audience=AUDIENCE))
    client = gateway.client()
    configure = {"_type": "Configure", "obsMode": "DarkNight"}

    def post(token: str) -> Any:
        return client.post("/post-endpoint", json=configure, headers={"Authorization": f"Bearer {token}"})

    assert post(issuer.token()).status_code == 200
    assert post(issuer.token(realm_access={"roles": ["iris-user"]})).status_code == 403
    assert post(issuer.token(exp=time.time() - 60)).status_code == 401
    assert post(gateway.token("esw-user")).status_code == 200  # our own go on beside it
    issuer.status = 500
    away = gateway.client().post(
        "/post-endpoint", json=configure, headers={"Authorization": f"Bearer {issuer.token()}"}
    )
    assert away.status_code == 503
    assert away.headers["retry-after"] == "5"
