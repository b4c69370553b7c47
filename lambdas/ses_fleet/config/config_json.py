"""config.json → FleetConfig: every customer either usable, without a role, or with its own problems."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ses_fleet.aws.arns import RoleArn, parse_role_arn
from ses_fleet.aws.regions import is_region, partition_of
from ses_fleet.aws.s3 import Bucket
from ses_fleet.config import documents
from ses_fleet.config.customer import Customer, IdentityCenter
from ses_fleet.errors import ConfigurationError, Problem
from ses_fleet.identifiers import CODE_PATTERN
from ses_fleet.text import did_you_mean, may_hold_address, printable, quoted

_FILE_KEYS = ("aws_region", "customer_mappings")
_CUSTOMER_KEYS = (
    "customer_code",
    "customer_name",
    "environment",
    "region",
    "ses_role_arn",
    "identity_center_role_arn",
    "enabled",
    "external_id",
    "contact_list_name",
    "import_bucket",
    "identity_center_region",
    "identity_center_external_id",
    "identity_store_id",
)
# STS API: ExternalId. SES names: observed, see limits.
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,1224}")
# Identity Store API: IdentityStoreId.
_STORE_ID = re.compile(r"d-[0-9a-f]{10}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# S3 User Guide, general purpose buckets.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LIST_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_REGION = "is not the name of an AWS Region"


@dataclass(frozen=True)
class CustomerEntry:
    """One entry of customer_mappings.

    Exactly one holds: `customer` is set, or `problems` is not empty, or `skip_reason` is set.
    """

    code: str
    name: str
    environment: str | None
    region: str | None
    account_id: str | None
    customer: Customer | None = None
    problems: tuple[Problem, ...] = ()
    skip_reason: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def identity_center(self) -> IdentityCenter | None:
        """Where this customer's people are read from, if it can be run."""
        return None if self.customer is None else self.customer.identity_center


@dataclass(frozen=True)
class FleetConfig:
    """config.json, understood: entries in the file's order, by code."""

    entries: dict[str, CustomerEntry]
    version: str | None
    warnings: tuple[str, ...] = ()


def load(bucket: Bucket, key: str, *, region: str, partition: str) -> FleetConfig:
    """Read and check config.json; ConfigurationError when no customer could be run from it.

    `region` and `partition` are the function's own: the default for a customer, and what its role must match.
    """
    document = documents.read(bucket, key)
    return FleetReader(document.value, region, partition).read(document.version)


