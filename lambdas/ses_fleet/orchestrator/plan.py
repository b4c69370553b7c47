"""From a request and config.json to the plan: which customers run, which do not and why. Nothing is called here."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any

from ses_fleet import limits
from ses_fleet.actions.catalogue import ACTIONS, Action
from ses_fleet.aws.arns import parse_role_arn
from ses_fleet.config.config_json import CustomerEntry, FleetConfig, sharing
from ses_fleet.config.customer import Customer, CustomerIdentity
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import Problem, RequestError
from ses_fleet.identifiers import CODE_PATTERN
from ses_fleet.orchestrator.applied_plan import AppliedPlan
from ses_fleet.orchestrator.config_files import ConfigFiles, Meanwhile
from ses_fleet.orchestrator.people_files import People
from ses_fleet.people.erasure import PlannedErasure
from ses_fleet.people.pinned import PinnedPeople
from ses_fleet.runs import fleet_defaults, ramp, results, tolerance
from ses_fleet.runs.models import Concurrency, ConfigVersion, CustomerResult, Pinned, RunPlan, RunRequest
from ses_fleet.runs.record import comparable
from ses_fleet.text import did_you_mean, printable, quoted

RECORD_FORMAT = 2
_DISABLED = "it was disabled in config.json, or removed from it, while the run was under way"
_NO_ROW = "no row of the people file names it"
_LEFT = "it was in the run that this one resumes, and is not in config.json any more"
_NO_IDENTITY_CENTER = "no identity_center_role_arn in config.json"


@dataclass(frozen=True)
class PlannedCustomer:
    """One selected customer: `checked` is sent to a worker, or `result` is known without one.

    `index` is its place among the selected customers, in config order. With neither of the two, an earlier invocation
    of the run has seen to it.
    """

    index: int
    identity: CustomerIdentity
    checked: Customer | None = None
    result: CustomerResult | None = None
    warnings: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """Return the customer's code in config.json."""
        return self.identity.customer_code

    @property
    def has_left(self) -> bool:
        """Return whether the customer is only known from the run that this one resumes, and is skipped for that."""
        return self.result is not None and self.result.warnings[-1:] == (_LEFT,)


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before the first worker starts; customers are in config order.

    `topics` are those of SESConfig.json, or None where the action does not use them or they cannot be used. `people` is
    the people file that the run begins with, if it has one, `erasure` whom it is to erase. `defaults` are fields
    that the request did not say, from config.json. `applied` is the saved plan that the run applies; `request` then has
    what that says.
    """

    request: RunRequest
    customers: tuple[PlannedCustomer, ...]
    concurrency: Concurrency
    warnings: tuple[str, ...]
    config_version: ConfigVersion
    pinned: Pinned = field(default_factory=Pinned)
    topics: tuple[WantedTopic, ...] | None = None
    people: PinnedPeople | None = None
    erasure: PlannedErasure | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    applied: AppliedPlan | None = None

    @property
    def asked(self) -> RunRequest:
        """Return the request as it was made, which does not repeat what a saved plan says."""
        return self.request if self.applied is None else self.applied.asked

    @property
    def action(self) -> Action:
        """Return what the workers are told to do."""
        return ACTIONS[self.request.worker_action]

    @property
    def writes(self) -> bool:
        """Return whether workers may change something in customers' accounts."""
        return self.action.mutates and not self.request.dry_run

    @property
    def effective(self) -> RunRequest:
        """Return the request with what it took from config.json's defaults."""
        return self.request.model_copy(update=dict(self.defaults))

    @property
    def failures_allowed(self) -> int | None:
        """Return how many started customers may fail before no further one starts.

        A percentage is of all selected customers, skipped ones included. With a ramp it is none unless it is given.
        """
        if self.effective.max_failures is None and self.effective.ramp is not None:
            return 0
        return tolerance.allowed(self.effective.max_failures, len(self.customers), strict=self.is_strict)

    @property
    def is_strict(self) -> bool:
        """Return whether failed customers and those under way together never are more than are allowed to fail."""
        return self.effective.failure_mode == "strict"

    def in_turn(self) -> list[PlannedCustomer]:
        """Return the customers that need a worker, in the order in which they start.

        That is the order of `include`, else config order. A resumed run names those first that were never started, so
        that `max_failures` does not stop it at the same ones again.
        """
        turn = {code: position for position, code in reversed([*enumerate(self.request.include or ())])}
        to_run = [customer for customer in self.customers if customer.checked is not None]
        return sorted(to_run, key=lambda customer: turn.get(customer.code, 0))

    def stages(self) -> tuple[tuple[int, ...], ...]:
        """Return the indexes of the customers of each stage of the ramp, in turn; none without a ramp."""
        return ramp.stages(self.effective.ramp, [customer.index for customer in self.in_turn()])

    def document(
        self,
        run_id: str,
        started_at: str,
        deadline: str,
        *,
        dead_after: float,
        owner: str,
        request_id: str = "",
        function: str = "",
        personal_params: str | None = None,
    ) -> RunPlan:
        """Return plan.json; `owner` is the token of the invocation that writes it, `request_id` its id at Lambda."""
        return RunPlan(
            run_id=run_id,
            record_format=RECORD_FORMAT,
            dead_after_seconds=dead_after,
            owner=owner,
            request_id=request_id,
            function=function,
            personal_params=personal_params,
            request=comparable(self.asked),
            started_at=started_at,
            deadline=deadline,
            customers=tuple(customer.identity for customer in self.customers),
            warnings=self.warnings,
            failures_allowed=self.failures_allowed,
            strict=self.is_strict,
            defaults=self.effective.model_dump(mode="json", include=set(self.defaults)),
            ramp=self.stages(),
            concurrency=self.concurrency,
            config_version=self.config_version,
            pinned=self.pinned,
            people=self.people,
            erasure=self.erasure,
        )


