"""Why people failed, counted over all slices of a customer."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field

from ses_fleet import limits

OTHER_REASONS = "other reasons"


class Reasons(BaseModel):
    """The part of an action's progress that says why people failed: `reasons` are {reason: how many}."""

    reasons: dict[str, int] = Field(default_factory=dict)

    def give_reasons(self, found: Mapping[str, int]) -> None:
        """Count why people failed, KEPT_REASONS apart and the rest together: they are part of every continuation."""
        kept = self.reasons
        for reason, count in found.items():
            name = reason if reason in kept or len(kept) < limits.KEPT_REASONS else OTHER_REASONS
            kept[name] = kept.get(name, 0) + count

    def most_reasons(self) -> str:
        """Return the most frequent reasons as a text, each with how many people failed of it."""
        most = sorted(self.reasons.items(), key=lambda entry: -entry[1])[: limits.FAILURE_REASONS]
        return "; ".join(f"{reason} ({count})" for reason, count in most)
