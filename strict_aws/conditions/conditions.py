"""How unkind this AWS is: what the real one does on an ordinary day, and a test double usually does not.

The preset `kind` has no latency, its reads are never stale, and its answers are always complete. The preset `aws`
behaves as AWS does.
"""

from __future__ import annotations

import random
import threading
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

Preset = Literal["aws", "kind"]

# Seconds that a call takes there and back, by the service's name in the journal.
AWS_LATENCY_SECONDS = {
    "sts": 0.06,
    "sesv2": 0.06,
    "s3": 0.03,
    "lambda": 0.01,
    "identitystore": 0.05,
    "sso-admin": 0.05,
    "organizations": 0.1,
    "resourcegroupstaggingapi": 0.1,
}


class Conditions(BaseModel):
    """The conditions under which calls are answered. Every default is that of the preset `kind`.

    `latency_seconds`: added to each call, by service. `read_lag_seconds`: a read of SES may show a state that is up to
    so many seconds old. `unset_share`: the probability, from 0 to 1, that an optional member of an answer which holds
    nothing (empty, false, zero, or a timestamp) is null or absent. `token_seconds`: how long a continuation token is
    valid; None means for ever. `tokens_of_session`: a token is valid only for the credentials that it was given to.
    `pending_seconds`: how long a function is Pending after it was made, or its update InProgress.
    `schedules_twice_share`: the probability that a schedule's delivery comes twice. `seed`: the seed of everything that
    is random.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    latency_seconds: dict[str, Annotated[float, Field(ge=0, le=60)]] = Field(default_factory=dict)
    read_lag_seconds: float = Field(default=0.0, ge=0, le=60)
    unset_share: float = Field(default=0.0, ge=0, le=1)
    token_seconds: float | None = Field(default=None, gt=0)
    tokens_of_session: bool = False
    pending_seconds: float = Field(default=0.0, ge=0, le=60)
    schedules_twice_share: float = Field(default=0.0, ge=0, le=1)
    seed: int = 0

    @classmethod
    def preset(cls, name: Preset) -> Self:
        """Return the conditions of this preset."""
        if name == "kind":
            return cls()
        return cls(
            latency_seconds=dict(AWS_LATENCY_SECONDS),
            read_lag_seconds=2.0,
            unset_share=0.5,
            token_seconds=3600.0,
            tokens_of_session=True,
            pending_seconds=1.0,
            schedules_twice_share=0.1,
        )


class CurrentConditions:
    """The conditions in force, which may change at any time. Safe to use from many threads."""

    def __init__(self, conditions: Conditions | None = None) -> None:
        self._lock = threading.Lock()
        self._now = conditions or Conditions()
        self._random = random.Random(self._now.seed)  # noqa: S311  # repeatable, not secret

    @property
    def now(self) -> Conditions:
        """The conditions that are in force now."""
        return self._now

    def replace(self, conditions: Conditions) -> None:
        """Put other conditions in force; everything random starts again from their seed."""
        with self._lock:
            self._now = conditions
            self._random = random.Random(conditions.seed)  # noqa: S311

    def chance(self, probability: float) -> bool:
        """Return True with this probability, which is from 0 to 1."""
        if probability <= 0:
            return False
        with self._lock:
            return self._random.random() < probability

    def up_to(self, most: float) -> float:
        """Return a random number from 0 to `most`."""
        with self._lock:
            return self._random.uniform(0, most)