def select(request: RunRequest, config: FleetConfig) -> list[CustomerEntry]:
    """Return the selected customers with the request's role override, in config order.

    A run that resumes another one skips who has left config.json since. RequestError when the selection, its
    confirmation or the override is wrong.
    """
    fleet_defaults.check(config.defaults)
    fleet_defaults.check_action(request, config.defaults)
    selected = _selected(request, _with_those_who_left(request, config))
    if len(selected) > limits.MAX_CUSTOMERS:
        raise RequestError(
            [Problem("$", f"{len(selected)} customers are selected, more than {limits.MAX_CUSTOMERS}: select fewer")]
        )
    _check_confirmation(request, len(selected), config.defaults.confirm_above)
    return [_overridden(request, entry) for entry in selected]


def make(
    request: RunRequest,
    files: ConfigFiles,
    selected: list[CustomerEntry],
    people: People | None = None,
    applied: AppliedPlan | None = None,
) -> Plan:
    """Return the plan of a run's first invocation for the customers that `select` returned.

    RequestError when the request does not confirm how many rows the people file has, and its action needs that, and
    when it bears failures that config.json does not.
    """
    _check_confirmed_people(request, people)
    config, topics = files.config, files.topics
    shared_lists = sharing(selected)
    mutates = ACTIONS[request.worker_action].mutates
    customers = tuple(
        _planned(index, entry, shared_lists.get(entry.code) if mutates else None, request, people)
        for index, entry in enumerate(selected)
    )
    if applied is not None:
        customers = tuple(map(_unless_changed, customers, selected, repeat(applied)))
    warnings = [*config.warnings, *(text for customer in customers for text in _skip_warnings(customer))]
    warnings += [] if mutates else sorted(set(shared_lists.values()))
    warnings = [printable(text, limits.PLAN_WARNING_CHARACTERS) for text in warnings]
    starting = sum(customer.checked is not None for customer in customers)
    return Plan(
        request=request,
        customers=customers,
        concurrency=_concurrency(request, len(customers)),
        warnings=(*warnings, *topics.warnings, *(() if applied is None else applied.warnings)),
        config_version=ConfigVersion(
            config=config.version, ses_config=topics.version if applied is None else applied.ses_config
        ),
        pinned=files.pinned,
        topics=topics.topics,
        people=None if people is None else people.pinned,
        defaults=fleet_defaults.applied(request, config.defaults, selected=len(customers), starting=starting),
        applied=applied,
    )


def _unless_changed(customer: PlannedCustomer, entry: CustomerEntry, applied: AppliedPlan) -> PlannedCustomer:
    """Return the customer, failed if what config.json says of its list changed since the saved plan was made."""
    found = applied.changed(entry, has_left=entry.skip_reason == _LEFT)
    if found is None:
        return customer
    return replace(customer, checked=None, result=results.changed_since_plan(entry.identity, found, entry.warnings))


def again(
    request: RunRequest,
    files: ConfigFiles,
    document: RunPlan,
    people: People | None = None,
    applied: AppliedPlan | None = None,
    *,
    begun: Collection[int],
    waiting: Collection[int],
    meanwhile: Meanwhile,
) -> Plan:
    """Return the same plan for a later invocation of the run, of what the first one read.

    Only customers that are between two slices (`begun`) or were never started (`waiting`) are run; those of the latter
    that were disabled meanwhile are skipped.
    """
    pending = {*begun, *waiting}
    entries = _planned_for(request, files.config, document, pending)
    shared_lists = sharing(list(entries.values())) if ACTIONS[request.worker_action].mutates else {}
    customers = []
    for index, identity in enumerate(document.customers):
        entry = entries.get(index)
        if index not in pending:
            customers.append(PlannedCustomer(index, identity))
        elif entry is None:
            customers.append(PlannedCustomer(index, identity, result=results.changed_meanwhile(identity)))
        elif index in waiting and entry.code in meanwhile.disabled:
            customers.append(PlannedCustomer(index, identity, result=_skipped(entry, _DISABLED, request)))
        else:
            customers.append(_planned(index, entry, shared_lists.get(entry.code), request, people))
    return Plan(
        request=request,
        customers=tuple(customers),
        concurrency=document.concurrency,
        warnings=(*document.warnings, *files.topics.warnings, *meanwhile.warnings),
        config_version=document.config_version,
        pinned=document.pinned,
        topics=files.topics.topics,
        applied=applied,
    )


