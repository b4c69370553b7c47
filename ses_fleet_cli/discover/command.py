"""`config discover`: reads the organization, compares, shows the difference, and writes it where that is asked for."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ses_fleet import limits
from ses_fleet.aws import clients
from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.regions import is_region
from ses_fleet.config import documents
from ses_fleet.errors import ConfigurationError
from ses_fleet.text import quoted
from ses_fleet_cli import check, invoke
from ses_fleet_cli.discover import edit, failures, show
from ses_fleet_cli.discover.difference import Difference, applied, difference
from ses_fleet_cli.discover.organization import ROOT, Organization, Reader, Selection
from ses_fleet_cli.discover.templates import Templates
from ses_fleet_cli.errors import DIFFERS, OK, no_summary, usage
from ses_fleet_cli.patience import PatientClient, say

# Organizations has one endpoint in each partition, and the tags of accounts are there, too (general reference).
_HOMES = {"aws": "us-east-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1"}
_UNIT = re.compile(r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}")  # Organizations API: ParentId
_LONGEST_TRY_SECONDS = limits.CONNECT_TIMEOUT_SECONDS + limits.CALL_READ_TIMEOUT_SECONDS
_NO_EXTERNAL_ID = (
    "the new entries have no external_id, so roles that ask for one cannot be assumed: give --external-id, such as "
    "'fleet-{account_id}'"
)


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for."""

    path: Path
    selection: Selection
    templates: Templates
    output: str = "text"
    write: bool = False
    detailed_exitcode: bool = False


def selection(units: list[str], tags: list[str], *, recursive: bool) -> Selection:
    """Return what the flags select; raise CommandError with exit code 2 for flags that cannot be meant."""
    if not units and not tags:
        raise usage("say which accounts: --ou, --tag, or --ou root --recursive for the whole organization")
    if recursive and not units:
        raise usage("--recursive goes with --ou: without it the whole organization is looked at")
    for unit in units:
        if unit != ROOT and _UNIT.fullmatch(unit) is None:
            raise usage(f"--ou {quoted(unit)} is not the id of a unit (ou-…) or root (r-…), and not `{ROOT}`")
    wanted: dict[str, frozenset[str]] = {}
    for tag in tags:
        key, has_value, value = tag.partition("=")
        values = frozenset({value} if has_value else ())
        if not key:
            raise usage(f"--tag {quoted(tag)} has no key: it is KEY=VALUE, or KEY for any value")
        if key in wanted and not (wanted[key] and values):
            raise usage(f"--tag {quoted(key)} is there for any value, so it cannot be there twice")
        wanted[key] = wanted.get(key, frozenset()) | values
    return Selection(tuple(units), recursive, wanted)


def run(wanted: Wanted) -> int:
    """Do what is asked for, and return the exit code."""
    _check(wanted)
    before, text, mappings = _read(wanted.path)
    organization = _organization(wanted)
    found = difference(organization, mappings, wanted.templates)
    after = edit.edited(text, found) if found else text
    _check_result(wanted, mappings, found, after)
    written = wanted.write and bool(found)
    if written:
        edit.write(wanted.path, before, after.encode("utf-8"))
    if before is None and not written:
        say(f"{wanted.path} is not there, so everything is new; --write makes it")
    for note in found.notes:
        say(note)
    if found.additions and wanted.templates.external_id is None:
        say(_NO_EXTERNAL_ID)
    shown = {
        "json": lambda: show.as_json(organization, found, written=written),
        "diff": lambda: show.as_diff(wanted.path, text, after),
        "text": lambda: show.as_text(wanted.path, organization, found, written=written),
    }
    sys.stdout.write(shown[wanted.output]())
    return DIFFERS if found and wanted.detailed_exitcode else OK


def _check(wanted: Wanted) -> None:
    if wanted.output not in show.OUTPUTS:
        raise usage(f"--output is {', '.join(show.OUTPUTS[:-1])} or {show.OUTPUTS[-1]}, not {quoted(wanted.output)}")
    wanted.templates.check()
    region, partition = wanted.templates.region, wanted.templates.partition
    if region is not None and not is_region(region):
        raise usage(f"--region {quoted(region)} is not the name of an AWS Region")
    if partition not in _HOMES:
        raise usage(f"--role-arn is of partition {partition}: where its Organizations is, is not known")


def _read(path: Path) -> tuple[bytes | None, str, Mapping[str, Any]]:
    """Return the file's content, its text and its customer_mappings; a file that is not there is as good as empty."""
    before = check.content(path) if path.exists() else None
    body = edit.NEW.encode() if before is None else before
    try:
        document = documents.parse(body, path.name)
    except ConfigurationError as error:
        raise usage(f"{path} cannot be used: {'; '.join(map(str, error.problems))}") from None
    mappings = document.get(edit.MAPPINGS) if isinstance(document, dict) else None
    if not isinstance(mappings, dict):
        raise usage(f"{path} has no object {edit.MAPPINGS}: is it config.json?")
    return before, body.decode("utf-8"), mappings


def _organization(wanted: Wanted) -> Organization:
    region = _HOMES[wanted.templates.partition]
    with failures.explained(wanted.selection):
        with invoke.credentials_loaded():
            account = str(_client("sts", region).call("get_caller_identity").get("Account") or "")
        reader = Reader(_client("organizations", region), _client("resourcegroupstaggingapi", region), account)
        return reader.read(wanted.selection)


def _client(service: str, region: str) -> AwsClient:
    attempts = limits.ORGANIZATIONS_ATTEMPTS
    return PatientClient(clients.client(service, region, attempts=attempts), longest=attempts * _LONGEST_TRY_SECONDS)


def _check_result(wanted: Wanted, mappings: Mapping[str, Any], found: Difference, after: str) -> None:
    """Raise CommandError when the new text is not what was meant, or a new entry has an error."""
    if not found:
        return
    made, expected = json.loads(after.removeprefix("\ufeff"))[edit.MAPPINGS], applied(mappings, found)
    if made != expected or list(made) != list(expected):
        raise no_summary(f"{wanted.path} could not be edited without changing more; nothing was written")
    new = [f"$.{edit.MAPPINGS}.{one.code}" for one in found.additions]
    for level, text in check.findings(after.encode("utf-8"), wanted.path.name, wanted.templates.partition):
        if level == "error" and text.startswith(tuple(f"{path}{end}" for path in new for end in (".", ":"))):
            raise usage(f"the new entries would be wrong, and nothing was written: {text}")
