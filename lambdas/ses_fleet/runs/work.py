"""What passes between orchestrator and worker: frozen models, WorkItem there and WorkResult back."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, Field

from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.config.customer import Customer
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import Category
from ses_fleet.identifiers import RunId
from ses_fleet.model_bases import Wire
from ses_fleet.people.pinned import PinnedPeople
from ses_fleet.runs.saved_plan import SavedPlan


class WorkItem(Wire):
    """What the orchestrator sends to a worker: one slice of one customer.

    `continuation` is what the slice before returned, unchanged. `topics`, `people_file` and `directory`, the people of
    the customer's Identity Center, are given to actions that need them. In the first phase of a run, `people_prefix` is
    where the worker writes what it reads of that Identity Center, for all customers that share it. `params` have a mask
    in place of personal values; `personal_params` is the key of the object in the results bucket that holds those.
    `work_of` is the run that began the work which this one resumes: what is written below data/ and backups/ lies under
    its id. With `wait_for_lease` the worker waits until the lease of the list is over, as long as a lease lasts, rather
    than for a few seconds. With `plan` the worker does what that says and nothing else; `topics` are the plan's then.
    """

    run_id: RunId
    work_of: RunId | None = None
    action: str
    customer: Customer
    params: dict[str, Any]
    dry_run: bool = False
    prune: bool = False
    # The worker's event is parsed JSON already, which knows lists only.
    topics: Annotated[tuple[WantedTopic, ...], Field(strict=False)] | None = None
    # An orchestrator that began before a deployment still sends it by its old name.
    directory: Annotated[DirectoryFiles | None, Field(validation_alias=AliasChoices("directory", "people"))] = None
    people_prefix: str | None = None
    personal_params: str | None = None
    people_file: PinnedPeople | None = None
    slice_budget_seconds: Annotated[float, Field(gt=0)]
    wait_for_lease: bool = False
    plan: SavedPlan | None = None
    continuation: dict[str, Any] | None = None


def _is_none(value: object) -> bool:
    return value is None


class ErrorInfo(Wire):
    """Why a customer failed, for programs and for people."""

    category: Annotated[Category, Field(description="who must act, as the error table of the reference says")]
    type: Annotated[str, Field(description="a stable name: AWS's error code, or one of ours")]
    message: Annotated[str, Field(description="what happened, to whom, and what to do; without addresses")]
    retryable: Annotated[bool, Field(description="whether the same run may succeed later, with nothing mended")] = False
    outcome_unknown: Annotated[
        bool, Field(description="whether something may have been written that nobody heard of: run that customer again")
    ] = False


class WorkResult(Wire):
    """A worker's answer for one slice. With `continuation` there is more to do; then `data` is None.

    With `not_started` nothing ran of the customer in any slice; it says why, such as who holds the lease of the list.
    With `waits_for` nothing ran so far, and the next slice waits on; it says for what, as the beginning of a sentence.
    `differs` says whether the account differs from what is asked for, where the action finds that out,
    `findings` how many checks found something, where it makes some.
    `plan` is what a dry run would do, where that can be applied; else it is left out, as other versions do not know it.
    With `phase_over` the first of two phases is over, and the continuation is for the second.
    """

    run_id: str
    customer_code: str
    account_id: str
    error: ErrorInfo | None = None
    not_started: str | None = None
    waits_for: str | None = None
    phase_over: bool = False
    data: dict[str, Any] | None = None
    differs: bool | None = None
    findings: Annotated[int, Field(ge=0)] | None = None
    plan: Annotated[SavedPlan | None, Field(exclude_if=_is_none)] = None
    data_location: str | None = None
    warnings: tuple[str, ...] = ()
    api_calls: Annotated[int, Field(ge=0)] = 0
    logs: tuple[str, ...] = ()
    continuation: dict[str, Any] | None = None