def over(request: RunRequest, document: RunPlan, topics: tuple[WantedTopic, ...] | None) -> Plan:
    """Return the plan of a run of which nobody is run any more: only its end is written."""
    return Plan(
        request=request,
        customers=tuple(PlannedCustomer(index, identity) for index, identity in enumerate(document.customers)),
        concurrency=document.concurrency,
        warnings=document.warnings,
        config_version=document.config_version,
        pinned=document.pinned,
        topics=topics,
    )


def _planned_for(
    request: RunRequest, config: FleetConfig, document: RunPlan, pending: Collection[int]
) -> dict[int, CustomerEntry]:
    """Return, by index, the pending customers that still are of the account and Region that the run was planned for."""
    found = {}
    for index in sorted(pending):
        planned = document.customers[index]
        entry = config.entries.get(planned.customer_code)
        if entry is None or _place(entry.identity) != _place(planned):
            continue
        with contextlib.suppress(RequestError):
            found[index] = _overridden(request, entry)
    return found


def _place(customer: CustomerIdentity) -> tuple[str | None, str | None]:
    return customer.account_id, customer.region


def _selected(request: RunRequest, config: FleetConfig) -> list[CustomerEntry]:
    problems = list(_unknown_codes(request, config))
    if problems:
        raise RequestError(problems)
    if request.scope == "single":
        return [config.entries[str(request.customer_code)]]
    selected = [
        entry
        for code, entry in config.entries.items()
        if (request.include is None or code in request.include)
        and code not in request.exclude
        and (request.environment is None or entry.environment == request.environment)
    ]
    if not selected:
        raise RequestError([_nobody(request, config)])
    return selected


def _with_those_who_left(request: RunRequest, config: FleetConfig) -> FleetConfig:
    if request.resumes is None and request.plan is None:
        return config
    named = (*(request.include or ()), *((request.customer_code,) if request.plan and request.customer_code else ()))
    codes = [code for code in named if code not in config.entries and re.fullmatch(CODE_PATTERN, code)]
    left = {code: CustomerEntry(_known_by_code(code), skip_reason=_LEFT) for code in codes}
    return replace(config, entries=config.entries | left)


def _known_by_code(code: str) -> CustomerIdentity:
    return CustomerIdentity(customer_code=code, customer_name=code, account_id=None, region=None)


def _unknown_codes(request: RunRequest, config: FleetConfig) -> Iterator[Problem]:
    named = [(f"$.include[{index}]", code) for index, code in enumerate(request.include or ())]
    named += [(f"$.exclude[{index}]", code) for index, code in enumerate(request.exclude)]
    accepted = request.params.get("accept_unreachable") or ()
    named += [(f"$.params.accept_unreachable[{index}]", code) for index, code in enumerate(accepted)]
    if request.customer_code is not None:
        named.append(("$.customer_code", request.customer_code))
    for path, code in named:
        if code not in config.entries:
            near = did_you_mean(code, config.entries)
            yield Problem(path, f"config.json has no customer {quoted(code)}{near}")


def _nobody(request: RunRequest, config: FleetConfig) -> Problem:
    environments = sorted({entry.environment for entry in config.entries.values() if entry.environment})
    if request.environment is not None and request.environment not in environments:
        known = ", ".join(printable(name, 40) for name in environments[:20]) or "none"
        return Problem(
            "$.environment", f"no customer is of environment {quoted(request.environment)}; there are: {known}"
        )
    return Problem("$", "include, exclude and environment together select nobody")


def _check_confirmation(request: RunRequest, selected: int, above: int | None) -> None:
    """Compare also a number that nothing asks for: who gives one wants it to be right.

    Whom a saved plan is for is known, and was seen by who applies it.
    """
    if request.plan is not None:
        return
    if request.scope != "all" or request.confirm_customers == selected:
        return
    why = _why_confirmed(request, selected, above)
    if why is not None or request.confirm_customers is not None:
        text = f"{_said(request.confirm_customers)}, but {selected} customers are selected for {why or request.action}"
        raise RequestError([Problem("$.confirm_customers", text)])