class FleetReader:
    """Turns the parsed file into a FleetConfig."""

    def __init__(self, document: Any, region: str, partition: str) -> None:
        self._document = document
        self._region = region
        self._partition = partition

    def read(self, version: str | None) -> FleetConfig:
        """Raise ConfigurationError for what is wrong with the file as a whole."""
        mappings = self._mappings()
        entries = dict(_one_external_id({code: self._entry(code, raw) for code, raw in mappings.items()}))
        notes = [*self._typos(mappings), *_shared_external_ids(entries), *_people_of_several_regions(mappings, entries)]
        return FleetConfig(entries, version, tuple(map(str, notes)))

    def _mappings(self) -> dict[str, Any]:
        if not isinstance(self._document, dict):
            raise ConfigurationError([Problem("$", f"must be a JSON object, not {kind(self._document)}")])
        problems = []
        default = self._document.get("aws_region")
        if default is not None and not (isinstance(default, str) and is_region(default)):
            problems.append(Problem("$.aws_region", f"{quoted(default)} {_NO_REGION}"))
        mappings = self._document.get("customer_mappings")
        if mappings is None and "customer_mappings" in self._document:
            problems.append(Problem("$.customer_mappings", "is null: no customers are configured"))
        elif mappings is None:
            near = did_you_mean("customer_mappings", [key for key in self._document if len(key) < 64])
            problems.append(Problem("$.customer_mappings", f"missing: no customers are configured{near}"))
        elif not isinstance(mappings, dict):
            problems.append(Problem("$.customer_mappings", f"must be a JSON object, not {kind(mappings)}"))
        elif not mappings:
            problems.append(Problem("$.customer_mappings", "no customers are configured"))
        if problems or not isinstance(mappings, dict):
            raise ConfigurationError(problems)
        return mappings

    def _entry(self, code: str, raw: Any) -> CustomerEntry:
        shown = _shown(code)
        path = f"$.customer_mappings.{shown}"
        if not isinstance(raw, dict):
            problem = Problem(path, f"must be a JSON object, not {kind(raw)}")
            return CustomerEntry(shown, shown, None, None, None, problems=(problem,))
        fields = _Fields(path, raw)
        name = fields.label("customer_name") or shown
        name = shown if may_hold_address(name) else name
        environment = fields.label("environment")
        skip = _skip_reason(fields)
        role = None if skip else self._role(fields)
        region, warnings = self._region_of(fields)
        self._check_codes(fields, code)
        optional = {
            "external_id": fields.text("external_id", _EXTERNAL_ID.fullmatch, "is not an ExternalId of STS"),
            "contact_list_name": fields.text("contact_list_name", _LIST_NAME.fullmatch, "is not a list name of SES"),
            "import_bucket": fields.text("import_bucket", _BUCKET.fullmatch, "is not the name of an S3 bucket"),
        }
        warnings += map(str, _empty_external_ids(fields))
        identity_center = None if skip else self._identity_center(path, raw, region)
        warnings += [identity_center.problem] if identity_center and identity_center.problem else []
        account_id = role.account_id if role else None
        base = CustomerEntry(shown, printable(name, 128), environment, region, account_id, warnings=tuple(warnings))
        return _decided(base, fields.problems, skip, role, {**optional, "identity_center": identity_center})

    def _identity_center(self, path: str, raw: dict[str, Any], customers_region: str) -> IdentityCenter | None:
        """Its problems are the business of those actions that read people; for others they are warnings."""
        fields = _Fields(path, raw)
        role = self._role(fields, "identity_center_role_arn")
        region = self._own_region(fields, "identity_center_region")
        external_id = fields.text("identity_center_external_id", _EXTERNAL_ID.fullmatch, "is not an ExternalId of STS")
        store_id = fields.text("identity_store_id", _STORE_ID.fullmatch, "is not the id of an identity store")
        if role is None and not fields.problems:
            return None
        return IdentityCenter(
            role_arn=role.text if role else "",
            region=region or customers_region,
            external_id=external_id,
            store_id=store_id,
            problem="; ".join(str(problem) for problem in fields.problems) or None,
        )

    def _region_of(self, fields: _Fields) -> tuple[str, list[str]]:
        """The customer's own Region, else aws_region, else the function's; and what has to be said of that."""
        configured = self._own_region(fields, "region")
        if configured or "region" in fields.wrong:
            return configured or self._region, []
        fallback = self._document.get("aws_region") or self._region
        source = "aws_region" if self._document.get("aws_region") else "the function's own Region"
        if self._is_elsewhere(fallback, fields):
            fields.problem("region", f"missing, and {source} {self._elsewhere(fallback)}")
        return fallback, [f"{fields.path}: no region; {source} {fallback} is used"]

    def _own_region(self, fields: _Fields, key: str) -> str | None:
        region = fields.text(key, is_region, _NO_REGION)
        if region and self._is_elsewhere(region, fields):
            fields.problem(key, self._elsewhere(region))
        return region

    def _is_elsewhere(self, region: str, fields: _Fields) -> bool:
        """Whether it is of another partition; the function's own Region may be newer than botocore's data."""
        if {"ses_role_arn", "identity_center_role_arn"} & fields.wrong:
            return False  # a role of another partition is one problem, not two
        return partition_of(region) not in (None, self._partition)

    def _elsewhere(self, region: str) -> str:
        return f"{quoted(region)} is of partition {partition_of(region)}; this deployment runs in {self._partition}"

    def _role(self, fields: _Fields, key: str = "ses_role_arn") -> RoleArn | None:
        text = fields.text(key)
        if text is None:
            return None
        try:
            role = parse_role_arn(text)
        except ValueError as error:
            fields.problem(key, str(error))
            return None
        if role.partition != self._partition:
            fields.problem(
                key,
                f"{quoted(text)} is of partition {role.partition}; this deployment runs in {self._partition}, "
                "and credentials do not cross partitions",
            )
        return role

    def _check_codes(self, fields: _Fields, code: str) -> None:
        if re.fullmatch(CODE_PATTERN, code) is None:
            fields.problems.append(
                Problem(
                    fields.path, "a customer's code is 1 to 50 of A-Z a-z 0-9 _ -, beginning with a letter or digit"
                )
            )
        inner = fields.text("customer_code")
        if inner is not None and inner != code:
            fields.problem("customer_code", f"{quoted(inner)} differs from the key {quoted(code)}")

    def _typos(self, mappings: dict[str, Any]) -> Iterator[Problem]:
        yield from typos("$", self._document, _FILE_KEYS)
        for code, raw in mappings.items():
            if isinstance(raw, dict):
                yield from typos(f"$.customer_mappings.{_shown(code)}", raw, _CUSTOMER_KEYS)


class _Fields:
    """One customer's raw fields, read with their problems collected."""

    def __init__(self, path: str, raw: dict[str, Any]) -> None:
        self.path = path
        self.raw = raw
        self.problems: list[Problem] = []
        self.wrong: set[str] = set()

    def problem(self, key: str, text: str) -> None:
        self.wrong.add(key)
        self.problems.append(Problem(f"{self.path}.{key}", text))

    def text(self, key: str, valid: Callable[[str], Any] | None = None, complaint: str = "") -> str | None:
        """Return a string field as it is; null and "" are the same as absent."""
        value = self.raw.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.problem(key, f"must be a string, not {kind(value)}")
            return None
        if valid is not None and not valid(value):
            self.problem(key, f"{quoted(value)} {complaint}")
            return None
        return value

    def label(self, key: str) -> str | None:
        """Return a string field without blanks around it: a name that people give, and others select by."""
        value = self.text(key)
        return value.strip() or None if value else None


