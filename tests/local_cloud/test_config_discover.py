"""`ses-fleet config discover`: an organization's accounts against config.json, by the real command."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strict_aws.organizations.tree import Organization
from tests.local_cloud.conftest import HUB, Cloud, running, ses_fleet

DELEGATED, MEMBER, STRANGER = "222233334444", "333344445555", "999988887777"
ROLE = "arn:aws:iam::{account_id}:role/ses-fleet/contact-manager"
ORGANIZATION: dict[str, Any] = {
    "management_account": HUB,
    "delegated_administrators": [DELEGATED],
    "accounts": [
        {"id": DELEGATED, "name": "Infra", "unit": "Infra"},
        {"id": MEMBER, "name": "Acme Prod", "unit": "Work/Prod", "tags": {"fleet": "yes"}},
        {"id": "444455556666", "name": "acme prod", "unit": "Work/Prod", "tags": {"fleet": "yes"}},
        {"id": "555566667777", "name": "\u202eevil\u001b[31m", "unit": "Work", "tags": {"fleet": "no"}},
        {"id": "666677778888", "name": "Gone", "unit": "Graveyard", "state": "CLOSED"},
        *({"id": f"{n:012d}", "name": f"Many {n}", "unit": "Many"} for n in range(1, 31)),
    ],
}
UNITS = Organization("o-localfleet", HUB, [])
CONFIG = """{
    "aws_region" : "us-east-1",
    "customer_mappings": {
        "infra":  { "ses_role_arn": "arn:aws:iam::222233334444:role/by-hand", "mine": [1,2] },
        "gone": {
            "ses_role_arn": "arn:aws:iam::666677778888:role/by-hand"
        }
    },
    "of another program": 1.50
}
"""


@pytest.fixture(scope="module")
def organization(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A local cloud in which the hub is the management account."""
    scenario = tmp_path_factory.mktemp("discover") / "scenario.json"
    scenario.write_text(json.dumps({"organization": ORGANIZATION}))
    with running("--port", "0", "--scenario", str(scenario)) as (_, cloud):
        yield cloud


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config.json with an account that is open, and one that is closed."""
    file = tmp_path / "config.json"
    file.write_text(CONFIG)
    return file


def discover(cloud: Cloud, file: Path, *arguments: str, account: str = HUB) -> subprocess.CompletedProcess[str]:
    """The command with the role's template, as an account's administrator."""
    given = ("--config", str(file), "--role-arn", ROLE, "--external-id", "fleet-{account_id}")
    return ses_fleet(cloud, "config", "discover", *given, *arguments, AWS_ACCESS_KEY_ID=account)


def test_the_difference_is_shown_and_nothing_is_written(organization: Cloud, config: Path) -> None:
    """Two accounts of one name are told apart by their ids; a hostile name is harmless; the closed one is found."""
    work = UNITS.parent_id("Work")
    ended = discover(organization, config, "--ou", work, "--recursive")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0] == "Organization o-localfleet: 36 accounts, 3 of them selected."
    assert f"  + acme-prod-{MEMBER}  {MEMBER}  Acme Prod" in lines
    assert "  + acme-prod-444455556666  444455556666  acme prod" in lines
    assert "  + evil-31m                555566667777  \\u202eevil\\u001b[31m" in lines
    assert "  - gone                    666677778888  enabled: false, as it is CLOSED" in lines
    assert lines[-2:] == [
        "3 to add, 1 to disable, 0 selected have an entry.",
        f"Nothing was written: --write writes it into {config}.",
    ]
    assert max(map(len, lines[:-1])) <= 80
    assert config.read_text() == CONFIG
    assert discover(organization, config, "--ou", work, "--recursive", "--detailed-exitcode").returncode == 4


def test_what_is_written_is_the_difference_and_no_other_byte(organization: Cloud, config: Path) -> None:
    """The file's own formatting; afterwards there is no difference, and the file is one that is fit to be pushed."""
    given = ("--ou", UNITS.parent_id("Work/Prod"), "--code", "aws-{account_id}")
    ended = discover(organization, config, *given, "--write", "--detailed-exitcode")
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (
        4,
        f"{config} was written. Next: ses-fleet config push {config}",
    )
    added = ",\n".join(
        f"""        "aws-{account}": {{
            "customer_code": "aws-{account}",
            "customer_name": "{name}",
            "ses_role_arn": "arn:aws:iam::{account}:role/ses-fleet/contact-manager",
            "external_id": "fleet-{account}"
        }}"""
        for account, name in ((MEMBER, "Acme Prod"), ("444455556666", "acme prod"))
    )
    reason = "account 666677778888 is CLOSED in AWS Organizations"
    wanted = CONFIG.replace(
        'by-hand"\n        }\n',
        f'by-hand",\n            "enabled": false,\n            "disabled_reason": "{reason}"\n        }},\n{added}\n',
    )
    assert config.read_text() == wanted
    again = discover(organization, config, *given, "--write", "--detailed-exitcode")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, f"{config} stays as it is.")
    assert config.read_text() == wanted
    assert ses_fleet(organization, "config", "check", str(config)).returncode == 0


