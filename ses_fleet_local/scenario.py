"""Scenario files: what a customer's account holds beyond its role. docs/local-cloud.md describes the format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ses_fleet import json_text
from ses_fleet.errors import JsonError
from ses_fleet.text import printable
from strict_aws.control import Generated, ImportJobControl
from strict_aws.identity_center.identity_scenario import Region, ScenarioIdentityCenter, fault_path
from strict_aws.identity_center.instances import default_store_id
from strict_aws.regions import DisabledRegions


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ScenarioList(_Part):
    """A contact list. `topics` are in SES's own shape; `contacts` is made up, or import-job records."""

    name: str
    description: str | None = None
    topics: list[dict[str, Any]] = Field(default_factory=list)
    contacts: Generated | list[dict[str, Any]] = Field(default_factory=list)


class ScenarioRole(_Part):
    """Whom a role trusts (null = ses-fleet's worker), and with which ExternalId, whatever config.json says."""

    trust: list[str] | None = None
    external_id: str | None = None


class ScenarioSes(_Part):
    """An account's standing with SES, and how its import jobs go."""

    production_access: bool = True
    sending_enabled: bool = True
    import_jobs: ImportJobControl = Field(default_factory=ImportJobControl)


class ScenarioBucket(_Part):
    """A bucket for imports. `region` None = the customer's; `readable_by_ses` = its policy lets SES read it."""

    region: Region | None = None
    readable_by_ses: bool = True
    missing: bool = False


class ScenarioAccount(_Part):
    """`lists` and `ses` by Region, `roles` and `buckets` by name. `identity_centers` None = nobody said anything.

    `disabled_regions` = those that the account has not enabled.
    """

    ses: dict[Region, ScenarioSes] = Field(default_factory=dict)
    lists: dict[Region, ScenarioList] = Field(default_factory=dict)
    roles: dict[str, ScenarioRole] = Field(default_factory=dict)
    buckets: dict[str, ScenarioBucket] = Field(default_factory=dict)
    identity_centers: list[ScenarioIdentityCenter] | None = None
    disabled_regions: list[Region] = Field(default_factory=list)

    @field_validator("identity_centers")
    @classmethod
    def _one_a_region(cls, centers: list[ScenarioIdentityCenter] | None) -> list[ScenarioIdentityCenter] | None:
        regions = [center.region for center in centers or ()]
        for region in regions:
            if regions.count(region) > 1:
                raise ValueError(f"there are two in {region}: an account has one in a Region")
        return centers


class Scenario(_Part):
    """`accounts` by their 12 digits."""

    accounts: dict[str, ScenarioAccount] = Field(default_factory=dict)

    @property
    def disabled_regions(self) -> DisabledRegions:
        """The Regions that accounts have not enabled, by account."""
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
    """The file is no scenario; the message names the file and every fault."""


def read(path: Path) -> Scenario:
    """Read and check a scenario file."""
    try:
        return Scenario.model_validate(json_text.parse(path.read_bytes(), path.name))
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from None
    except JsonError as error:
        raise ScenarioError(f"{path}: {error}") from None
    except ValidationError as error:
        problems = [f"{path}: {fault_path(fault['loc'])}: {fault['msg']}" for fault in error.errors()]
        raise ScenarioError(printable("; ".join(problems), 1_000)) from None
