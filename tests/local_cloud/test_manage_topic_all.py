"""manage-topic-all through the whole chain: topics made equal everywhere, in place, losing nobody."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_cloud import people
from tests.local_cloud.conftest import CONFIG_BUCKET, RESULTS_BUCKET, ROOT, SES_FLEET, Cloud, fleet, running, ses_fleet

SES_CONFIG = {
    "topics": [
        {"TopicName": "news", "DisplayName": "News!", "Description": "All news", "DefaultSubscriptionStatus": "OPT_IN"},
        {"TopicName": "offers", "DisplayName": "Offers", "DefaultSubscriptionStatus": "OPT_OUT"},
    ]
}
PEOPLE = people.make(1_200, 5)  # more than a page
ALL = {"action": "manage-topic-all"}


@pytest.fixture(scope="module")
def managed() -> Iterator[Cloud]:
    """A cloud of its own on examples/."""
    with running("--port", "0", "--ses-rate", "0") as (_, cloud):
        yield cloud


@pytest.fixture
def fresh(managed: Cloud) -> Iterator[Cloud]:
    """The examples' customers: acme's list has 1,200 contacts and two topics, globex' has none, acmenonprod no list."""
    for account, region in (
        ("444455556666", "us-east-1"),
        ("777788889999", "eu-west-1"),
        ("111122223333", "us-east-1"),
    ):
        managed.without_list(account, region)
    managed.client("sesv2", account="777788889999", region="eu-west-1").create_contact_list(ContactListName="globex")
    people.put(managed, "444455556666", PEOPLE)
    put_ses_config(managed, SES_CONFIG)
    managed.leases_over()
    managed.caught_up()
    # More than a thousand contacts are written one by one here: at AWS's pace that takes minutes.
    with managed.conditions(latency_seconds={"sesv2": 0}):
        yield managed
    put_ses_config(managed, json.loads((ROOT / "examples" / "SESConfig.json").read_text()))


def put_ses_config(cloud: Cloud, document: Any) -> None:
    """Replace SESConfig.json."""
    cloud.s3.put_object(Bucket=CONFIG_BUCKET, Key="SESConfig.json", Body=json.dumps(document).encode())


def writes(cloud: Cloud, mark: Any) -> list[str]:
    """The writing SES calls since."""
    return [e["operation"] for e in cloud.journal(mark) if e["service"] == "sesv2" and e["writes"]]


def contacts(cloud: Cloud) -> dict[str, Any]:
    """acme's contacts without times and derived defaults, one by one."""
    return {one.email: (one.preferences, one.unsubscribed) for one in cloud.contacts_now("444455556666")}


def data(summary: dict[str, Any]) -> dict[str, Any]:
    """By customer."""
    return {result["customer_code"]: result["data"] for result in summary["results"]}


REACHABLE = ["acmenonprod", "acme", "globex"]


@pytest.mark.parametrize("concurrency", [0, 1])
def test_the_first_run_changes_and_the_second_writes_nothing(concurrency: int, fresh: Cloud) -> None:
    """In any order: made, added to, updated; a dry run before shows exactly that and writes nothing."""
    mark = fresh.mark()
    dry = fresh.run(**ALL, include=REACHABLE, dry_run=True)
    assert writes(fresh, mark) == []
    before = contacts(fresh)
    summary = fresh.run(**ALL, include=REACHABLE, max_customer_concurrency=concurrency)
    assert summary["exit_code"] == 0
    assert data(dry) == data(summary)
    assert sorted(writes(fresh, mark)) == ["CreateContactList", "UpdateContactList", "UpdateContactList"]
    assert data(summary)["acmenonprod"]["list_created"] is True
    assert data(summary)["acme"] == {
        "list_created": False,
        "added": ["offers"],
        "updated": [{"topic": "news", "field": "display_name", "from": "News", "to": "News!"}],
        "removed": [],
        "unchanged": [],
        "unmanaged": ["alerts"],
    }
    assert contacts(fresh) == before
    fresh.caught_up()
    mark = fresh.mark()
    again = fresh.run(**ALL, include=list(reversed(REACHABLE)), max_customer_concurrency=concurrency)
    assert writes(fresh, mark) == []
    assert {result["api_calls"] for result in again["results"]} == {2}


