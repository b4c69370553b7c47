"""Scenario files: what a customer's account holds beyond its role. docs/local-cloud.md describes the format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local.control import Generated, ImportJobControl
from shared.text import printable


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

    region: str | None = None
    readable_by_ses: bool = True
    missing: bool = False


class ScenarioAccount(_Part):
    """`lists` and `ses` by Region, `roles` and `buckets` by name."""

    ses: dict[str, ScenarioSes] = Field(default_factory=dict)
    lists: dict[str, ScenarioList] = Field(default_factory=dict)
    roles: dict[str, ScenarioRole] = Field(default_factory=dict)
    buckets: dict[str, ScenarioBucket] = Field(default_factory=dict)


class Scenario(_Part):
    """`accounts` by their 12 digits."""

    accounts: dict[str, ScenarioAccount] = Field(default_factory=dict)


class ScenarioError(Exception):
    """The file is no scenario; the message names the file and every fault."""


def read(path: Path) -> Scenario:
    """Read and check a scenario file."""
    try:
        return Scenario.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        faults = [f"{path}: $.{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise ScenarioError(printable("; ".join(faults), 1_000)) from None
    except ValueError as error:
        raise ScenarioError(f"{path}: not JSON: {error}") from None
