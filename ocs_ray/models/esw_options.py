"""What ESW writes as a list of at most one: a field that may be absent. Source: reference esw_sm 7.1."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from ocs_ray.models.identifiers import Variation
from ocs_ray.models.locations import PekkoLocation

OptionalText: TypeAlias = Annotated[tuple[str, ...], Field(max_length=1)]
OptionalVariation: TypeAlias = Annotated[tuple[Variation, ...], Field(max_length=1)]
OptionalLocation: TypeAlias = Annotated[tuple[PekkoLocation, ...], Field(max_length=1)]
