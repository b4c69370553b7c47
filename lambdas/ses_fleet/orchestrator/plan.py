"""RunRequest + FleetConfig → Plan: who is run, who is not and why. Pure; nothing is called here."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from ses_fleet import limits
from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.aws.arns import parse_role_arn
from ses_fleet.config.config_json import CustomerEntry, FleetConfig, sharing
from ses_fleet.config.customer import Customer
from ses_fleet.errors import Problem, RequestError
from ses_fleet.runs.models import (
    Concurrency,
    ConfigVersion,
    CustomerResult,
    ErrorInfo,
    PlannedCustomer,
    RunPlan,
    RunRequest,
)
from ses_fleet.text import did_you_mean, printable, quoted

_NO_PEOPLE = "no identity_center_role_arn in config.json"


@dataclass(frozen=True)
class PlannedItem:
    """One selected customer: `customer` is sent to a worker, or `result` is known without one."""

    index: int
    code: str
    name: str
    account_id: str | None
    region: str | None
    customer: Customer | None = None
    result: CustomerResult | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Everything decided before the first worker starts; items are in config order."""

    request: RunRequest
    items: tuple[PlannedItem, ...]
    concurrency: Concurrency
    warnings: tuple[str, ...]
    config_version: ConfigVersion


def make(request: RunRequest, config: FleetConfig) -> Plan:
    """Select and decide; RequestError when the selection or the role override is wrong."""
    selected = _select(request, config)
    if len(selected) > limits.MAX_CUSTOMERS:
        raise RequestError(
            [Problem("$", f"{len(selected)} customers are selected, more than {limits.MAX_CUSTOMERS}: select fewer")]
        )
    _check_confirmation(request, len(selected))
    entries = [_overridden(request, entry) for entry in selected]
    shared_lists = sharing(entries)
    mutates = ACTIONS[request.worker_action].mutates
    items = tuple(
        _item(index, entry, shared_lists.get(entry.code) if mutates else None, request)
        for index, entry in enumerate(entries)
    )
    warnings = [*config.warnings, *(text for item in items for text in _skip_warnings(item))]
    warnings += [] if mutates else sorted(set(shared_lists.values()))
    concurrency = _concurrency(request, len(items))
    return Plan(
        request, items, concurrency, tuple(printable(w, 300) for w in warnings), ConfigVersion(config=config.version)
    )


def canaries(made: Plan) -> tuple[int, ...]:
    """The indexes of those customers that must succeed before any other starts; none unless `params.canary` says so."""
    count = made.request.params.get("canary") or 0
    return tuple([item.index for item in in_turn(made)][:count])


def in_turn(made: Plan) -> list[PlannedItem]:
    """Return who needs a worker in the order in which they start: as `include` names them, else as the file does.

    A resumed run names those first that were never started, so that `max_failures` does not stop it at the same ones.
    """
    turn = {code: position for position, code in reversed([*enumerate(made.request.include or ())])}
    items = [item for item in made.items if item.customer is not None]
    return sorted(items, key=lambda item: turn.get(item.code, 0))


def again(request: RunRequest, config: FleetConfig, plan: RunPlan, pending: Collection[int]) -> Plan:
    """The same plan in a later invocation of the run: only `pending` customers are decided anew.

    config.json may have changed since. A customer that is not what plan.json says is not run.
    """
    found = {
        index: _still(request, config.entries.get(planned.customer_code), planned)
        for index, planned in enumerate(plan.customers)
        if index in pending
    }
    entries = {index: entry for index, entry in found.items() if entry is not None}
    shared_lists = sharing(list(entries.values())) if ACTIONS[request.worker_action].mutates else {}
    items = []
    for index, planned in enumerate(plan.customers):
        base = PlannedItem(index, planned.customer_code, planned.customer_name, planned.account_id, planned.region)
        entry = entries.get(index)
        if index not in pending:
            items.append(base)
        elif entry is None:
            text = f"{planned.customer_code} was changed in config.json while the run was under way; run it again"
            error = ErrorInfo(category="configuration", type="ConfigurationChanged", message=text, retryable=True)
            items.append(replace(base, result=_result(base, status="failed", error=error)))
        else:
            items.append(_item(index, entry, shared_lists.get(entry.code), request))
    changed = config.version != plan.config_version.config
    warnings = (*plan.warnings, *(["config.json changed while the run was under way"] if changed else []))
    return Plan(request, tuple(items), plan.concurrency, warnings, plan.config_version)


