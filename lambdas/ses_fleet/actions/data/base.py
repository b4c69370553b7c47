"""The base of every action's data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError


class Data(BaseModel):
    """Base of every action's data. Every field has a default, so that the results of other versions can be read."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    def is_different(self) -> bool | None:
        """Return whether the customer's account differs from what was asked for, or None where that is not known.

        The data of a dry run differs when a run that is no dry run would write something.
        """
        return None

    def findings(self) -> int | None:
        """Return how many checks found something, or None of an action that makes none."""
        return None

    @classmethod
    def read(cls, data: Mapping[str, Any] | None) -> Self:
        """Return the data of a stored result.

        Unknown fields are ignored; a field that is missing, or that has another form than here, has its default.
        """
        given = dict(data or {})
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            bad = {detail["loc"][0] for detail in error.errors(include_url=False, include_context=False)}
            return cls.model_validate({name: value for name, value in given.items() if name not in bad})