def test_a_prune_is_confirmed_saved_and_can_be_undone(fresh: Cloud) -> None:
    """Everything of the topics that stay is as before; the command that the block names brings the others back."""
    before = contacts(fresh)
    refused = fresh.invoke({**ALL, "include": REACHABLE, "prune": True})
    assert "$.confirm_customers: missing, but 3 customers are selected" in refused.body["errorMessage"]
    summary = fresh.run(**ALL, include=REACHABLE, prune=True, confirm_customers=3, run_id="prune-1")
    assert data(summary)["acme"]["removed"] == ["alerts"]
    result = next(one for one in summary["results"] if one["customer_code"] == "acme")
    assert result["data_location"] == f"s3://{RESULTS_BUCKET}/backups/acme/prune-1/"
    now = contacts(fresh)
    assert now == {
        email: ({topic: status for topic, status in chosen.items() if topic != "alerts"}, gone)
        for email, (chosen, gone) in before.items()
    }
    manifest = json.loads(fresh.stored("backups/acme/prune-1/backup.json"))
    assert manifest["contacts"] == sum("alerts" in chosen for chosen, _ in before.values())
    listed = json.loads(ses_fleet(fresh, "backups", "list", "acme", "--output", "json").stdout)
    (saved,) = [one for one in listed if one["run_id"] == "prune-1"]
    assert (saved["action"], saved["contacts"], saved["topics"]) == ("manage-topic", manifest["contacts"], 1)
    command, stored = saved["restore"], json.loads(fresh.stored("runs/prune-1/results/acme.json"))
    assert f"   {command}" in stored["logs"]
    ended = ses_fleet(fresh, *command.split()[1:], "--output", "json")
    restored = json.loads(ended.stdout)
    assert restored["exit_code"] == 0, restored["results"][0]["error"]
    assert contacts(fresh) == before
    assert restored["results"][0]["data"]["topics_added"] == ["alerts"]


def test_a_backup_of_everybody_is_brought_back_into_an_empty_account(fresh: Cloud) -> None:
    """backup-list-all, then restore-list of one; a dry run of it first."""
    before = contacts(fresh)
    saved = fresh.run(action="backup-list-all", include=REACHABLE, run_id="backup-1")
    assert saved["exit_code"] == 0
    assert data(saved)["acme"]["total"] == 1_200
    assert len({result["data_location"] for result in saved["results"]} - {None}) == 2
    fresh.client("sesv2", account="444455556666").delete_contact_list(ContactListName="main")
    fresh.caught_up()
    restore = {"action": "restore-list", "customer_code": "acme", "params": {"backup": "backup-1"}}
    mark = fresh.mark()
    dry = fresh.run(**restore, dry_run=True)
    assert dry["results"][0]["data"]["contacts"]["created"] == 1_200
    assert writes(fresh, mark) == []
    summary = fresh.run(**restore)
    assert summary["results"][0]["data"] == dry["results"][0]["data"]
    assert contacts(fresh) == before


@pytest.mark.parametrize(
    ("fault", "category", "unknown"),
    [
        ("kill_before", "internal", True),
        ("kill_after", "internal", True),
        ("drop_after", "operation", True),
        ("error_500", "operation", True),
        ("deny", "operation", False),
    ],
)
def test_a_broken_write_is_told_honestly_and_the_next_run_completes(
    fault: str, category: str, unknown: bool, fresh: Cloud
) -> None:
    """Whether it took effect or not."""
    before = contacts(fresh)
    with fresh.faults({"operation": "UpdateContactList", "fault": fault, "account": "444455556666", "times": 1}):
        broken = fresh.run(**ALL, include=REACHABLE)
    status = {result["customer_code"]: result["status"] for result in broken["results"]}
    assert status == {"acmenonprod": "successful", "acme": "failed", "globex": "successful"}
    error = next(result["error"] for result in broken["results"] if result["error"])
    assert (error["category"], error["outcome_unknown"]) == (category, unknown)
    fresh.leases_over()
    summary = fresh.run(**broken["resume"])
    assert summary["exit_code"] == 0
    assert contacts(fresh) == before
    fresh.caught_up()
    mark = fresh.mark()
    fresh.run(**ALL, include=REACHABLE)
    assert writes(fresh, mark) == []


def planned(cloud: Cloud, *flags: str) -> str:
    """The id of a dry run of everybody, made by the command."""
    included = [word for code in REACHABLE for word in ("--include", code)]
    ended = ses_fleet(cloud, "invoke", "manage-topic-all", "--dry-run", *included, "--output", "json", *flags)
    summary = json.loads(ended.stdout)
    assert (ended.returncode, summary["differs"]) == (0, True)
    return str(summary["run_id"])


