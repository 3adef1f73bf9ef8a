"""Ids nobody else has. Source: RFC 9562, 5.4."""

from __future__ import annotations

import random
import subprocess
import sys
from uuid import RFC_4122, UUID

from ocs_ray.models.new_id import new_id

FORKS = """
import os
from ocs_ray.models.new_id import new_id
new_id()
is_child = os.fork() == 0
ids = [new_id() for _ in range(100)]
if not is_child:
    os.wait()  # both say it into one pipe: in turn, as Python writes piece by piece where PYTHONUNBUFFERED is set
print(*ids, flush=True)
"""


def test_given_many_ids_when_read_then_each_is_a_uuid_of_version_4_and_none_comes_twice() -> None:
    ids = [new_id() for _ in range(20_000)]
    assert len(set(ids)) == len(ids)
    for one in ids[:2_000]:
        uuid = UUID(one)
        assert (str(uuid), uuid.version, uuid.variant) == (one, 4, RFC_4122)
    assert len({one[:8] for one in ids}) > 19_000, "the first digits tell them apart for people"


def test_given_a_process_that_forks_when_both_make_ids_then_they_differ() -> None:
    said = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=60, check=True)
    assert len(set(said.stdout.split())) == 200


def test_given_a_script_that_seeds_random_when_ids_are_made_then_they_do_not_come_again() -> None:
    random.seed(42)
    first = new_id()
    random.seed(42)
    assert new_id() != first
