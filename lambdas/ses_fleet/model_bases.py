"""The two bases of our pydantic models: what passes between our processes, and what is read back from S3."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Wire(BaseModel):
    """A model that crosses a process boundary and is ours on both sides: nothing unknown, nothing coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Stored(BaseModel):
    """A model that is read back from S3, maybe by a later version: unknown fields are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")
