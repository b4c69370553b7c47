"""Customers' roles of older templates, in the local cloud: who is behind, for which actions, and what fails for it."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from ses_fleet.actions.catalogue import needing_more_than
from ses_fleet.actions.role_version import ROLE_VERSION, TAG_KEY
from tests.local_cloud.conftest import WORKER, Cloud, fleet, original_code, ses_fleet

ROLE = {"RoleName": "contact-manager"}
POLICY = {**ROLE, "PolicyName": "ses-fleet"}
CURRENT, OLDER, OLDEST, TAKEN_OVER = "f14", "f15", "f16", "f17"


def iam_of(cloud: Cloud, code: str) -> Any:
    """IAM of the customer's account, as its administrator."""
    return cloud.client("iam", f"3000000000{code[1:]}")


@contextlib.contextmanager
def tagged(cloud: Cloud, code: str, version: str | None) -> Iterator[None]:
    """The customer's role with another version as its tag, or with no tag."""
    iam = iam_of(cloud, code)
    iam.untag_role(**ROLE, TagKeys=[TAG_KEY])
    if version is not None:
        iam.tag_role(**ROLE, Tags=[{"Key": TAG_KEY, "Value": version}])
    try:
        yield
    finally:
        iam.tag_role(**ROLE, Tags=[{"Key": TAG_KEY, "Value": str(ROLE_VERSION)}])


@contextlib.contextmanager
def without(cloud: Cloud, code: str, permission: str) -> Iterator[None]:
    """The customer's role without a permission, as a template without it makes one."""
    iam = iam_of(cloud, code)
    before = iam.get_role_policy(**POLICY)["PolicyDocument"]
    left = [
        {**one, "Action": [name for name in one["Action"] if name != permission]}
        for one in before["Statement"]
        if one["Action"] != [permission]
    ]
    iam.put_role_policy(**POLICY, PolicyDocument=json.dumps({**before, "Statement": left}))
    try:
        yield
    finally:
        iam.put_role_policy(**POLICY, PolicyDocument=json.dumps(before))


@pytest.fixture
def roles(cloud: Cloud) -> Iterator[Cloud]:
    """Four customers: one with a role of this version, one of version 1, one of it as it was, one without its tag."""
    cloud.put_config(fleet())
    with (
        tagged(cloud, OLDER, "1"),
        tagged(cloud, OLDEST, None),
        without(cloud, OLDEST, "iam:ListRoleTags"),
        tagged(cloud, TAKEN_OVER, None),
    ):
        yield cloud


def test_roles_of_older_templates_are_found_over_the_fleet(roles: Cloud) -> None:
    """In the JSON by number, by what they are too old for and as a check; nobody fails for it."""
    summary = roles.run(action="validate-access-all", include=[CURRENT, OLDER, OLDEST, TAKEN_OVER])
    assert summary["exit_code"] == 0
    found = {one["customer_code"]: one["data"] for one in summary["results"]}
    versions = {code: (data["role_version"], data["role_too_old_for"]) for code, data in found.items()}
    behind = needing_more_than(1)
    assert versions == {
        CURRENT: (ROLE_VERSION, []),
        OLDER: (1, behind),
        OLDEST: (None, behind),
        TAKEN_OVER: (None, behind),
    }
    checks = {
        code: next(one for one in data["checks"] if one["name"] == "role_version") for code, data in found.items()
    }
    assert {code: one["status"] for code, one in checks.items()} == {
        CURRENT: "ok",
        **dict.fromkeys([OLDER, OLDEST, TAKEN_OVER], "finding"),
    }
    assert "cannot be read (AccessDenied): it is of template version 1" in checks[OLDEST]["message"]
    assert f"the role has no tag {TAG_KEY}" in checks[TAKEN_OVER]["message"]
    warnings = {one["customer_code"]: one["warnings"] for one in summary["results"]}
    assert f"role_version: {checks[OLDER]['message']}" in warnings[OLDER]


def test_the_command_shows_who_is_behind(roles: Cloud) -> None:
    """A column with a mark for each customer, and below it what to do."""
    chosen = ["--include", CURRENT, "--include", OLDER]
    shown = ses_fleet(roles, "invoke", "validate-access-all", *chosen, COLUMNS="200").stdout
    assert "role_version" in shown
    (line,) = [one for one in shown.splitlines() if f"{OLDER}: role_version:" in one and "Customer" not in one]
    assert f"of template version 1, and this ses-fleet's is {ROLE_VERSION}" in line
    assert f"needed for: {', '.join(needing_more_than(1))}" in line


def newer_code() -> bytes:
    """The functions' package, in which version 9 of the template is the first that allows ses:ListContactLists."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(original_code())) as old, zipfile.ZipFile(buffer, "w") as archive:
        for name in old.namelist():
            before = old.read(name)
            after = before.replace(b"_ADDED_IN = {", b'_ADDED_IN = {"ses:ListContactLists": 9, ')
            assert (after != before) == name.endswith("/actions/role_version.py")
            archive.writestr(name, after)
    return buffer.getvalue()


def test_an_action_for_which_a_role_is_too_old_fails_with_what_to_do(roles: Cloud) -> None:
    """It names the permission, the version that brings it and who updates what; a role that has it is not concerned."""
    try:
        roles.update_code(WORKER, newer_code())
        with without(roles, OLDER, "ses:ListContactLists"):
            summary = roles.run(include=[CURRENT, OLDER])
    finally:
        roles.update_code(WORKER, original_code())
    current, older = summary["results"]
    assert (current["status"], older["status"]) == ("successful", "failed")
    role = f"arn:aws:iam::{300000000000 + int(OLDER[1:])}:role/contact-manager"
    assert (older["error"]["category"], older["error"]["type"]) == ("operation", "AccessDeniedException")
    assert older["error"]["message"].endswith(
        f"Check that {role} allows ses:ListContactLists: one of a template older than version 9 does not; "
        "then the customer updates the role's stack (docs/operating.md, Update customers' roles)"
    )
