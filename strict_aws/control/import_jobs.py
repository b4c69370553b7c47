"""How the next import jobs of an account go, as a control request says it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from strict_aws.ses.jobs import ImportJobSettings


class ImportJobControl(BaseModel):
    """How the next import jobs of an account in a Region go. A field that is absent has its default again.

    A job is CREATED and then PROCESSING for so many seconds. With `fail` it ends FAILED with that text and without
    effect, saying that it processed `processed_records`.
    """

    model_config = ConfigDict(extra="forbid")

    created_seconds: float = Field(default=0.5, ge=0, allow_inf_nan=False)
    processing_seconds: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    fail: str | None = Field(default=None, min_length=1)
    processed_records: int = Field(default=0, ge=0)

    @property
    def settings(self) -> ImportJobSettings:
        """The same settings as the strict SES takes them."""
        return ImportJobSettings(**self.model_dump())
