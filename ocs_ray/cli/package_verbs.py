"""``ocs seq ...``: script packages. ``verbs.make_app`` adds these; the words are transform-hub's.

Little is imported up here, as in ``verbs``; the work of a verb is imported when it runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Ref = Annotated[str, typer.Argument(metavar="PACKAGE", help="name, name@version, name@tag, sha256:..., or - (last).")]
Words = Annotated[
    list[str] | None, typer.Argument(metavar="[ARGS]...", help="3000 is a number, '\"3000\"' and abc are text.")
]
ArgsJson = Annotated[str | None, typer.Option("--args", help="Arguments as JSON: a list, or an object by name.")]
ConfigFile = Annotated[Path | None, typer.Option("-f", "--config-file", help="JSON file the program gets as config.")]
ConfigJson = Annotated[str | None, typer.Option("-s", "--config-json", help="The same, as JSON text.")]
InstanceId = Annotated[str | None, typer.Option("--inst-id", help="Id of the instance, instead of one made up.")]
Force = Annotated[bool, typer.Option("-f", "--force", help="End the instances first.")]
Deadline = Annotated[float, typer.Option("--deadline", help="Seconds they may take before they are killed.")]
PASS_ON = {"ignore_unknown_options": True}
"""-5 is an argument of the program, not an option of ours."""


def make_app() -> typer.Typer:
    """The verbs about packages."""
    app = typer.Typer(name="seq", help="Script packages: pack, send, start.", no_args_is_help=True)
    app.command("pack")(pack)
    app.command("send")(send)
    app.command("start", context_settings=PASS_ON)(start)
    app.command("deploy", context_settings=PASS_ON)(deploy)
    app.command("run", context_settings=PASS_ON, hidden=True)(deploy)
    app.command("use")(use)
    app.command("list")(list_all)
    app.command("ls", hidden=True)(list_all)
    app.command("info")(info)
    app.command("get", hidden=True)(info)
    app.command("update")(update)
    app.command("delete")(delete)
    app.command("rm", hidden=True)(delete)
    app.command("prune")(prune)
    app.command("tag")(tag)
    app.command("history")(history)
    app.command("rollback")(rollback)
    return app


def pack(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Source folder with a package.json.")],
    out: Annotated[Path | None, typer.Option("-o", "--output", help="File to write; default: DIR.tar.gz here.")] = None,
    as_json: AsJson = False,
) -> int:
    """Make a package of a source folder. Dependencies are not installed. Needs no cluster."""
    from ocs_ray.cli import package_work

    return package_work.pack(folder, out, as_json)


def send(
    source: Annotated[str, typer.Argument(metavar="FILE|DIR|-", help="A package, a folder to pack, the last packed.")],
    as_json: AsJson = False,
) -> int:
    """Send a package to the platform; the same bytes again change nothing."""
    from ocs_ray.cli import package_work

    return package_work.send(source, as_json)


def start(
    ref: Ref,
    words: Words = None,
    args: ArgsJson = None,
    config_file: ConfigFile = None,
    config_json: ConfigJson = None,
    inst_id: InstanceId = None,
    as_json: AsJson = False,
) -> int:
    """Start an instance with arguments; it runs when this returns."""
    from ocs_ray.cli import package_work

    given = package_work.Given(words or [], args, config_file, config_json, inst_id)
    return package_work.start(ref, given, as_json)


def deploy(
    source: Annotated[str, typer.Argument(metavar="DIR|FILE|-", help="A folder to pack, or a package.")],
    words: Words = None,
    args: ArgsJson = None,
    config_file: ConfigFile = None,
    config_json: ConfigJson = None,
    inst_id: InstanceId = None,
    as_json: AsJson = False,
) -> int:
    """Pack, send and start in one."""
    from ocs_ray.cli import package_work

    given = package_work.Given(words or [], args, config_file, config_json, inst_id)
    return package_work.deploy(source, given, as_json)


def use(ref: Ref) -> int:
    """Let - mean this package."""
    from ocs_ray.cli import package_work

    return package_work.use(ref)


def list_all(
    name: Annotated[str, typer.Option("-n", "--name", help="Only packages of this name.")] = "", as_json: AsJson = False
) -> int:
    """The packages on the platform."""
    from ocs_ray.cli import package_work

    return package_work.list_all(name, as_json)


def info(ref: Ref, as_json: AsJson = False) -> int:
    """One package."""
    from ocs_ray.cli import package_work

    return package_work.info(ref, as_json)


def update(
    ref: Ref,
    source: Annotated[str, typer.Argument(metavar="FILE|DIR|-", help="The package to put in its place.")],
    as_json: AsJson = False,
) -> int:
    """Send a newer package of the same name and move the tag there; refused while instances are alive."""
    from ocs_ray.cli import package_work

    return package_work.update(ref, source, as_json)


def delete(ref: Ref, force: Force = False, deadline: Deadline = 7.0, as_json: AsJson = False) -> int:
    """Forget a package; refused while instances are alive. What they wrote stays for its time."""
    from ocs_ray.cli import package_work

    return package_work.delete(ref, force, deadline, as_json)


def prune(force: Force = False, deadline: Deadline = 7.0, as_json: AsJson = False) -> int:
    """Forget all packages no instance uses."""
    from ocs_ray.cli import package_work

    return package_work.prune(force, deadline, as_json)


def tag(
    ref: Ref, tag: Annotated[str, typer.Argument(metavar="TAG", help="prod, night-2026-11-21")], as_json: AsJson = False
) -> int:
    """Point a tag at a package."""
    from ocs_ray.cli import package_work

    return package_work.tag(ref, tag, as_json)


def history(name: Annotated[str, typer.Argument(metavar="NAME[@TAG]")], as_json: AsJson = False) -> int:
    """Every move of a tag; default: latest."""
    from ocs_ray.cli import package_work

    return package_work.history(name, as_json)


def rollback(name: Annotated[str, typer.Argument(metavar="NAME[@TAG]")], as_json: AsJson = False) -> int:
    """Point a tag where it was before its last move; default: latest."""
    from ocs_ray.cli import package_work

    return package_work.rollback(name, as_json)