def test_a_plan_is_applied_once_from_two_terminals_to_lists_that_stayed_as_they_were(fresh: Cloud) -> None:
    """Whatever SESConfig.json says by then: both commands show the same run, and a third is refused. Who changed a list
    by hand meanwhile finds it untouched."""
    run_id, before = planned(fresh), contacts(fresh)
    put_ses_config(fresh, {"topics": [{**SES_CONFIG["topics"][0], "TopicName": "mistake"}]})
    sesv2 = fresh.client("sesv2", account="777788889999", region="eu-west-1")
    by_hand = {"TopicName": "theirs", "DisplayName": "Theirs", "DefaultSubscriptionStatus": "OPT_OUT"}
    sesv2.update_contact_list(ContactListName="globex", Topics=[by_hand])
    fresh.caught_up()
    mark = fresh.mark()
    command = [SES_FLEET, "apply", run_id, "--yes", "--output", "json"]
    both = [
        subprocess.Popen(command, env=fresh.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ended = [(*one.communicate(timeout=60), one.returncode) for one in both]
    assert sorted(writes(fresh, mark)) == ["CreateContactList", "UpdateContactList"]
    (said, _, code), *others = [one for one in ended if one[0]]
    assert (json.loads(said)["run_id"], json.loads(said)["plan"], code) == (f"{run_id}-apply", run_id, 1)
    # The second found the first one's run, or, if it came late, that it was over.
    for other in others:
        assert (other[0], other[2]) == (said, 1)
    for _, errors, refused in (one for one in ended if not one[0]):
        assert (refused, "was applied already" in errors) == (2, True)
    status = {one["customer_code"]: one["status"] for one in json.loads(said)["results"]}
    assert status == {"acmenonprod": "successful", "acme": "successful", "globex": "failed"}
    error = next(one["error"] for one in json.loads(said)["results"] if one["error"])
    assert (error["type"], "theirs: new" in error["message"]) == ("PlanStale", True)
    assert contacts(fresh) == before
    mark = fresh.mark()
    third = ses_fleet(fresh, "apply", run_id, "--yes")
    assert (third.returncode, third.stdout) == (2, "")
    assert f"was applied already, by run {run_id}-apply" in third.stderr
    invoked = fresh.invoke({**ALL, "plan": run_id})
    assert "was applied already" in invoked.body["errorMessage"]
    assert writes(fresh, mark) == []


def test_an_apply_whose_worker_is_killed_after_its_write_is_resumed_and_writes_nothing_again(fresh: Cloud) -> None:
    """The list is as the plan has it: that is what it expects. What was pruned was saved before."""
    run_id = planned(fresh, "--prune", "--confirm-customers", "3")
    mark = fresh.mark()
    with fresh.faults({"operation": "UpdateContactList", "fault": "kill_after", "account": "444455556666", "times": 1}):
        ended = ses_fleet(fresh, "apply", run_id, "--yes")
    assert ended.returncode == 1
    assert f"Run the rest: ses-fleet runs resume {run_id}-apply" in ended.stdout
    fresh.leases_over()
    fresh.caught_up()
    resumed = ses_fleet(fresh, "runs", "resume", f"{run_id}-apply", "--yes", "--output", "json")
    summary = json.loads(resumed.stdout)
    assert (resumed.returncode, summary["run_id"], summary["plan"]) == (0, f"{run_id}-apply-2", run_id)
    assert sorted(writes(fresh, mark)) == ["CreateContactList", "UpdateContactList", "UpdateContactList"]
    assert json.loads(fresh.stored(f"backups/acme/{run_id}-apply/backup.json"))["topics"]
    shown = ses_fleet(fresh, "runs", "show", run_id, "--changes")
    assert "- alerts: removed, with everybody's choice of it, which is saved before" in shown.stdout
    assert f"Applied by run {run_id}-apply" in shown.stdout


def test_concurrent_modification_is_planned_anew(fresh: Cloud) -> None:
    """Read again, written again, once."""
    mark = fresh.mark()
    fault = {
        "operation": "UpdateContactList",
        "fault": "concurrent_modification",
        "account": "444455556666",
        "times": 2,
    }
    with fresh.faults(fault):
        summary = fresh.run(**ALL, include=["acme"])
    assert summary["exit_code"] == 0
    assert writes(fresh, mark) == ["UpdateContactList"] * 3


def test_a_failed_first_stage_stops_the_roll_out(fresh: Cloud) -> None:
    """And a successful one lets it go on."""
    mark = fresh.mark()
    with fresh.faults({"operation": "GetContactList", "fault": "deny", "account": "444455556666", "times": 1}):
        summary = fresh.run(**ALL, include=["acme", "globex"], ramp=[1, "100%"])
    assert [result["status"] for result in summary["results"]] == ["failed", "not_started"]
    assert "stage 1 of 2 of the ramp has not succeeded (not successful: acme)" in summary["results"][1]["warnings"][0]
    assert writes(fresh, mark) == []
    resumed = fresh.run(**summary["resume"])
    assert resumed["exit_code"] == 0
    assert resumed["concurrency"]["peak"] == 1


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (None, ["SESConfig.json does not exist (NoSuchKey)"]),
        (
            {
                "topics": [
                    {"TopicName": "a b", "DisplayName": "", "DefaultSubscriptionStatus": "MAYBE", "OptInRole": []}
                ]
            },
            ["$.topics[0].DisplayName", "$.topics[0].DefaultSubscriptionStatus", "looks like OptInRoles"],
        ),
        (
            {
                "topics": [
                    {"TopicName": f"t{n % 20}", "DisplayName": "x", "DefaultSubscriptionStatus": "OPT_IN"}
                    for n in range(21)
                ]
            },
            ["21 topics after expansion, more than the 20", 'the topic "t0" is there twice'],
        ),
    ],
)
def test_a_wrong_ses_config_touches_nobody(document: Any, expected: list[str], fresh: Cloud) -> None:
    """One ConfigurationError naming every fault, before any customer."""
    if document is None:
        fresh.s3.delete_object(Bucket=CONFIG_BUCKET, Key="SESConfig.json")
    else:
        put_ses_config(fresh, document)
    mark = fresh.mark()
    invoked = fresh.invoke(ALL)
    assert invoked.body["errorType"] == "ConfigurationError"
    assert all(text in invoked.body["errorMessage"] for text in expected), invoked.body["errorMessage"]
    assert [e for e in fresh.journal(mark) if e["service"] in ("sts", "sesv2")] == []


