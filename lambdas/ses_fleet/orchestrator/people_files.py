"""The people file of a run: read and checked when the run begins, and read again as it was for its later invocations.

What reads the file is imported where it is needed: most runs have none, and the models of its rows are a thirtieth of
the function's start.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.errors import AwsCallError, ConfigurationError, PeopleFileError, Problem, RequestError
from ses_fleet.orchestrator.applied_plan import AppliedPlan
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.people.pinned import PinnedPeople
from ses_fleet.runs.keys import people_file_key
from ses_fleet.runs.models import RunPlan, RunRequest
from ses_fleet.text import did_you_mean

if TYPE_CHECKING:
    from ses_fleet.people.request_file import PeopleFile
    from ses_fleet.people.rows import Row

_PATH = "$.people"


@dataclass(frozen=True)
class People:
    """The people file of a run. `customers` are the codes of those that its rows are for, None for everybody.

    `rows` are by their line in the file.
    """

    pinned: PinnedPeople
    customers: frozenset[str] | None
    rows: Mapping[int, Row] = field(default_factory=dict, repr=False)

    def is_for(self, customer_code: str) -> bool:
        """Return whether a row may apply to this customer."""
        return self.customers is None or customer_code in self.customers


def read(
    environment: Environment, request: RunRequest, *, known: Collection[str], selected: Collection[str]
) -> People | None:
    """Return the people file that a request names, as it is now; None for a request without one.

    `known` are the codes of all customers, `selected` those of the run. RequestError when the file is missing or
    anything is wrong with it: a customer that a row names must be selected, or what the row wants would silently not be
    done. A run that resumes another one selects fewer customers than its file names. ConfigurationError while S3 does
    not answer.
    """
    if request.people is None:
        return None
    from ses_fleet.people import request_file

    rows = ACTIONS[request.worker_action].people
    assert rows is not None  # noqa: S101  # no other request has a people file
    key = people_file_key(request.people)
    try:
        found = request_file.read(environment.results_bucket, key, rows)
        if request.resumes is None:
            request_file.refuse(_wrong_customers(found, known, selected))
    except PeopleFileError as error:
        raise RequestError(Problem(_PATH, text) for text in error.texts) from None
    except AwsCallError as failure:
        where = environment.results_bucket.location(key)
        text = f"{where} could not be read ({failure.code}), so nothing was started"
        raise ConfigurationError([Problem(_PATH, text)]) from None
    pinned = PinnedPeople(id=request.people, version_id=found.version_id, sha256=found.sha256, rows=len(found.rows))
    return People(pinned, found.customers, found.rows)


def of_plan(environment: Environment, applied: AppliedPlan) -> People | None:
    """Return the people file that a saved plan was made from, as it was then; None for a plan without one.

    RequestError when it cannot be read any more, ConfigurationError while S3 does not answer.
    """
    if applied.people is None:
        return None
    try:
        return People(applied.people, _read_pinned(environment, applied.people, applied.request).customers)
    except PeopleFileError as error:
        text = f"the people file of the plan cannot be read as it was: {error.texts[0]}; make a new dry run"
        raise RequestError([Problem("$.plan", text)]) from None
    except AwsCallError as failure:
        text = f"the people file of the plan could not be read ({failure.code}), so nothing was started"
        raise ConfigurationError([Problem("$.plan", text)]) from None


def read_again(environment: Environment, plan: RunPlan, request: RunRequest) -> tuple[People | None, str | None]:
    """Return the people file that a run began with, or None and why it cannot be read any more; both None without one.

    Each customer's worker finds that out, too, and fails. AwsCallError while S3 does not answer.
    """
    if plan.people is None:
        return None, None
    try:
        return People(plan.people, _read_pinned(environment, plan.people, request).customers), None
    except PeopleFileError as error:
        return None, f"the people file cannot be read again, so whoever is left fails: {error.texts[0]}"


def _read_pinned(environment: Environment, pinned: PinnedPeople, request: RunRequest) -> PeopleFile:
    from ses_fleet.people import request_file

    rows = ACTIONS[request.worker_action].people
    assert rows is not None  # noqa: S101  # no other run has a people file
    return request_file.read_pinned(environment.results_bucket, people_file_key(pinned.id), pinned, rows)


def _wrong_customers(found: PeopleFile, known: Collection[str], selected: Collection[str]) -> Iterator[str]:
    for line, row in found.rows.items():
        for index, code in enumerate(row.customers or ()):
            if code not in known:
                yield f"line {line}: customers[{index}]: config.json has no such customer{did_you_mean(code, known)}"
            elif code not in selected:
                yield (
                    f"line {line}: customers[{index}]: {code} is not selected, so nothing would be done for it: "
                    "select it, or leave it out of the row"
                )
