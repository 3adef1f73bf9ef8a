"""Notes of sequence components in Ray's own store, which lives as long as the cluster does.

``ray.experimental.internal_kv`` is no public interface: what it is used for here is pinned by tests/cluster. When the
store is lost, so are all actors, and there is nothing to come back to. Source: reference ray_facts.md section 3.
"""

from __future__ import annotations

from typing import Final

from ray.experimental.internal_kv import (
    _internal_kv_del,  # pyright: ignore[reportPrivateUsage]
    _internal_kv_get,  # pyright: ignore[reportPrivateUsage]
    _internal_kv_put,  # pyright: ignore[reportPrivateUsage]
)

from ocs_ray.models.component_note import ComponentNote
from ocs_ray.models.prefix import Prefix

ROOM: Final = b"ocs_components"
"""Ray's store is shared by all its users: ours lies under this name."""


class RayNotes:
    """One record a component; see ``workplace.Notes``. A call takes well below a millisecond."""

    def write(self, component: Prefix, note: ComponentNote) -> None:
        """Keep a note in place of the last one."""
        key = component.encode()
        if note == ComponentNote():
            _internal_kv_del(key, namespace=ROOM)
        else:
            _internal_kv_put(key, note.model_dump_json().encode(), overwrite=True, namespace=ROOM)

    def read(self, component: Prefix) -> ComponentNote:
        """What was kept last."""
        kept = _internal_kv_get(component.encode(), namespace=ROOM)
        return ComponentNote() if kept is None else ComponentNote.model_validate_json(kept)