def typos(path: str, raw: dict[str, Any], known: tuple[str, ...]) -> Iterator[Problem]:
    """Keys that look like a typo of one of ours; other programs' keys are theirs."""
    squeezed = {_squeeze(key): key for key in known}
    for key in raw:
        if key in known or len(key) > 64:
            continue
        near = squeezed.get(_squeeze(key)) or documents.nearly(key, known)
        if near is not None and near not in raw:
            yield Problem(f"{path}.{printable(key, 64)}", f"unknown key that looks like {near}; it is not used")


def _one_external_id(entries: dict[str, CustomerEntry]) -> Iterator[tuple[str, CustomerEntry]]:
    """A role that reads Identity Center asks for one ExternalId: two of them in the file are a mistake of the file."""
    ids: defaultdict[str, dict[str | None, str]] = defaultdict(dict)
    for code, entry in entries.items():
        source = entry.identity_center
        if source and not source.problem:
            ids[source.role_arn].setdefault(source.external_id, code)
    for code, entry in entries.items():
        customer, source = entry.customer, entry.identity_center
        if customer is None or source is None or len(ids[source.role_arn]) < 2:
            yield code, entry
            continue
        others = ", ".join(ids[source.role_arn].values())
        path = f"$.customer_mappings.{code}.identity_center_external_id"
        problem = f"{path}: {others} have different ones for the same identity_center_role_arn"
        marked = customer.model_copy(update={"identity_center": source.model_copy(update={"problem": problem})})
        yield code, replace(entry, customer=marked, warnings=(*entry.warnings, problem))


def _shared_external_ids(entries: dict[str, CustomerEntry]) -> Iterator[Problem]:
    """An ExternalId protects a customer from every other one only while nobody else has the same."""
    known: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for code, entry in entries.items():
        if entry.customer is not None and entry.customer.external_id is not None:
            known[entry.customer.external_id].setdefault(entry.customer.account_id, code)
    for accounts in known.values():
        if len(accounts) > 1:
            codes = list(accounts.values())
            text = f"{', '.join(codes)} have the same one: each customer needs an ExternalId that nobody else has"
            yield Problem(f"$.customer_mappings.{codes[0]}.external_id", text)


def _people_of_several_regions(mappings: dict[str, Any], entries: dict[str, CustomerEntry]) -> Iterator[Problem]:
    """An Identity Center is in one Region: customers of several who share it have to say in which."""
    known: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for code, entry in entries.items():
        source = entry.identity_center
        if source is not None and not source.problem and not mappings[code].get("identity_center_region"):
            known[source.role_arn].setdefault(source.region, code)
    for regions in known.values():
        if len(regions) > 1:
            codes = list(regions.values())
            text = f"{', '.join(codes)} would read it in {', '.join(regions)}: set identity_center_region"
            yield Problem(f"$.customer_mappings.{codes[0]}.identity_center_role_arn", text)


def _empty_external_ids(fields: _Fields) -> Iterator[Problem]:
    for key in ("external_id", "identity_center_external_id"):
        if fields.raw.get(key) == "":
            text = "is empty, which protects nobody: agree on one, or leave it out"
            yield Problem(f"{fields.path}.{key}", text)


def _skip_reason(fields: _Fields) -> str | None:
    enabled = fields.raw.get("enabled")
    if enabled is not None and not isinstance(enabled, bool):
        fields.problem("enabled", f"must be true or false, not {kind(enabled)}")
    if enabled is False:
        return "disabled in config.json"
    if fields.raw.get("ses_role_arn") in (None, ""):
        return "no ses_role_arn in config.json"
    return None


def _decided(
    base: CustomerEntry, problems: list[Problem], skip: str | None, role: RoleArn | None, optional: dict[str, Any]
) -> CustomerEntry:
    if skip or role is None or base.region is None:
        if not skip:
            return replace(base, problems=tuple(problems))
        # Nothing will be called for a skipped customer, so its problems do no harm yet.
        return replace(base, skip_reason=skip, warnings=(*base.warnings, *map(str, problems)))
    if problems:
        return replace(base, problems=tuple(problems))
    customer = Customer(
        customer_code=base.code,
        customer_name=base.name,
        account_id=role.account_id,
        region=base.region,
        ses_role_arn=role.text,
        **optional,
    )
    return replace(base, customer=customer)


def _shown(code: str) -> str:
    """A customer's key as the record has it: one that may be an address is told by its length alone."""
    return f"(a key of {len(code)} characters)" if may_hold_address(code) else printable(code, 64)


def _squeeze(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()


def kind(value: Any) -> str:
    """What a JSON value is, in JSON's words, as a message has it."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
