"""Which Identity Centers a run reads, and what their failures mean for whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ses_fleet.config import config_json
from ses_fleet.errors import RequestError
from ses_fleet.orchestrator import identity_sources, plan
from ses_fleet.orchestrator.config_files import ConfigFiles
from ses_fleet.orchestrator.customer_run import CustomerRun
from ses_fleet.orchestrator.plan import Plan
from ses_fleet.orchestrator.wanted_topics import WantedTopics
from ses_fleet.runs.models import CustomerResult, RunRequest
from ses_fleet.runs.results import CANCELLED_BEFORE
from ses_fleet.runs.work import ErrorInfo
from tests.unit.runs.test_request import refused

IC = "arn:aws:iam::999988887777:role/ic"


def planned(customers: dict[str, dict[str, Any]], **payload: Any) -> Plan:
    """import-aws-contact-all over these customers, each with an account of its own and the role IC."""
    mappings = {
        code: {
            "region": "us-east-1",
            "ses_role_arn": f"arn:aws:iam::{10**11 + number}:role/r",
            "identity_center_role_arn": IC,
            **fields,
        }
        for number, (code, fields) in enumerate(customers.items())
    }
    config = config_json.read({"customer_mappings": mappings}, region="us-east-1", partition="aws")
    wanted = RunRequest(action="import-aws-contact-all", **payload)
    return plan.make(wanted, ConfigFiles(config, WantedTopics()), plan.select(wanted, config))


def groups(made: Plan) -> list[list[str]]:
    """The codes that share an Identity Center."""
    return [
        [one.code for one in source.customers]
        for source in identity_sources.sources(one for one in made.customers if one.checked)
    ]


def statuses(made: Plan) -> dict[str, str]:
    """Who has a result without a worker."""
    return {one.code: one.result.status for one in made.customers if one.result}


def test_customers_with_the_same_way_in_share_one_reading() -> None:
    """Role, Region, store and ExternalId make the difference; whose SES it is does not."""
    made = planned(
        {
            "a": {},
            "b": {"region": "eu-west-1", "identity_center_region": "us-east-1"},
            "c": {"identity_center_region": "eu-west-1"},
            "d": {"identity_store_id": "d-0123456789"},
            "e": {"identity_center_role_arn": "arn:aws:iam::999988887777:role/other"},
            "f": {},
        }
    )
    assert groups(made) == [["a", "b", "f"], ["c"], ["d"], ["e"]]


@pytest.mark.parametrize(
    ("fields", "region"),
    [
        ({"identity_center_region": "eu-north-1", "region": "us-west-2"}, "eu-north-1"),
        ({"region": "us-west-2"}, "us-west-2"),
        ({}, "eu-central-1"),
    ],
)
def test_the_region_of_identity_center_follows_the_customers(fields: dict[str, str], region: str) -> None:
    """Its own setting, else the customer's Region, else aws_region: people of a customer in Europe are in Europe."""
    customer = {"ses_role_arn": IC, "identity_center_role_arn": IC, **fields}
    config = {"aws_region": "eu-central-1", "customer_mappings": {"a": customer}}
    entry = config_json.read(config, region="us-east-1", partition="aws").entries["a"]
    assert entry.identity_center is not None
    assert entry.identity_center.region == region


def test_a_customer_without_the_role_is_skipped() -> None:
    """With the reason; the other is run."""
    made = planned({"a": {"identity_center_role_arn": None}, "b": {}})
    assert statuses(made) == {"a": "skipped"}
    assert "a is skipped: no identity_center_role_arn in config.json" in made.warnings


def test_a_wrong_role_fails_its_customer_only() -> None:
    """Configuration, without a worker call."""
    made = planned({"a": {"identity_center_role_arn": "arn:aws:iam::1:role/x"}, "b": {}})
    assert statuses(made) == {"a": "failed"}
    assert made.customers[0].result is not None
    assert made.customers[0].result.error is not None
    assert made.customers[0].result.error.category == "configuration"


def test_two_external_ids_for_one_role_fail_all_who_have_it() -> None:
    """One of them must be wrong, and nobody can tell which."""
    made = planned(
        {
            "a": {"identity_center_external_id": "one-1"},
            "b": {"identity_center_external_id": "two-2"},
            "c": {},
            "d": {"identity_center_role_arn": "arn:aws:iam::999988887777:role/other"},
        }
    )
    assert statuses(made) == {"a": "failed", "b": "failed", "c": "failed"}
    first = made.customers[0].result
    assert first is not None
    assert first.error is not None
    assert "a, b, c have different ones for the same identity_center_role_arn" in first.error.message


def test_a_wrong_bucket_name_fails_its_customer() -> None:
    """Before anything is written anywhere."""
    made = planned({"a": {"import_bucket": "Not A Bucket"}, "b": {"import_bucket": "acme-import"}})
    assert statuses(made) == {"a": "failed"}
    assert made.customers[1].checked is not None
    assert made.customers[1].checked.import_bucket == "acme-import"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ErrorInfo(category="authentication", type="AccessDenied", message="could not assume ic"), "failed"),
        (None, "not_started"),
    ],
)
def test_what_was_not_read_is_each_customers_own_result(error: ErrorInfo | None, status: Any) -> None:
    """The same error under the customer's own name; not started if the reading was not."""
    (customer,) = planned({"a": {}}).customers
    source = CustomerResult(
        customer_code="x", customer_name="x", account_id=None, region=None, status=status, error=error, warnings=("w",)
    )
    made = identity_sources.without_people(customer, source)
    assert (made.customer_code, made.status, made.error, made.attempts) == ("a", status, error, 0)
    assert made.warnings == ("w",)


def test_a_garbled_answer_is_no_people() -> None:
    """It fails the customers: nobody imports what nobody understood."""
    (customer,) = planned({"a": {}}).customers
    garbled = CustomerResult(
        customer_code="x", customer_name="x", account_id=None, region=None, status="successful", data={"users": "many"}
    )
    assert identity_sources.read(garbled) is None
    made = identity_sources.without_people(customer, garbled)
    assert made.status == "failed"
    assert made.error is not None
    assert made.error.type == "GarbledAnswer"


def test_a_reading_that_was_cancelled_starts_nobody() -> None:
    """Between two slices or before the first one: nothing was started for the customers, so none of them failed."""
    (customer,) = planned({"a": {}}).customers
    source = CustomerRun(customer, slices=1, ran=True, continuation={"at": 1})
    for run in (source, replace(source, slices=0, ran=False)):
        made = identity_sources.without_people(customer, run.cancelled())
        assert (made.status, made.error, made.warnings) == ("not_started", None, (CANCELLED_BEFORE,))


def test_prune_needs_everybody() -> None:
    """Of one person nobody can tell who has left."""
    payload = {"action": "import-aws-contact", "customer_code": "a", "prune": True, "params": {"username": "ana"}}
    assert refused(payload) == [
        "$.prune: cannot be combined with params.username: an import of one person cannot tell who has left"
    ]


def test_the_first_phase_cannot_be_asked_for() -> None:
    """Only a run of an import starts it."""
    (problem,) = refused({"action": "read-identity-center", "customer_code": "a"})
    assert problem.startswith("$.action: unknown action")


def test_prune_of_all_must_be_confirmed() -> None:
    """By the number of customers."""
    with pytest.raises(RequestError):
        planned({"a": {}, "b": {}}, prune=True, confirm_customers=1)
    assert groups(planned({"a": {}, "b": {}}, prune=True, confirm_customers=2)) == [["a", "b"]]