def test_two_customers_that_share_a_list_both_fail(managed: Cloud) -> None:
    """Before anything is called in their account."""
    twins = fleet(2)
    twins["customer_mappings"]["f02"]["ses_role_arn"] = twins["customer_mappings"]["f01"]["ses_role_arn"]
    managed.put_config(twins)
    try:
        summary = managed.run(**ALL)
    finally:
        managed.put_config(json.loads((ROOT / "examples" / "config.json").read_text()))
    assert {(result["status"], result["error"]["category"]) for result in summary["results"]} == {
        ("failed", "configuration")
    }


def test_the_command_asks_before_it_changes_everybody(fresh: Cloud) -> None:
    """Without a terminal it needs --yes; a dry run needs nothing and shows what would be."""
    mark = fresh.mark()
    ended = ses_fleet(fresh, "invoke", "manage-topic-all")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "it needs --yes" in ended.stderr
    ended = ses_fleet(fresh, "invoke", "manage-topic-all", "--dry-run", "--include", "acme")
    assert ended.returncode == 0
    for line in (
        "🔍 DRY RUN MODE - No changes will be made",
        "🔄 Customer acme:",
        "   Would manage topics:",
        "   - offers (add)",
        '   - news (change; display_name: "News" → "News!")',
        "   - alerts (not in SESConfig.json, kept)",
        "📊 Dry-run complete: 1 customers would be processed",
    ):
        assert f"{line}\n" in ended.stdout
    assert writes(fresh, mark) == []
    ended = ses_fleet(fresh, "invoke", "manage-topic", "--customer-code", "acme")
    assert ended.returncode == 0
    assert writes(fresh, mark) == ["UpdateContactList"]


@pytest.mark.parametrize("document", [{"topics": None}, {"topic_group_prefix": [], "topic_group_members": []}])
def test_an_empty_file_is_no_order_to_remove_every_topic(document: Any, fresh: Cloud) -> None:
    """With prune it is refused, in a dry run too; without, it adds nothing and removes nothing."""
    put_ses_config(fresh, document)
    for dry_run in (True, False):
        payload = {"action": "manage-topic-all", "prune": True, "confirm_customers": 1, "include": ["acme"]}
        refused = fresh.invoke({**payload, "dry_run": dry_run})
        assert refused.body["errorType"] == "ConfigurationError"
        assert "has no topics, so prune would remove all there are" in refused.body["errorMessage"]
    data = fresh.run(action="manage-topic-all", include=["acme"])["results"][0]["data"]
    assert (data["added"], data["removed"]) == ([], [])
    assert data["unmanaged"]


def test_an_import_removes_people_whatever_topics_the_file_has(fresh: Cloud) -> None:
    """It removes no topics, so it is not refused for their sake."""
    put_ses_config(fresh, {"topics": []})
    answer = fresh.invoke({"action": "import-aws-contact", "customer_code": "acme", "prune": True, "dry_run": True})
    assert (answer.body.get("errorMessage"), answer.body.get("exit_code")) == (None, 0)
