"""docs/for-customers.md says what the role may do, as the template and the actions have it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from infra import customer_role
from ses_fleet.actions.catalogue import ACTIONS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "for-customers.md").read_text(encoding="utf-8")
DECLARED = {name for one in ACTIONS.values() for name in (*one.permissions, *one.identity_center_permissions)}


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """The script that writes the tables."""
    return runpy.run_path(str(ROOT / "docs" / "write_customer_page.py"))


def test_every_permission_has_its_reason_and_no_other_one(script: dict[str, Any]) -> None:
    """A new permission of an action: say in `WHY` of docs/write_customer_page.py what the role needs it for."""
    assert set(script["WHY"]) == DECLARED


def test_the_tables_are_those_of_the_code(script: dict[str, Any]) -> None:
    """`make reference` writes them anew; each is there once, with something in it."""
    assert script["written"](PAGE) == PAGE
    for name, made in script["blocks"]().items():
        assert PAGE.count(f"<!-- {name} -->\n\n{made}\n\n<!-- /{name} -->") == 1, name
        assert made.count("\n") > 2, name


def test_the_page_names_every_permission_of_the_templates_once() -> None:
    """Whoever reads the page has read the role."""
    roles = [one["Resources"]["Role"]["Properties"]["Policies"] for one in customer_role.templates().values()]
    policies = [one["Fn::If"][1] if "Fn::If" in one else one for role in roles for one in role]
    allowed = [
        name
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        for name in statement["Action"]
    ]
    named = re.findall(r"^\| `([a-z0-9]+:\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(named) == sorted(allowed)


def test_the_page_explains_every_parameter_of_the_role() -> None:
    """Whoever deploys it decides by them who may use it, for what, and under which name."""
    template = customer_role.templates()["customer-role.template.json"]
    assert [name for name in template["Parameters"] if f"`{name}" not in PAGE] == []


def test_what_the_page_rules_out_is_not_allowed() -> None:
    """Sending, and whatever of IAM but the role's own tags."""
    assert not [name for name in DECLARED if name.startswith("ses:Send")]
    assert {name for name in DECLARED if name.startswith(("iam:", "sts:"))} == {"iam:ListRoleTags"}
    assert {name for name in DECLARED if name.startswith("s3:")} == {"s3:PutObject", "s3:DeleteObject"}


@pytest.mark.parametrize("page", ["README.md", "docs/operating.md"])
def test_the_page_is_found(page: str) -> None:
    """From where people begin."""
    assert "for-customers.md)" in (ROOT / page).read_text(encoding="utf-8")
