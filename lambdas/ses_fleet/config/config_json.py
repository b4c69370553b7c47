"""config.json → FleetConfig: each customer can be run, is skipped with a reason, or has problems of its own."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ses_fleet import limits, problems
from ses_fleet.aws.arns import RoleArn, parse_role_arn
from ses_fleet.aws.regions import partition_of
from ses_fleet.config import cross_checks, documents
from ses_fleet.config.customer import Customer, CustomerIdentity, IdentityCenter
from ses_fleet.config.file_models import ConfigFile, CustomerFields, DefaultsFields
from ses_fleet.errors import ConfigurationError, Problem
from ses_fleet.identifiers import CODE_PATTERN, CODE_WORDS
from ses_fleet.problems import OPEN
from ses_fleet.text import did_you_mean, may_hold_address, printable, quoted

_IDENTITY_CENTER_KEYS = tuple(name for name in CustomerFields.model_fields if name.startswith("identity_"))
# "" stands for the customer itself.
_NO_ROLE = "no ses_role_arn in config.json"
_OWN_KEYS = ("", *(name for name in CustomerFields.model_fields if name not in _IDENTITY_CENTER_KEYS))


@dataclass(frozen=True)
class CustomerEntry:
    """One entry of customer_mappings.

    Exactly one holds: `customer` is set, or `problems` is not empty, or `skip_reason` is set. `mistake` names the
    misspelt key for which a customer has no role and is skipped; a run warns of it.
    """

    identity: CustomerIdentity
    environment: str | None = None
    customer: Customer | None = None
    problems: tuple[Problem, ...] = ()
    skip_reason: str | None = None
    warnings: tuple[str, ...] = ()
    mistake: Problem | None = None

    @property
    def code(self) -> str:
        """Return the customer's code, in a form that is safe to show."""
        return self.identity.customer_code

    @property
    def identity_center(self) -> IdentityCenter | None:
        """Return the Identity Center that the customer's users are read from, if the customer can be run."""
        return None if self.customer is None else self.customer.identity_center


@dataclass(frozen=True)
class FleetConfig:
    """config.json, understood. `entries` are in the file's order, by code."""

    entries: dict[str, CustomerEntry]
    version: str | None
    warnings: tuple[str, ...] = ()
    defaults: DefaultsFields = field(default_factory=DefaultsFields)


@dataclass(frozen=True)
class _Place:
    """Where the deployment runs. `default_region` is the file's aws_region."""

    region: str
    partition: str
    default_region: str | None

    def is_elsewhere(self, region: str) -> bool:
        """Return whether a Region is of another partition; the deployment's own may be newer than botocore's data."""
        return partition_of(region) not in (None, self.partition)

    def elsewhere(self, region: str) -> str:
        """Return what to say of a Region of another partition."""
        return f"{quoted(region)} is of partition {partition_of(region)}; this deployment runs in {self.partition}"


def read(document: Any, *, region: str, partition: str, version: str | None = None) -> FleetConfig:
    """Check a config.json that is parsed already; raise ConfigurationError for what is wrong with the whole file."""
    default_region, mappings, defaults = _whole_file(document)
    place = _Place(region, partition, default_region)
    entries = {code: _entry(code, raw, place) for code, raw in mappings.items()}
    contradicting = cross_checks.contradicting_external_ids(_customers(entries))
    entries = {code: _contradicted(entry, contradicting.get(code)) for code, entry in entries.items()}
    customers = _customers(entries)
    without_own_region = [one for one in customers if not mappings[one.customer_code].get("identity_center_region")]
    warnings = [
        *_typos(document, mappings),
        *cross_checks.shared_external_ids(customers),
        *cross_checks.identity_centers_of_several_regions(without_own_region),
    ]
    return FleetConfig(entries, version, tuple(map(str, warnings)), defaults)


def sharing(entries: Iterable[CustomerEntry]) -> dict[str, str]:
    """Return {code: sentence} for customers that share an account and a Region, and so one contact list."""
    lists: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for entry in entries:
        if entry.customer is not None:
            lists[entry.customer.account_id, entry.customer.region].append(entry.code)
    return {
        code: f"{', '.join(codes)} have the same account {account} and Region {region}, so they share one contact list"
        for (account, region), codes in lists.items()
        if len(codes) > 1
        for code in codes
    }


