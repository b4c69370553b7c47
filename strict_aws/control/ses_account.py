"""An account's standing with SES, its identities and its metrics, as a control request or a scenario says them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from strict_aws.cloudwatch.service import StrictCloudWatch
from strict_aws.ses.account import Standing
from strict_aws.ses.identities import Identity, MailFrom
from strict_aws.ses.service import StrictSes

# The namespace of SES's own metrics. Those of the whole account have no dimensions (developer guide).
NAMESPACE = "AWS/SES"
_Status = Literal["PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE", "NOT_STARTED"]
_Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MailFromDocument(_Document):
    """An identity's own MAIL FROM domain."""

    domain: str = Field(min_length=1)
    status: Literal["PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE"] = "SUCCESS"
    on_mx_failure: Literal["USE_DEFAULT_VALUE", "REJECT_MESSAGE"] = "USE_DEFAULT_VALUE"


class IdentityDocument(_Document):
    """A domain or an address to send from; without more it is verified, signed by DKIM, and may send."""

    name: str = Field(min_length=1)
    verification_status: _Status = "SUCCESS"
    sending_enabled: bool = True
    dkim_status: _Status = "SUCCESS"
    dkim_signing: bool = True
    mail_from: MailFromDocument | None = None
    configuration_set: str | None = Field(default=None, min_length=1)

    @property
    def identity(self) -> Identity:
        """The same as the strict SES takes it."""
        own = None if self.mail_from is None else MailFrom(**self.mail_from.model_dump())
        return Identity(**{**self.model_dump(), "mail_from": own})


class ReviewDocument(_Document):
    """The last request for production access."""

    status: Literal["PENDING", "FAILED", "GRANTED", "DENIED"]
    case_id: str | None = None


class SesAccountDocument(_Document):
    """An account in a Region. A field that is absent has its default.

    `metrics` are those of the whole account in the namespace AWS/SES, each with one value of a minute ago; one that is
    not named is not there.
    """

    production_access: bool = True
    sending_enabled: bool = True
    enforcement_status: str = Field(default="HEALTHY", min_length=1)
    max_24_hour_send: float | None = Field(default=None, ge=-1, allow_inf_nan=False)
    sent_last_24_hours: _Number = 0.0
    review: ReviewDocument | None = None
    suppressed_reasons: list[Literal["BOUNCE", "COMPLAINT"]] = Field(default=["BOUNCE", "COMPLAINT"])
    identities: list[IdentityDocument] = Field(default_factory=list)
    metrics: dict[Annotated[str, Field(min_length=1)], _Number] = Field(default_factory=dict)

    @property
    def standing(self) -> Standing:
        """The same as the strict SES takes it."""
        return Standing(
            enforcement_status=self.enforcement_status,
            max_24_hour_send=self.max_24_hour_send,
            sent_last_24_hours=self.sent_last_24_hours,
            review_status=None if self.review is None else self.review.status,
            review_case_id=None if self.review is None else self.review.case_id,
        )


def put_ses_account(
    ses: StrictSes, cloudwatch: StrictCloudWatch, account: str, region: str, wanted: SesAccountDocument
) -> None:
    """Replace what an account in a Region is to SES and CloudWatch, except for its list, contacts and jobs."""
    ses.set_account(
        account,
        region,
        production_access=wanted.production_access,
        sending_enabled=wanted.sending_enabled,
        standing=wanted.standing,
        reasons=wanted.suppressed_reasons,
    )
    ses.set_identities(account, region, [one.identity for one in wanted.identities])
    cloudwatch.forget(account, region)
    for name, value in wanted.metrics.items():
        cloudwatch.put(account, region, NAMESPACE, name, [value])
