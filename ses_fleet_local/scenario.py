"""Scenario files, which say what accounts hold beyond their roles. docs/local-cloud.md describes the format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from ses_fleet import json_text
from ses_fleet.errors import JsonError
from ses_fleet.text import printable
from strict_aws.control.contacts import GeneratedContacts
from strict_aws.control.identity_centers import PlacedIdentityCenterDocument, Region
from strict_aws.control.import_jobs import ImportJobControl
from strict_aws.control.problems import problem_path
from strict_aws.control.ses_account import SesAccountDocument
from strict_aws.identity_center.instances import default_store_id
from strict_aws.organizations.tree import Account, Organization, State
from strict_aws.regions import DisabledRegions

AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ScenarioList(_Part):
    """A contact list. `topics` are in SES's own shape; `contacts` are made up, or given as import-job records."""

    name: str
    description: str | None = None
    topics: list[dict[str, Any]] = Field(default_factory=list)
    contacts: GeneratedContacts | list[dict[str, Any]] = Field(default_factory=list)


class ScenarioRole(_Part):
    """Whom a role trusts (null: the worker) and which ExternalId it asks for, whatever config.json says."""

    trust: list[str] | None = None
    external_id: str | None = None


class ScenarioSes(SesAccountDocument):
    """An account's standing with SES, its identities and metrics, and how its import jobs go."""

    import_jobs: ImportJobControl = Field(default_factory=ImportJobControl)


class ScenarioBucket(_Part):
    """A bucket for imports.

    `region` None means the customer's. With `readable_by_ses` its bucket policy lets SES read it; with `missing` it is
    not made at all.
    """

    region: Region | None = None
    readable_by_ses: bool = True
    missing: bool = False


class ScenarioAccount(_Part):
    """What an account holds: `lists` and `ses` by Region, `roles` and `buckets` by name.

    `identity_centers` None means that the scenario says nothing of them, an empty list that the account has none.
    `disabled_regions` are those that the account has not enabled.
    """

    ses: dict[Region, ScenarioSes] = Field(default_factory=dict)
    lists: dict[Region, ScenarioList] = Field(default_factory=dict)
    roles: dict[str, ScenarioRole] = Field(default_factory=dict)
    buckets: dict[str, ScenarioBucket] = Field(default_factory=dict)
    identity_centers: list[PlacedIdentityCenterDocument] | None = None
    disabled_regions: list[Region] = Field(default_factory=list)

    @field_validator("identity_centers")
    @classmethod
    def _one_a_region(
        cls, centers: list[PlacedIdentityCenterDocument] | None
    ) -> list[PlacedIdentityCenterDocument] | None:
        regions = [center.region for center in centers or ()]
        for region in regions:
            if regions.count(region) > 1:
                raise ValueError(f"there are two in {region}: an account has one in a Region")
        return centers


class ScenarioMember(_Part):
    """An account of the organization. `unit` is the path of its unit, such as `Workloads/Prod`; "" is the root."""

    id: AccountId
    name: str
    state: State = "ACTIVE"
    unit: str = ""
    tags: dict[str, str] = Field(default_factory=dict)


class ScenarioOrganization(_Part):
    """The organization: its management account, who may read it besides that, its units and accounts.

    Units that hold an account, or another unit, need not be among `units`.
    """

    id: str = Field(default="o-localfleet", pattern=r"^o-[a-z0-9]{10,32}$")
    management_account: AccountId
    delegated_administrators: list[AccountId] = Field(default_factory=list)
    units: list[str] = Field(default_factory=list)
    accounts: list[ScenarioMember] = Field(default_factory=list)

    @field_validator("accounts")
    @classmethod
    def _once_each(cls, accounts: list[ScenarioMember]) -> list[ScenarioMember]:
        ids = [account.id for account in accounts]
        for account in ids:
            if ids.count(account) > 1:
                raise ValueError(f"account {account} is there twice")
        return accounts

    def made(self) -> Organization:
        """Return the organization as the strict AWS has it."""
        accounts = [Account(one.id, one.name, one.state, one.unit, one.tags) for one in self.accounts]
        delegated = frozenset(self.delegated_administrators)
        return Organization(self.id, self.management_account, accounts, self.units, delegated)


class Scenario(_Part):
    """A whole scenario file: `accounts` by their 12 digits, and the `organization` that some may be in."""

    accounts: dict[str, ScenarioAccount] = Field(default_factory=dict)
    organization: ScenarioOrganization | None = None

    @property
    def disabled_regions(self) -> DisabledRegions:
        """The Regions that each account has not enabled, by account."""
        return {number: frozenset(one.disabled_regions) for number, one in self.accounts.items()}

    @model_validator(mode="after")
    def _stores_are_apart(self) -> Scenario:
        owners: dict[str, str] = {}
        for account_id, account in self.accounts.items():
            for center in account.identity_centers or ():
                store_id = center.identity_store_id or default_store_id(account_id, center.region)
                if store_id in owners:
                    both = f"{owners[store_id]} and {account_id}"
                    raise ValueError(f"identity_store_id {store_id} is there twice, in accounts {both}")
                owners[store_id] = account_id
        return self


class ScenarioError(Exception):
    """A scenario file cannot be used. The message names the file and every problem in it."""


def read(path: Path) -> Scenario:
    """Read and check a scenario file; raise ScenarioError when it cannot be read or is wrong."""
    try:
        return Scenario.model_validate(json_text.parse(path.read_bytes(), path.name))
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from None
    except JsonError as error:
        raise ScenarioError(f"{path}: {error}") from None
    except ValidationError as error:
        problems = [f"{path}: {problem_path(one['loc'])}: {one['msg']}" for one in error.errors()]
        raise ScenarioError(printable("; ".join(problems), 1_000)) from None
