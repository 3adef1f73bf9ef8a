"""Expected: seed 003, the field table of scramjet.md section 1, section 8; cases 1 and 2 of section 9."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocs_ray.errors import BadInputError
from ocs_ray.models.package_manifest import PackageManifest, read_manifest
from ocs_ray.models.package_names import PackageRef, parse_ref

MINIMAL = {"name": "@example/my-sequence", "version": "0.1.1", "main": "./index.py"}


def manifest(**fields: Any) -> PackageManifest:
    return read_manifest(json.dumps({**MINIMAL, **fields}))


def test_given_the_seed_s_minimal_manifest_when_read_then_the_defaults_hold() -> None:  # case 1
    read = manifest()
    assert (read.name, read.version, read.main, read.kind) == ("@example/my-sequence", "0.1.1", "index.py", "program")
    assert (read.observatory.retention_s, read.observatory.backpressure) == (195.0, "spill")


def test_given_fields_of_other_tools_when_read_then_they_are_passed_over() -> None:  # case 1
    read = manifest(
        description="d",
        author={"name": "a", "email": "b"},
        keywords=["k"],
        repository={"type": "git", "url": "u", "directory": "d"},
        engines={"python3": ">=3.11"},
        args=[1, "x"],
        scripts={"build": "make"},
        dependencies={"a": "^1"},
        scramjet={"config": {"ports": ["3000/tcp"]}},
    )
    assert read.args == (1, "x")


@pytest.mark.parametrize(
    ("fields", "where", "words"),
    [
        ({"name": "with blanks"}, "$.name", "is not a package name"),
        ({"version": "1"}, "$.version", "is not a version"),
        ({"version": "01.0.0"}, "$.version", "is not a version"),
        ({"main": "/etc/x.py"}, "$.main", "is not a path inside the package"),
        ({"main": "a\\b.py"}, "$.main", "is not a path inside the package"),
        ({"main": "index.js"}, "$.main", "ends in .py"),
        ({"main": 3}, "$.main", "where text is expected"),
        ({"engines": {"a": "1", "b": "2"}}, "$.engines", "name one at most"),
        ({"keywords": "k"}, "$.keywords", "where a list is expected"),
        ({"observatory": {"prefix": "IRIS"}}, "$.observatory.prefix", "is not a prefix"),
        ({"observatory": {"obsMode": "A"}}, "$.observatory", "belong together"),
        ({"observatory": {"prefix": "IRIS.a", "obsMode": "A", "subsystem": "IRIS"}}, "$.observatory", "keep one"),
        ({"observatory": {"handlers": ["Setup a"]}}, "$.observatory", "no sequencer"),
        ({"observatory": {"retension_s": 1}}, "$.observatory.retension_s", "did you mean 'retention_s'?"),
        ({"observatory": {"retention_s": -1}}, "$.observatory.retention_s", "at least 0"),
        ({"observatory": {"backpressure": "drop"}}, "$.observatory.backpressure", "spill, block"),
        ({"observatory": {"limits": {"instances": 0}}}, "$.observatory.limits.instances", "above 0"),
        ({"observatory": {"limits": {"memory": 1}}}, "$.observatory.limits.memory", "did you mean 'memory_mb'?"),
        ({"observatory": {"resources": {"CPU": 0}}}, "$.observatory.resources.CPU", "above 0"),
        ({"observatory": {"resources": {"GPU": 1.5}}}, "$.observatory.resources", "write a whole number"),
        ({"observatory": {"resources": {"": 1}}}, "$.observatory.resources", "has no name"),
        ({"observatory": {"resources": {"bundle": 1}}}, "$.observatory.resources", "Ray keeps for itself"),
    ],
)
def test_given_a_wrong_field_when_read_then_the_error_has_its_json_path_and_what_to_do(
    fields: dict[str, Any], where: str, words: str
) -> None:  # case 2
    with pytest.raises(BadInputError) as caught:
        manifest(**fields)
    assert caught.value.where == f"package.json: {where}"
    assert words in str(caught.value)


@pytest.mark.parametrize("resources", [{"GPU": 0.5}, {"GPU": 2}, {"CPU": 1.5}, {"machine:IRIS.machine1": 0.5}])
def test_given_resources_ray_can_grant_when_read_then_they_are_kept(resources: dict[str, float]) -> None:
    assert manifest(observatory={"resources": resources}).observatory.resources == resources


@pytest.mark.parametrize("missing", ["name", "version", "main"])
def test_given_a_missing_field_when_read_then_it_is_named(missing: str) -> None:  # case 2
    text = json.dumps({key: value for key, value in MINIMAL.items() if key != missing})
    with pytest.raises(BadInputError, match=f"the field '{missing}' is missing"):
        read_manifest(text)


def test_given_text_that_is_no_json_when_read_then_line_and_column_are_told() -> None:  # case 2
    with pytest.raises(BadInputError, match=r"package\.json: line 2, column 1: this is not JSON"):
        read_manifest('{"name": "a",\n}')


def test_given_mode_subsystem_and_variation_when_read_then_they_are_the_sequencer_s_prefix() -> None:
    parts = {"obsMode": "IRIS_ImagerOnly", "subsystem": "IRIS", "variation": "IRIS_IFS"}
    read = manifest(observatory=parts)
    assert read.observatory.sequencer_prefix == "IRIS.IRIS_ImagerOnly.IRIS_IFS"
    assert read.kind == "script"


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("a", ("a", "tag", "latest")),
        ("@s/a", ("@s/a", "tag", "latest")),
        ("a@1.2.3", ("a", "version", "1.2.3")),
        ("@s/a@1.2.3-rc.1+b", ("@s/a", "version", "1.2.3-rc.1+b")),
        ("@s/a@night-2026-11-21", ("@s/a", "tag", "night-2026-11-21")),
        ("sha256:0123abcd", ("", "digest", "sha256:0123abcd")),
    ],
)
def test_given_a_reference_when_read_then_it_is_a_version_a_tag_or_a_digest(
    text: str, ref: tuple[str, str, str]
) -> None:  # case 8
    assert parse_ref(text) == ref
    assert parse_ref(str(parse_ref(text))) == PackageRef(*ref)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("text", ["", "@", "a@", "a@1.2", "a b", "sha256:xyz", "sha256:123", "@s", "a@b@c d"])
def test_given_a_text_of_no_form_when_read_then_the_forms_are_told(text: str) -> None:
    with pytest.raises(BadInputError, match="write name, name@version, name@tag or sha256:"):
        parse_ref(text)
