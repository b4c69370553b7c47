"""What an action is given, and the two ways in which one slice of it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from ses_fleet.aws.s3 import Bucket
from ses_fleet.config.customer import Customer, IdentityCenter
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.runs import keys, personal_params
from ses_fleet.runs.models import WorkItem
from ses_fleet.settings import WorkerSettings
from ses_fleet.worker.access import Access
from ses_fleet.worker.paced_client import PacedClient

State = dict[str, Any]


@dataclass(frozen=True)
class Done:
    """The action is finished. With `failure` it failed, and `data` is what it found out before."""

    data: BaseModel
    data_location: str | None = None
    failure: CustomerError | None = None


@dataclass(frozen=True)
class More:
    """The slice's time is over before the action is; `state` (JSON) is what the next slice goes on from."""

    state: State


Outcome = Done | More


@dataclass
class ActionContext:
    """One customer's slice of work. Lives for one invocation, like the credentials behind `ses`.

    `open_ses` assumes the customer's role; nothing is assumed before `ses` is first used.
    `open_identity_center(source, service)` assumes the role that reads Identity Center. `open_import_bucket` is the
    customer's own bucket in config.json, with the customer's credentials. `download(url, limit)` gets what SES offers.
    """

    item: WorkItem
    settings: WorkerSettings
    access: Access
    open_ses: Callable[[], PacedClient]
    open_identity_center: Callable[[IdentityCenter, str], PacedClient]
    open_results: Callable[[], Bucket]
    open_import_bucket: Callable[[str], Bucket]
    download: Callable[[str, int], bytes]
    log: Callable[[str], None]
    warnings: list[str] = field(default_factory=list)

    @property
    def customer(self) -> Customer:
        """Whose slice it is."""
        return self.item.customer

    @property
    def code(self) -> str:
        """The customer's code."""
        return self.customer.customer_code

    @property
    def dry_run(self) -> bool:
        """Whether nothing may be changed."""
        return self.item.dry_run

    @cached_property
    def ses(self) -> PacedClient:
        """The customer's SES; CustomerError (authentication) when the role cannot be assumed."""
        return self.open_ses()

    @cached_property
    def results(self) -> Bucket:
        """The results bucket, with the worker's own credentials."""
        return self.open_results()

    @property
    def opened_ses(self) -> PacedClient | None:
        """The same, if it was used."""
        return self.__dict__.get("ses")

    @property
    def backup_prefix(self) -> str:
        """Where this run saves what it is about to change."""
        return keys.backup_prefix(self.code, self.item.run_id)

    @property
    def data_prefix(self) -> str:
        """Where this customer's data of this run lies in the results bucket."""
        return keys.data_prefix(self.item.run_id, self.code)

    def personal_params(self, key: str) -> dict[str, Any] | None:
        """The parameters that the run keeps apart, None when they are not there; CustomerError when S3 fails."""
        try:
            return personal_params.read(self.results, key)
        except AwsCallError as failure:
            text = f"{self.results.location(key)} could not be read ({failure.code}): {failure.text}"
            raise CustomerError("operation", failure.code, text, retryable=failure.transient) from None

    def warn(self, text: str) -> None:
        """Something that the result must say although it did not fail: in its warnings, and in its lines."""
        self.warnings.append(text)
        self.log(f"⚠️  Customer {self.code}: {text}")

    def write(self, key: str, body: bytes, content_type: str) -> None:
        """Write an object of the results bucket; CustomerError says what could not be written."""
        try:
            self.results.write(key, body, content_type)
        except AwsCallError as failure:
            raise self._not_written(key, failure) from None

    def create(self, key: str, body: bytes, content_type: str) -> None:
        """Write an object of the results bucket that is not there yet; CustomerError if it is, or cannot be written."""
        try:
            created = self.results.create(key, body, content_type)
        except AwsCallError as failure:
            raise self._not_written(key, failure) from None
        if not created:
            text = f"{self.results.location(key)} is there already and was not overwritten; run this customer again"
            raise CustomerError("operation", "ObjectExists", text, retryable=True)

    def _not_written(self, key: str, failure: AwsCallError) -> CustomerError:
        where = self.results.location(key)
        advice = "run this customer again" if failure.transient else "check the worker role's policy on the bucket"
        text = f"could not write {where} ({failure.code}): {advice}"
        return CustomerError("operation", failure.code, text, retryable=failure.transient)