def _still(request: RunRequest, entry: CustomerEntry | None, planned: PlannedCustomer) -> CustomerEntry | None:
    """The entry, if it still is the account and Region that the run was planned for."""
    if entry is None or (entry.account_id, entry.region) != (planned.account_id, planned.region):
        return None
    try:
        return _overridden(request, entry)
    except RequestError:
        return None


def _select(request: RunRequest, config: FleetConfig) -> list[CustomerEntry]:
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


def _unknown_codes(request: RunRequest, config: FleetConfig) -> Iterator[Problem]:
    named = [(f"$.include[{index}]", code) for index, code in enumerate(request.include or ())]
    named += [(f"$.exclude[{index}]", code) for index, code in enumerate(request.exclude)]
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


def _check_confirmation(request: RunRequest, selected: int) -> None:
    if request.scope == "all" and request.prune and request.confirm_customers != selected:
        said = "missing" if request.confirm_customers is None else f"says {request.confirm_customers}"
        raise RequestError(
            [Problem("$.confirm_customers", f"{said}, but {selected} customers are selected for a run that prunes")]
        )


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


def _item(index: int, entry: CustomerEntry, shared_list: str | None, request: RunRequest) -> PlannedItem:
    base = PlannedItem(index, entry.code, entry.name, entry.account_id, entry.region, warnings=entry.warnings)
    result = _known_result(base, entry, shared_list, request)
    return replace(base, customer=None if result else entry.customer, result=result)


def _known_result(
    item: PlannedItem, entry: CustomerEntry, shared_list: str | None, request: RunRequest
) -> CustomerResult | None:
    if entry.skip_reason is not None:
        return _result(item, status="skipped", warnings=(*entry.warnings, entry.skip_reason))
    people, needs_people = entry.identity_center, ACTIONS[request.worker_action].needs_people
    if needs_people and entry.customer is not None and people is None:
        return _result(item, status="skipped", warnings=(*entry.warnings, _NO_PEOPLE))
    problems = [str(problem) for problem in entry.problems] or ([shared_list] if shared_list else [])
    if needs_people and people is not None and people.problem:
        problems.append(people.problem)
    if problems:
        message = printable("; ".join(problems), limits.MAX_MESSAGE_CHARACTERS)
        error = ErrorInfo(category="configuration", type="ConfigurationError", message=message)
        return _result(item, status="failed", error=error)
    customer = entry.customer
    if request.dry_run and customer is not None and not ACTIONS[request.worker_action].mutates:
        would_use = {"ses_role_arn": customer.ses_role_arn, "region": customer.region}
        return _result(item, status="successful", data={"would_use": would_use})
    return None


def _result(item: PlannedItem, **outcome: object) -> CustomerResult:
    known = {
        "customer_code": item.code,
        "customer_name": item.name,
        "account_id": item.account_id,
        "region": item.region,
        "warnings": item.warnings,
    }
    return CustomerResult.model_validate({**known, **outcome})


def _skip_warnings(item: PlannedItem) -> Iterator[str]:
    if item.result is not None and item.result.status == "skipped":
        yield f"{item.code} is skipped: {item.result.warnings[-1]}"


def _concurrency(request: RunRequest, customers: int) -> Concurrency:
    requested = request.max_customer_concurrency
    wanted = customers if requested <= 0 or requested > customers else requested
    effective = min(wanted, limits.MAX_CONCURRENCY)
    return Concurrency(requested=requested, effective=effective, bound_by="service_cap" if effective < wanted else None)


def failures_allowed(request: RunRequest, selected: int) -> int | None:
    """How many started customers may fail before no further one starts; a percentage is rounded down."""
    allowed = request.max_failures
    return selected * int(allowed.rstrip("%")) // 100 if isinstance(allowed, str) else allowed
