"""Actions run by the name that the catalogue has for them."""

from __future__ import annotations

from typing import Any

from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.worker.registry import REGISTRY
from tests.unit.worker.world import World


def act(world: World, action: str, params: dict[str, Any] | None = None, **options: Any) -> Any:
    """One run of an action to its end, as `World.run`; `params` are those of a payload."""
    return world.run(REGISTRY[action], ACTIONS[action].params.model_validate(params or {}), **options)
