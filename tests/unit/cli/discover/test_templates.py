"""Templates of new entries: what cannot be meant is refused, and each account gets its own."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet_cli.discover.organization import Account
from ses_fleet_cli.discover.templates import Templates
from ses_fleet_cli.errors import CommandError

ROLE = "arn:aws:iam::{account_id}:role/ses-fleet/contact-manager"
ACME = Account("111122223333", "Acme", "ACTIVE")


def test_an_entry_has_the_accounts_own_values() -> None:
    """A role with a path; the keys that were not given are not there."""
    assert Templates(ROLE).entry(ACME, "acme") == {
        "customer_code": "acme",
        "customer_name": "Acme",
        "ses_role_arn": "arn:aws:iam::111122223333:role/ses-fleet/contact-manager",
    }
    whole = Templates(ROLE, "{name}", "fleet-{account_id}", "imports-{account_id}", "eu-west-1", "prod")
    whole.check()
    assert list(whole.entry(ACME, "acme").items())[2:] == [
        ("environment", "prod"),
        ("region", "eu-west-1"),
        ("ses_role_arn", "arn:aws:iam::111122223333:role/ses-fleet/contact-manager"),
        ("external_id", "fleet-111122223333"),
        ("import_bucket", "imports-111122223333"),
    ]


@pytest.mark.parametrize("name", ["", "  ", "ada@corp.example", "a\u202eb", "a\nb"])
def test_a_name_that_cannot_be_shown_is_left_out(name: str) -> None:
    """An address among them."""
    assert "customer_name" not in Templates(ROLE).entry(Account("1" * 12, name, "ACTIVE"), "x")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"role_arn": "arn:aws:iam::111122223333:role/x"}, "--role-arn must have {account_id} in it"),
        ({"role_arn": "arn:aws:iam::111122223333:role/{account_id}"}, "--role-arn: {account_id} must be its account"),
        ({"role_arn": "arn:aws:iam::{account_id}:user/x"}, "is not the ARN of an IAM role"),
        ({"role_arn": "arn:aws:iam::{account}:role/x"}, '--role-arn has "{account}": it may have {account_id}'),
        ({"role_arn": "arn:aws:iam::{account_id}:role/{name}"}, '--role-arn has "{name}"'),
        ({"external_id": "same-for-all"}, "--external-id must have {account_id} in it"),
        ({"external_id": "x-{account_id"}, '--external-id has "{account_id"'),
        ({"import_bucket": "same"}, "--import-bucket must have {account_id}"),
        ({"code": "same"}, "--code must have {name} or {account_id} in it"),
        ({"code": "{name}{"}, '--code has "{"'),
    ],
)
def test_a_template_that_cannot_be_meant_is_refused(given: dict[str, Any], said: str) -> None:
    """One value for all accounts would be a shared ExternalId, or a role of one account for all."""
    with pytest.raises(CommandError) as error:
        Templates(**{"role_arn": ROLE, **given}).check()
    assert error.value.exit_code == 2
    assert said in error.value.message


def test_the_partition_is_that_of_the_roles() -> None:
    """So the organization's, too."""
    assert Templates(ROLE.replace("arn:aws:", "arn:aws-us-gov:")).partition == "aws-us-gov"