def _whole_file(document: Any) -> tuple[str | None, Mapping[str, Any], DefaultsFields]:
    """Return aws_region, customer_mappings, whose entries nobody has looked at yet, and defaults."""
    if not isinstance(document, dict):
        raise ConfigurationError([Problem("$", f"must be a JSON object, not {problems.kind(document)}")])
    file, wrong = problems.usable_part(ConfigFile, document, documents.WORDING)
    if document.get("customer_mappings") in (None, {}):
        wrong["customer_mappings"] = Problem("$.customer_mappings", _no_customers(document))
    raw = document.get("defaults")
    defaults, found = problems.attempt(DefaultsFields, {} if raw is None else raw, documents.WORDING, "$.defaults")
    if wrong or defaults is None:
        raise ConfigurationError([*wrong.values(), *found])
    return file.aws_region, document["customer_mappings"], defaults


def _no_customers(document: Mapping[str, Any]) -> str:
    if "customer_mappings" not in document:
        near = did_you_mean("customer_mappings", [key for key in document if len(key) < limits.SHOWN_KEY_CHARACTERS])
        return f"missing: no customers are configured{near}"
    is_null = document["customer_mappings"] is None
    return "is null: no customers are configured" if is_null else "no customers are configured"


def _typos(document: Mapping[str, Any], mappings: Mapping[str, Any]) -> Iterator[Problem]:
    yield from documents.typos(ConfigFile, document, "$")
    for code, raw in mappings.items():
        if isinstance(raw, dict):
            yield from documents.typos(CustomerFields, raw, _path(_shown(code)))


def _entry(code: str, raw: Any, place: _Place) -> CustomerEntry:
    shown = _shown(code)
    if not isinstance(raw, dict):
        problem = Problem(_path(shown), f"must be a JSON object, not {problems.kind(raw)}")
        unknown = CustomerIdentity(customer_code=shown, customer_name=shown, account_id=None, region=None)
        return CustomerEntry(unknown, problems=(problem,))
    return _Reading(code, raw, place).entry()


