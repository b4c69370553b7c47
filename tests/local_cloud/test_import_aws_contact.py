"""import-aws-contact-all in the local cloud: real functions, real roles, Identity Center read once a run."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_cloud.conftest import CONFIG_BUCKET, ORCHESTRATOR, WORKER, Cloud, fleet, running, ses_fleet

IC = "400000000001"
SHARED, OTHER = f"arn:aws:iam::{IC}:role/importer", "arn:aws:iam::400000000002:role/importer"
SES_CONFIG = {
    "topics": [
        {
            "TopicName": "calendar",
            "DisplayName": "Calendar",
            "Description": "Changes",
            "DefaultSubscriptionStatus": "OPT_OUT",
            "OptInRoles": ["DBA"],
        }
    ]
}
PEOPLE = 40
DIRECTORY = {
    "region": "us-east-1",
    "users": [
        *({"username": f"user{number}", "email": f"User{number}@corp.example"} for number in range(PEOPLE)),
        {"username": "nobody"},
    ],
    "groups": [{"name": "ccoe-cloud-acme-111122223333-x-idp-portal-dba", "members": ["user0"]}],
}
COUNTS = ("created", "updated", "removed", "unchanged", "failed")


def config() -> dict[str, Any]:
    """f01, f02, f05 to f07 share an Identity Center, f03 has one that cannot be assumed, f04 has none."""
    made = fleet(7)
    customers = made["customer_mappings"]
    for code in ("f01", "f02", "f05", "f06", "f07"):
        customers[code]["identity_center_role_arn"] = SHARED
    customers["f01"]["import_bucket"] = "f01-import"
    customers["f03"]["identity_center_role_arn"] = OTHER
    return made


@pytest.fixture(scope="module")
def importing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Seven customers with a list of one topic; forty people, the first with a role, one without e-mail."""
    path = tmp_path_factory.mktemp("import")
    (path / "config.json").write_text(json.dumps(config()))
    untrusting = {"roles": {"importer": {"trust": [f"arn:aws:iam::{IC}:root"]}}}
    scenario = {"accounts": {OTHER.split(":")[4]: untrusting, IC: {"identity_centers": [DIRECTORY]}}}
    (path / "scenario.json").write_text(json.dumps(scenario))
    arguments = ("--config", str(path / "config.json"), "--scenario", str(path / "scenario.json"))
    with running("--port", "0", *arguments, "--ses-rate", "0") as (_, cloud):
        cloud.s3.put_object(Bucket=CONFIG_BUCKET, Key="SESConfig.json", Body=json.dumps(SES_CONFIG).encode())
        made = cloud.run(action="manage-topic-all")
        assert made["exit_code"] == 0
        yield cloud


