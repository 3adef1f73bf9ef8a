"""``ocs token create|list|revoke``. No cluster has to be up. ``verbs.make_app`` adds these."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ocs_ray.location.token_file import TokenFile
    from ocs_ray.models.access import TokenRecord

OK = 0
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Cluster = Annotated[
    Path | None,
    typer.Option("--cluster", metavar="FILE", help="Cluster file of the next 'ocs up', when it is not the usual one."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What you call it: night-console.")]


def make_app() -> typer.Typer:
    """The verbs about tokens."""
    app = typer.Typer(name="token", help="Who may use the gateway over HTTP.", no_args_is_help=True)
    app.command("create")(create)
    app.command("list")(list_all)
    app.command("revoke")(revoke)
    return app


def create(
    name: Name,
    role: Annotated[
        list[str] | None, typer.Option("--role", metavar="ROLE", help="esw-user, iris-user, script-admin; repeatable.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="PERIOD", help="30d, 12h; default: never.")
    ] = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> int:
    """Make a token and show it, this once: only its digest is kept."""
    from ocs_ray.cli import terminal
    from ocs_ray.core import token_book
    from ocs_ray.location.token_file import new_token
    from ocs_ray.models.access import known_role

    token = new_token()
    lasts_s = None if expires is None else token_book.period_s(expires)
    record = token_book.new_record(name, [known_role(each) for each in role or ()], token, time.time(), lasts_s)
    _file(cluster).change(lambda book: token_book.with_token(book, record))
    if as_json:
        terminal.put_document({**_shown(record), "token": token})
        return OK
    terminal.say(token)
    until = f"until {_time(record.expires_at)}" if record.expires_at is not None else "until it is revoked"
    terminal.note(f"'{record.name}' may act as {', '.join(record.roles)} {until}; the token is not shown again")
    return OK


def list_all(cluster: Cluster = None, as_json: AsJson = False) -> int:
    """All tokens: their names, roles and times; the tokens themselves are not kept."""
    from rich.table import Table

    from ocs_ray.cli import terminal
    from ocs_ray.core.token_book import is_expired

    records = sorted(_file(cluster).read().tokens, key=lambda record: record.name)
    if as_json:
        terminal.put_document({"tokens": [_shown(record) for record in records]})
        return OK
    table = Table("name", "roles", "made (UTC)", "valid until (UTC)", box=None, pad_edge=False)
    for record in records:
        gone = " (expired)" if is_expired(record, time.time()) else ""
        until = "revoked" if record.expires_at is None else _time(record.expires_at) + gone
        table.add_row(record.name, ", ".join(record.roles), _time(record.created_at), until)
    terminal.console().print(table)
    return OK


def revoke(name: Name, cluster: Cluster = None, as_json: AsJson = False) -> int:
    """Make a token worthless, at once."""
    from ocs_ray.cli import terminal
    from ocs_ray.core.token_book import without_token

    _file(cluster).change(lambda book: without_token(book, name))
    if as_json:
        terminal.put_document({"revoked": name})
    else:
        terminal.say(f"the token '{name}' opens nothing any more")
    return OK


def _file(cluster: Path | None) -> TokenFile:
    from ocs_ray.cli import gateway_access, server_choice
    from ocs_ray.cli.cluster_session import this_home
    from ocs_ray.location.token_file import TokenFile

    server_choice.only_here("ocs token")
    return TokenFile(gateway_access.tokens_in_use(this_home(), cluster))


def _shown(record: TokenRecord) -> dict[str, Any]:
    return record.model_dump(mode="json", exclude={"digest"})


def _time(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