class _Reading:
    """One customer's entry while it is read: its fields, and the problem of each that is wrong, by its key."""

    def __init__(self, code: str, raw: dict[str, Any], place: _Place) -> None:
        self._code = code
        self._shown = _shown(code)
        self._path = _path(self._shown)
        self._raw = raw
        self._place = place
        self._fields, self._wrong = problems.usable_part(CustomerFields, raw, documents.WORDING, self._path)
        self._skip_reason = self._why_skipped()
        if self._skip_reason is not None:  # no role of a skipped customer is looked at
            unread = {"ses_role_arn", *_IDENTITY_CENTER_KEYS}
            self._wrong = {key: problem for key, problem in self._wrong.items() if key not in unread}

    def entry(self) -> CustomerEntry:
        """Return the customer, with every problem and warning of its entry."""
        is_skipped = self._skip_reason is not None
        role = None if is_skipped else self._role("ses_role_arn", self._fields.ses_role_arn)
        region, warnings = self._region()
        self._check_code()
        source = None if is_skipped else self._identity_center(region)
        warnings += self._empty_external_ids()
        warnings += [source.problem] if source is not None and source.problem else []
        identity = CustomerIdentity(
            customer_code=self._shown,
            customer_name=self._name(),
            account_id=role.account_id if role else None,
            region=region,
        )
        entry = CustomerEntry(identity, _label(self._fields.environment), warnings=tuple(warnings))
        found = self._problems(_OWN_KEYS)
        if is_skipped:
            # Nothing will be called for a skipped customer, so its problems do no harm yet.
            warnings = [*entry.warnings, *map(str, found)]
            return replace(entry, skip_reason=self._skip_reason, warnings=tuple(warnings), mistake=self._mistake())
        if found or role is None:
            return replace(entry, problems=found)
        return replace(entry, customer=self._customer(entry, role, region, source))

    def _customer(
        self, entry: CustomerEntry, role: RoleArn, region: str, identity_center: IdentityCenter | None
    ) -> Customer:
        return Customer(
            customer_code=entry.code,
            customer_name=entry.identity.customer_name,
            account_id=role.account_id,
            region=region,
            ses_role_arn=role.text,
            external_id=self._fields.external_id,
            contact_list_name=self._fields.contact_list_name,
            import_bucket=self._fields.import_bucket,
            identity_center=identity_center,
        )

    def _problems(self, keys: Iterable[str]) -> tuple[Problem, ...]:
        return tuple(self._wrong[key] for key in keys if key in self._wrong)

    def _problem(self, key: str, text: str) -> None:
        self._wrong.setdefault(key, Problem(f"{self._path}.{key}", text))

    def _name(self) -> str:
        name = _label(self._fields.customer_name) or self._shown
        return self._shown if may_hold_address(name) else printable(name, limits.SHOWN_NAME_CHARACTERS)

    def _why_skipped(self) -> str | None:
        if self._fields.enabled is False:
            reason = _label(self._fields.disabled_reason)
            is_told = reason is not None and not may_hold_address(reason)
            return "disabled in config.json" + (f": {printable(reason)}" if is_told else "")
        if self._fields.ses_role_arn is None and "ses_role_arn" not in self._wrong:
            return _NO_ROLE
        return None

    def _mistake(self) -> Problem | None:
        if self._skip_reason != _NO_ROLE:
            return None
        near = [key for key, meant in documents.misspelt(CustomerFields, self._raw) if meant == "ses_role_arn"]
        text = "unknown key that looks like ses_role_arn, which is missing: the customer is skipped"
        return Problem(f"{self._path}.{OPEN.key(near[0])}", text) if near else None

    def _role(self, key: str, text: str | None) -> RoleArn | None:
        if text is None:
            return None
        role = parse_role_arn(text)
        if role.partition != self._place.partition:
            here = f"this deployment runs in {self._place.partition}, and credentials do not cross partitions"
            self._problem(key, f"{quoted(text)} is of partition {role.partition}; {here}")
        return role

    def _region(self) -> tuple[str, list[str]]:
        """Return the customer's own Region, else aws_region, else the function's, and warnings about that choice."""
        own = self._fields.region
        if own is not None:
            self._check_partition("region", own, "ses_role_arn", self._place.elsewhere(own))
        if own is not None or "region" in self._wrong:
            return own or self._place.region, []
        fallback = self._place.default_region or self._place.region
        source = "aws_region" if self._place.default_region else "the function's own Region"
        text = f"missing, and {source} {self._place.elsewhere(fallback)}"
        self._check_partition("region", fallback, "ses_role_arn", text)
        return fallback, [f"{self._path}: no region; {source} {fallback} is used"]

    def _check_partition(self, key: str, region: str, role_key: str, text: str) -> None:
        """Note a Region of another partition, unless the role is wrong, too: that would be one mistake told twice."""
        if role_key not in self._wrong and self._place.is_elsewhere(region):
            self._problem(key, text)

    def _check_code(self) -> None:
        if re.fullmatch(CODE_PATTERN, self._code) is None:
            self._wrong[""] = Problem(self._path, f"a customer's code is {CODE_WORDS}")
        inner = self._fields.customer_code
        if inner is not None and inner != self._code:
            self._problem("customer_code", f"{quoted(inner)} differs from the key {quoted(self._code)}")

    def _identity_center(self, customers_region: str) -> IdentityCenter | None:
        """Return where users are read from; what is wrong with it fails only those actions that read users."""
        fields = self._fields
        role = self._role("identity_center_role_arn", fields.identity_center_role_arn)
        region = fields.identity_center_region
        if region is not None:
            elsewhere = self._place.elsewhere(region)
            self._check_partition("identity_center_region", region, "identity_center_role_arn", elsewhere)
        wrong = self._problems(_IDENTITY_CENTER_KEYS)
        if role is None and not wrong:
            return None
        return IdentityCenter(
            role_arn=role.text if role else "",
            region=region or customers_region,
            external_id=fields.identity_center_external_id,
            store_id=fields.identity_store_id,
            problem="; ".join(map(str, wrong)) or None,
        )

    def _empty_external_ids(self) -> list[str]:
        text = "is empty, which protects nobody: agree on one, or leave it out"
        keys = ("external_id", "identity_center_external_id")
        return [f"{self._path}.{key}: {text}" for key in keys if self._raw.get(key) == ""]


def _customers(entries: Mapping[str, CustomerEntry]) -> list[Customer]:
    return [entry.customer for entry in entries.values() if entry.customer is not None]


def _contradicted(entry: CustomerEntry, problem: Problem | None) -> CustomerEntry:
    """Return the entry with a problem of its Identity Center, if there is one."""
    if problem is None or entry.customer is None or entry.identity_center is None:
        return entry
    marked = entry.identity_center.model_copy(update={"problem": str(problem)})
    customer = entry.customer.model_copy(update={"identity_center": marked})
    return replace(entry, customer=customer, warnings=(*entry.warnings, str(problem)))


def _label(value: str | None) -> str | None:
    """Return a string without the blanks around it: a name that people give, and others select by."""
    return value.strip() or None if value else None


def _shown(code: str) -> str:
    """Return a customer's key as messages and the run's record have it: a possible address is told by its length."""
    return problems.key_without_address(code)


def _path(shown_code: str) -> str:
    return f"$.customer_mappings.{shown_code}"
