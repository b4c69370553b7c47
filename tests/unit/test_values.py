"""Values are values: what is handed from one step to the next is never changed, and what may be is named here."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator

from pydantic import BaseModel

import ses_fleet


def classes() -> Iterator[type]:
    """Every class of what is shipped to Lambda."""
    for module in pkgutil.walk_packages(ses_fleet.__path__, "ses_fleet."):
        for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if found.__module__ == module.name:
                yield found


def test_a_dataclass_is_frozen() -> None:
    """But for the context of a slice, which opens its clients when they are first used, and what the reaper counts."""
    changeable = {
        found.__name__
        for found in classes()
        if dataclasses.is_dataclass(found) and not found.__dataclass_params__.frozen  # type: ignore[attr-defined]
    }
    assert changeable == {"ActionContext", "_Pass"}


def test_a_model_is_frozen() -> None:
    """But for how far an action is that has several steps, which write it down as they go."""
    changeable = {
        found.__name__
        for found in classes()
        if issubclass(found, BaseModel) and not found.model_config.get("frozen", False)
    }
    assert changeable == {"ImportJob", "JobProgress", "Progress", "Reasons", "Tally"}


def test_a_model_that_is_read_says_what_becomes_of_unknown_fields() -> None:
    """Nobody is left to pydantic's default: they are refused, or passed over because another version may have them."""
    undecided = {
        found.__name__
        for found in classes()
        if issubclass(found, BaseModel) and found.model_config.get("extra") not in ("forbid", "ignore")
    }
    assert undecided == {"ImportJob", "JobProgress", "Progress", "Reasons", "Tally"}
