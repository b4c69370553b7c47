"""What an action is given, and the two ways in which a slice of it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.s3 import Bucket
from ses_fleet.config.customer import Customer, IdentityCenter
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.runs import keys, personal_params
from ses_fleet.runs.saved_plan import SavedPlan
from ses_fleet.runs.work import WorkItem
from ses_fleet.settings import WorkerSettings
from ses_fleet.worker.access import Access
from ses_fleet.worker.paced_client import PacedClient
from ses_fleet.worker.plan_guard import NO_PLAN, PlanGuard

if TYPE_CHECKING:  # the models of rows are loaded by actions that take some
    from ses_fleet.people.rows import Row
    from ses_fleet.worker.erased import ErasedPeople

State = dict[str, Any]


@dataclass(frozen=True)
class Done:
    """The action is finished. With `failure` it failed, and `data` is what it found out before that.

    `data` is the action's model of ses_fleet.actions.data. `data_location` is an s3:// URI. `plan` is what a dry run
    would do, for a run that applies it.
    """

    data: BaseModel
    data_location: str | None = None
    failure: CustomerError | None = None
    plan: SavedPlan | None = None


@dataclass(frozen=True)
class More:
    """The slice's time ended before the action did.

    `state` is JSON without addresses; the next slice continues from it. With `phase_over` the first of the action's two
    phases is over: the next slice comes when that is so for all customers.
    """

    state: State
    phase_over: bool = False


Outcome = Done | More


@dataclass
class ActionContext:
    """Everything that one slice of one customer works with.

    It lives for one invocation, as do the credentials behind it.

    `open_ses` assumes the customer's role; no role is assumed before `ses` is first used. `open_identity_center(source,
    service)` assumes the role that reads Identity Center. `open_import_bucket` opens the customer's own bucket with the
    customer's credentials, `open_iam` IAM and `open_cloudwatch` CloudWatch with the same. `download(url, limit)` reads
    a file that SES offers. `log` adds a line to the customer's block. `rows` are those of the people file that apply to
    the customer, of the kind that the action declares; `row_numbers` are their lines in that file, from 1.
    `guard` is asked before every write to a contact or to the suppression list. `folder` is where the customer's data
    lies below its prefix, so that two passes of one run do not write the same files.
    """

    item: WorkItem
    settings: WorkerSettings
    access: Access
    open_ses: Callable[[], PacedClient]
    open_identity_center: Callable[[IdentityCenter, str], PacedClient]
    open_results: Callable[[], Bucket]
    open_import_bucket: Callable[[str], Bucket]
    open_iam: Callable[[], AwsClient]
    open_cloudwatch: Callable[[], PacedClient]
    download: Callable[[str, int], bytes]
    log: Callable[[str], None]
    warnings: list[str] = field(default_factory=list)
    rows: tuple[Row, ...] = ()
    row_numbers: tuple[int, ...] = ()
    guard: PlanGuard = NO_PLAN
    folder: str = ""

    @property
    def numbered_rows(self) -> dict[int, Row]:
        """Return the rows by their line in the people file, from 1: what results name a person by."""
        return dict(zip(self.row_numbers, self.rows, strict=True))

    @property
    def customer(self) -> Customer:
        """Return the customer whose slice this is."""
        return self.item.customer

    @property
    def code(self) -> str:
        """Return the code of the customer."""
        return self.customer.customer_code

    @property
    def dry_run(self) -> bool:
        """Return whether this run must not change anything."""
        return self.item.dry_run

    @property
    def will_write(self) -> bool:
        """Return whether this run may change something: in this pass, or in the one after it, of a plan of people."""
        return not self.dry_run or self.item.plan is not None

    @property
    def is_second_pass(self) -> bool:
        """Return whether a plan of people is applied, and everything was decided again before."""
        return not self.dry_run and self.item.plan is not None and self.item.plan.kind == "people"

    @cached_property
    def ses(self) -> PacedClient:
        """Return the customer's SES client, opened when it is first used.

        Raise CustomerError (authentication) when the customer's role cannot be assumed.
        """
        return self.open_ses()

    @cached_property
    def results(self) -> Bucket:
        """Return the results bucket, opened with the worker's own credentials."""
        return self.open_results()

    @cached_property
    def erased(self) -> ErasedPeople:
        """Return who was erased from the customer's list, read when a slice first asks, after it has the lease.

        Raise CustomerError when that cannot be known: then nobody may be created or changed.
        """
        from ses_fleet.worker import erased  # most actions do not ask

        return erased.of_list(self.results, self.customer, self.settings)

    @property
    def opened_ses(self) -> PacedClient | None:
        """Return the SES client if this slice has opened one, else None; never open it."""
        return self.__dict__.get("ses")

    @property
    def run_id(self) -> str:
        """Return the run that this work belongs to in data/ and backups/: the one that began it."""
        return self.item.work_of or self.item.run_id

    @property
    def backup_prefix(self) -> str:
        """Return the key prefix of the results bucket below which this run saves what it is about to change."""
        return keys.backup_prefix(self.code, self.run_id)

    @property
    def data_prefix(self) -> str:
        """Return the key prefix of the results bucket below which this run writes the customer's data."""
        return keys.data_prefix(self.run_id, self.code) + self.folder

    def personal_params(self, key: str) -> dict[str, Any] | None:
        """Return the personal parameters that the run stored at this key, or None when the object does not exist.

        Raise CustomerError when S3 cannot be read.
        """
        try:
            return personal_params.read(self.results, key)
        except AwsCallError as failure:
            text = f"{self.results.location(key)} could not be read ({failure.code}): {failure.text}"
            raise CustomerError("operation", failure.code, text, retryable=failure.transient) from None

    def warn(self, text: str) -> None:
        """Add a warning to the result, and the same line to the customer's block."""
        self.warnings.append(text)
        self.log(f"⚠️  Customer {self.code}: {text}")

    def write(self, key: str, body: bytes, content_type: str) -> None:
        """Write an object of the results bucket. Raise CustomerError, which names the object, when S3 refuses it."""
        try:
            self.results.write(key, body, content_type)
        except AwsCallError as failure:
            raise self._not_written(key, failure) from None

    def create(self, key: str, body: bytes, content_type: str) -> None:
        """Write an object of the results bucket that must not exist yet.

        Raise CustomerError when it exists, or when S3 refuses it.
        """
        try:
            created = self.results.create(key, body, content_type)
        except AwsCallError as failure:
            raise self._not_written(key, failure) from None
        if not created:
            text = f"{self.results.location(key)} exists already and was not overwritten; run this customer again"
            raise CustomerError("operation", "ObjectExists", text, retryable=True)

    def _not_written(self, key: str, failure: AwsCallError) -> CustomerError:
        where = self.results.location(key)
        advice = "run this customer again" if failure.transient else "check the worker role's policy on the bucket"
        text = f"could not write {where} ({failure.code}): {advice}"
        return CustomerError("operation", failure.code, text, retryable=failure.transient)