def by_code(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Results by customer."""
    return {result["customer_code"]: result for result in summary["results"]}


def contacts(cloud: Cloud, number: int) -> dict[str, dict[str, str]]:
    """Addresses and explicit preferences of a customer's list."""
    return {one.email: one.preferences for one in cloud.contacts_now(str(300000000000 + number))}


def test_an_import_from_end_to_end(importing: Cloud) -> None:
    """A dry run, the run, and a second one that writes nothing; Identity Center is read once for both customers."""
    four = {"action": "import-aws-contact-all", "include": ["f01", "f02", "f03", "f04"]}
    shown = by_code(importing.run(**four, dry_run=True, run_id="import-dry"))
    assert contacts(importing, 1) == {}
    mark = importing.mark()
    done = importing.run(**four, run_id="import-1")
    results = by_code(done)
    assert {code: result["status"] for code, result in results.items()} == {
        "f01": "successful",
        "f02": "successful",
        "f03": "failed",
        "f04": "skipped",
    }
    assert "f04 is skipped: no identity_center_role_arn in config.json" in done["warnings"]
    assert results["f03"]["error"]["category"] == "authentication"
    assert OTHER in results["f03"]["error"]["message"]
    for code in ("f01", "f02"):
        assert [results[code]["data"][name] for name in COUNTS] == [PEOPLE, 0, 0, 0, 0]
        assert [shown[code]["data"][name] for name in COUNTS] == [PEOPLE, 0, 0, 0, 0]
        assert results[code]["data"]["skipped"] == {"no_email": 1}
        assert results[code]["data_location"].endswith(f"data/import-1/{code}/")
    calls = [entry["operation"] for entry in importing.journal(mark)]
    assert calls.count("ListUsers") == 1
    assert calls.count("CreateImportJob") == 1, "f01 has a bucket for it"
    assert calls.count("CreateContact") == PEOPLE, "f02 has none"
    for number in (1, 2):
        found = contacts(importing, number)
        assert len(found) == PEOPLE
        assert found["User0@corp.example"] == {"calendar": "OPT_IN"}
        assert found["User1@corp.example"] == {}
    importing.caught_up()
    mark = importing.mark()
    again = by_code(importing.run(action="import-aws-contact-all", run_id="import-2", include=["f01", "f02"]))
    assert [again["f01"]["data"][name] for name in COUNTS] == [0, 0, 0, PEOPLE, 0]
    writing = {entry["operation"] for entry in importing.journal(mark) if entry["writes"]}
    assert writing <= {"Invoke", "PutObject", "DeleteObject"}


def test_identity_center_failing_halfway_writes_nothing(importing: Cloud) -> None:
    """Every customer that shares it fails, with its reason and without a call to SES."""
    mark = importing.mark()
    with importing.faults({"operation": "ListGroups", "fault": "deny", "times": None}):
        done = importing.run(action="import-aws-contact-all", include=["f01", "f02"], prune=True, confirm_customers=2)
    assert {code: result["error"]["category"] for code, result in by_code(done).items()} == {
        "f01": "operation",
        "f02": "operation",
    }
    assert not [entry for entry in importing.journal(mark) if entry["service"] == "sesv2"]
    assert done["resume"]["include"] == ["f01", "f02"]


ONE = {"action": "import-aws-contact", "customer_code": "f07"}


def everything_below_runs(importing: Cloud, run_id: str) -> str:
    """The record of a run, and all log lines of both functions."""
    bodies = [importing.stored(key) for key in importing.keys(f"runs/{run_id}/")]
    texts = [(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode() for body in bodies]
    return "\n".join([*texts, *importing.log_messages(), *importing.log_messages(WORKER)])


def wait_for_summary(importing: Cloud, run_id: str) -> None:
    """Until the run is over."""
    end = time.monotonic() + 60
    while f"runs/{run_id}/summary.json" not in importing.keys(f"runs/{run_id}/"):
        assert time.monotonic() < end, "the run did not end"
        time.sleep(0.1)


def test_a_persons_name_lies_below_data_only(importing: Cloud) -> None:
    """The worker finds it there; the record and the logs have a mask and the place."""
    before = set(contacts(importing, 7))
    asked = {**ONE, "run_id": "person-1", "on_deadline": "continue"}  # as the command does
    done = importing.run(**asked, params={"username": "user17"})
    assert [done["results"][0]["data"][name] for name in COUNTS] == [1, 0, 0, 0, 0]
    assert set(contacts(importing, 7)) - before == {"User17@corp.example"}
    assert "user17" not in everything_below_runs(importing, "person-1").lower()
    plan = json.loads(importing.stored("runs/person-1/plan.json"))
    assert json.loads(importing.stored(plan["personal_params"])) == {"params": {"username": "user17"}}
    mark = importing.mark()
    assert importing.run(**asked, params={"username": "user17"}) == done
    other = importing.invoke({**asked, "params": {"username": "user18"}})
    everybody = importing.invoke(asked)
    assert [refused.function_error for refused in (other, everybody)] == ["Unhandled", "Unhandled"]
    command = ["invoke", "import-aws-contact", "--customer-code", "f07", "--run-id", "person-1"]
    assert ses_fleet(importing, *command, "--param", "username=user18").returncode == 2
    assert ses_fleet(importing, *command, "--param", "username=user17").returncode == 0
    assert not [entry for entry in importing.journal(mark) if entry["service"] == "sesv2"]


@pytest.mark.matrix
def test_a_persons_import_goes_on_in_another_invocation(importing: Cloud) -> None:
    """The hop reads no more than the place: still one person, and not everybody."""
    request = {**ONE, "params": {"username": "user18"}, "run_id": "person-hop", "on_deadline": "continue"}
    slow = [{"operation": name, "fault": "delay", "seconds": 1.0, "times": 1} for name in ("ListUsers", "ListGroups")]
    margins = {"START_MARGIN_SECONDS": "1.5", "RETURN_MARGIN_SECONDS": "0.7", "SLICE_BUDGET_SECONDS": "0.8"}
    with importing.variables(ORCHESTRATOR, timeout=3, **margins), importing.faults(*slow):
        answer = importing.run(**request)
        wait_for_summary(importing, "person-hop")
    summary = json.loads(importing.stored("runs/person-hop/summary.json"))
    assert (answer["exit_code"], summary["exit_code"]) == (None, 0)
    assert [summary["results"][0]["data"][name] for name in COUNTS] == [1, 0, 0, 0, 0]
    assert "user18" not in everything_below_runs(importing, "person-hop").lower()


def test_a_resume_never_widens_to_everybody(importing: Cloud) -> None:
    """As it is, it is refused; with the name given again it does what failed."""
    with importing.faults({"operation": "ListUsers", "fault": "deny", "times": None}):
        broken = importing.run(**ONE, params={"username": "user19"}, run_id="person-broken")
    assert (broken["exit_code"], broken["resume_needs"]) == (1, ["params.username"])
    before = contacts(importing, 7)
    refused = importing.invoke(broken["resume"])
    assert "params.username: is personal" in refused.body["errorMessage"]
    assert contacts(importing, 7) == before
    broken["resume"]["params"]["username"] = "user19"
    assert importing.run(**broken["resume"])["exit_code"] == 0
    assert set(contacts(importing, 7)) == {*before, "User19@corp.example"}


def test_the_block_reads_as_the_first_users(importing: Cloud) -> None:
    """The lines of the tool that people know, in their order, through the command."""
    ended = ses_fleet(importing, "invoke", "import-aws-contact", "--customer-code", "f05", "--yes")
    lines = [line.strip() for line in ended.stdout.splitlines()]
    expected = [
        "🔄 Customer f05: Starting processing",
        f"🔐 Customer f05: Using Identity Center role from config: {SHARED}",
        "📊 Customer f05: Retrieving Identity Center data via role assumption",
        f"✅ Customer f05: Retrieved {PEOPLE + 1} users and 1 group memberships",
        "🔐 Customer f05: Assuming SES role: arn:aws:iam::300000000005:role/contact-manager",
        "✅ Customer f05: Successfully imported contacts",
    ]
    assert ended.returncode == 0, ended.stderr
    assert [line for line in lines if line in expected] == expected
    assert "Contacts imported" in ended.stdout


def test_reading_that_outlives_the_orchestrator_goes_on_in_another_invocation(importing: Cloud) -> None:
    """Where it was: no page is read twice, and the customers' imports follow in the same run."""
    slow = [
        {"operation": name, "fault": "delay", "seconds": 1.0, "times": None}
        for name in ("ListUsers", "ListGroups", "ListGroupMemberships")
    ]
    margins = {"START_MARGIN_SECONDS": "1.5", "RETURN_MARGIN_SECONDS": "0.7", "SLICE_BUDGET_SECONDS": "0.8"}
    mark = importing.mark()
    with importing.variables(ORCHESTRATOR, timeout=3, **margins), importing.faults(*slow):
        selected = {"include": ["f05", "f06"], "on_deadline": "continue", "run_id": "import-hops"}
        first = importing.run(action="import-aws-contact-all", **selected)
        assert first["exit_code"] is None, first
        wait_for_summary(importing, "import-hops")
    done = json.loads(importing.stored("runs/import-hops/summary.json"))
    assert (done["exit_code"], done["successful_count"]) == (0, 2), done
    calls = [entry["operation"] for entry in importing.journal(mark)]
    assert [calls.count(name) for name in ("ListUsers", "ListGroups", "ListGroupMemberships")] == [1, 1, 1]