def test_accounts_by_tag_are_one_listing_or_one_request_each(organization: Cloud, tmp_path: Path) -> None:
    """From the management account and from a delegated administrator the same; a file that is not there is made."""
    found = {}
    for account in (HUB, DELEGATED):
        file = tmp_path / f"{account}.json"
        ended = discover(organization, file, "--tag", "fleet=yes", "--output", "json", "--write", account=account)
        assert ended.returncode == 0, ended.stderr
        found[account] = json.loads(ended.stdout)
        assert ("account by account" in ended.stderr) is (account == DELEGATED)
        assert list(json.loads(file.read_text())["customer_mappings"]) == list(found[account]["added"])
    assert found[HUB] == found[DELEGATED]
    assert sorted(found[HUB]["added"]) == ["acme-prod-333344445555", "acme-prod-444455556666"]
    assert found[HUB]["written"] is True


def test_a_whole_organization_is_read_by_its_lists(organization: Cloud, tmp_path: Path) -> None:
    """Of 36 accounts two pages and an empty one between; what is throttled is sent again; none is for one account."""
    fault = {"service": "organizations", "operation": "ListAccounts", "fault": "throttle", "times": 2}
    before = len(organization.journal())
    with organization.faults(fault):
        ended = discover(organization, tmp_path / "new.json", "--ou", "root", "--recursive", "--output", "json")
    assert ended.returncode == 0, ended.stderr
    assert len(json.loads(ended.stdout)["added"]) == 34
    calls = [one["operation"] for one in organization.journal()[before:] if one["service"] == "organizations"]
    assert calls.count("ListAccounts") == 5
    assert set(calls) == {
        *("DescribeOrganization", "ListAccounts", "ListRoots"),
        *("ListAccountsForParent", "ListOrganizationalUnitsForParent"),
    }
    assert "new.json is not there, so everything is new; --write makes it" in ended.stderr
    assert f"{HUB} is the management account, to which StackSets deploy nothing" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "account", "code", "said"),
    [
        (("--ou", "root"), STRANGER, 3, "in no AWS organization"),
        (("--ou", "root"), MEMBER, 3, "may not call organizations:ListAccounts"),
        (("--ou", "ou-abcd-12345678"), HUB, 2, "has no such unit or root"),
        ((), HUB, 2, "say which accounts: --ou, --tag"),
    ],
)
def test_mistakes_are_said_in_plain_words(
    arguments: tuple[str, ...], account: str, code: int, said: str, organization: Cloud, config: Path
) -> None:
    """And nothing is written."""
    ended = discover(organization, config, *arguments, "--write", account=account)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert config.read_text() == CONFIG


@pytest.mark.matrix
def test_new_entries_that_would_be_wrong_are_not_written(organization: Cloud, config: Path) -> None:
    """As `config check` would say it: a bucket's name for one."""
    ended = discover(
        organization, config, "--ou", "root", "--recursive", "--import-bucket", "A_{account_id}", "--write"
    )
    assert ended.returncode == 2
    assert "the new entries would be wrong, and nothing was written: $.customer_mappings." in ended.stderr
    assert config.read_text() == CONFIG