def _why_confirmed(request: RunRequest, selected: int, above: int | None) -> str | None:
    """Return for what the number of customers has to be repeated, or None."""
    action = ACTIONS[request.worker_action]
    if request.prune:
        return "a run that prunes"
    if action.confirms_customers:
        return request.action
    if above is not None and action.mutates and not request.dry_run and selected > above:
        return f"{request.action}, and more than {above} are to be confirmed ($.defaults.confirm_above of config.json)"
    return None


def _check_confirmed_people(request: RunRequest, people: People | None) -> None:
    """Compare also a number that the action does not ask for: who gives one wants it to be right."""
    confirmed = request.params.get("confirm_people")
    if people is None or (confirmed is None and not ACTIONS[request.worker_action].confirms_people):
        return
    if confirmed != people.pinned.rows:
        rows = people.pinned.rows
        text = f"{_said(confirmed)}, but the people file has {rows} {'row' if rows == 1 else 'rows'}"
        raise RequestError([Problem("$.params.confirm_people", text)])


def _said(confirmed: int | None) -> str:
    return "missing" if confirmed is None else f"says {confirmed}"


def _overridden(request: RunRequest, entry: CustomerEntry) -> CustomerEntry:
    """A role override stays in the configured account: else whoever may invoke could send data anywhere."""
    if request.ses_role_arn is None:
        return entry
    try:
        role = parse_role_arn(request.ses_role_arn)
    except ValueError as error:
        raise RequestError([Problem("$.ses_role_arn", str(error))]) from None
    if entry.customer is None:
        text = f"{entry.code} has no usable role in config.json whose account this one could be compared with"
        raise RequestError([Problem("$.ses_role_arn", text)])
    configured = parse_role_arn(entry.customer.ses_role_arn)
    if (role.partition, role.account_id) != (configured.partition, configured.account_id):
        text = f"is of account {role.account_id}; {entry.code}'s configured role is of {configured.account_id}"
        raise RequestError([Problem("$.ses_role_arn", text)])
    customer = entry.customer.model_copy(update={"ses_role_arn": role.text})
    return replace(entry, customer=customer)


def _planned(
    index: int, entry: CustomerEntry, shared_list: str | None, request: RunRequest, people: People | None
) -> PlannedCustomer:
    named = people is None or people.is_for(entry.code)
    if entry.skip_reason is not None:
        known: CustomerResult | None = _skipped(entry, entry.skip_reason, request, named=named)
    elif not named:
        known = results.skipped(entry.identity, _NO_ROW, entry.warnings)
    else:
        known = _known_result(entry, shared_list, request)
    checked = None if known else entry.customer
    return PlannedCustomer(index, entry.identity, checked, known, entry.warnings)


def _skipped(entry: CustomerEntry, reason: str, request: RunRequest, *, named: bool = True) -> CustomerResult:
    """Return the result of a customer that config.json skips: it fails where all that rows name have to answer."""
    if not (named and ACTIONS[request.worker_action].two_phases):
        return results.skipped(entry.identity, reason, entry.warnings)
    text = (
        f"it is skipped ({reason}), so nobody knows whether its list has the people: leave it out with exclude, or "
        "name it in params.accept_unreachable"
    )
    return results.misconfigured(entry.identity, [text], entry.warnings)


def _known_result(entry: CustomerEntry, shared_list: str | None, request: RunRequest) -> CustomerResult | None:
    """Return the result of a customer that is not skipped and for which no worker is needed, or None."""
    action, identity = ACTIONS[request.worker_action], entry.identity
    source = entry.identity_center
    if action.reads_identity_center and entry.customer is not None and source is None:
        return results.skipped(identity, _NO_IDENTITY_CENTER, entry.warnings)
    problems = [str(problem) for problem in entry.problems] or ([shared_list] if shared_list else [])
    if action.reads_identity_center and source is not None and source.problem:
        problems.append(source.problem)
    if problems:
        return results.misconfigured(identity, problems, entry.warnings)
    if request.dry_run and entry.customer is not None and not action.mutates:
        return results.would_use(identity, entry.customer, entry.warnings)
    return None


def _skip_warnings(customer: PlannedCustomer) -> Iterator[str]:
    # Whom the people file is for is no surprise to who wrote it, and may be few of thousands.
    if customer.result is not None and customer.result.status == "skipped" and customer.result.warnings[-1] != _NO_ROW:
        yield f"{customer.code} is skipped: {customer.result.warnings[-1]}"


def _concurrency(request: RunRequest, customers: int) -> Concurrency:
    requested = request.max_customer_concurrency
    wanted = customers if requested <= 0 or requested > customers else requested
    effective = min(wanted, limits.MAX_CONCURRENCY)
    return Concurrency(requested=requested, effective=effective, bound_by="service_cap" if effective < wanted else None)
