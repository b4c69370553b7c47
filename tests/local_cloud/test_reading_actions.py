"""Contacts, topics and access: right at any size, over slices and hops, and honest about what failed."""

from __future__ import annotations

import contextlib
import csv
import gzip
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.local_cloud import people
from tests.local_cloud.conftest import CONDITIONS, ORCHESTRATOR, RESULTS_BUCKET, Cloud, fleet, running, ses_fleet

SIZES = {"f01": 0, "f02": 1, "f03": 999, "f04": 1_000, "f05": 1_001, "f06": 25_000}
LARGE = "f06"
SES_CONFIG = {
    "topics": [
        {"TopicName": "news", "DisplayName": "News!", "Description": "All news", "DefaultSubscriptionStatus": "OPT_IN"},
        {"TopicName": "offers", "DisplayName": "Offers", "DefaultSubscriptionStatus": "OPT_OUT"},
    ]
}


def account(code: str) -> str:
    """The customer's account."""
    return str(300000000000 + int(code[1:]))


@dataclass(frozen=True)
class Reading:
    """A cloud with filled lists, and who is in them."""

    cloud: Cloud
    people: dict[str, list[people.Person]]


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    """A cloud of its own; f07 has no list, f08's role asks for its ExternalId, f09's for none, though it has one."""
    folder = tmp_path_factory.mktemp("reading")
    config = fleet(10)
    for code in ("f08", "f09"):
        config["customer_mappings"][code]["external_id"] = f"id-of-{code}"
        config["customer_mappings"][code]["import_bucket"] = f"imports-of-{code}"
    config["customer_mappings"]["f10"]["identity_center_role_arn"] = "arn:aws:iam::999988887777:role/people"
    scenario = {
        "accounts": {
            account("f09"): {
                "roles": {"contact-manager": {}},
                "buckets": {"imports-of-f09": {"missing": True}},
            },
            account("f10"): {"ses": {"us-east-1": {"production_access": False}}},
        }
    }
    for name, content in (("config.json", config), ("SESConfig.json", SES_CONFIG), ("scenario.json", scenario)):
        (folder / name).write_text(json.dumps(content))
    files = ("--config", str(folder / "config.json"), "--ses-config", str(folder / "SESConfig.json"))
    with running("--port", "0", *files, "--scenario", str(folder / "scenario.json"), "--ses-rate", "0") as (_, cloud):
        made = {code: people.make(size, int(code[1:])) for code, size in SIZES.items()}
        for code, those in made.items():
            people.put(cloud, account(code), those)
        yield Reading(cloud, made)


def written(cloud: Cloud, location: str) -> list[dict[str, Any]]:
    """Every contact below a data location, without its time, which is unknown of some where answers lack members."""
    prefix = location.removeprefix(f"s3://{RESULTS_BUCKET}/")
    lines = [line for key in cloud.keys(prefix) for line in gzip.decompress(cloud.stored(key)).decode().splitlines()]
    contacts = [json.loads(line) for line in lines]
    for contact in contacts:
        changed = contact.pop("last_updated_at")
        assert CONDITIONS != "kind" if changed is None else changed.endswith("Z")
    return contacts


def results(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By customer."""
    return {result["customer_code"]: result for result in summary["results"]}


def test_every_contact_is_listed_as_it_was_put_in(reading: Reading) -> None:
    """Lists of every size at once; counts inline, contacts in S3 only."""
    summary = reading.cloud.run(action="list-contacts-all", include=list(SIZES))
    assert summary["exit_code"] == 0
    for code, result in results(summary).items():
        assert result["data"]["total"] == SIZES[code]
        assert result["data_location"] == f"s3://{RESULTS_BUCKET}/data/{summary['run_id']}/{code}/"
        assert written(reading.cloud, result["data_location"]) == [
            people.as_written(one) for one in reading.people[code]
        ]
    assert "@" not in json.dumps(summary)
    assert json.loads(reading.cloud.stored(f"runs/{summary['run_id']}/summary.json")) == summary
    lines = gzip.decompress(reading.cloud.stored(f"runs/{summary['run_id']}/results.jsonl.gz")).decode().splitlines()
    whole = {line["customer_code"]: line for line in map(json.loads, lines)}
    assert whole.keys() == SIZES.keys()
    assert all(result["logs"] for result in whole.values())


def test_topics_are_counted_and_compared(reading: Reading) -> None:
    """Defaults and unsubscribes counted right, the matrix, and what differs from SESConfig.json."""
    summary = reading.cloud.run(action="describe-topics-all", include=[*SIZES, "f07"])
    for code, result in results(summary).items():
        counted = {topic["name"]: (topic["opted_in"], topic["opted_out"]) for topic in result["data"]["topics"]}
        assert counted == (people.counts(reading.people[code]) if code in SIZES else {})
    fleet_ = summary["fleet"]
    for topic in ("news", "alerts"):
        assert fleet_["topics"][topic] == {
            code: people.counts(those)[topic][0] for code, those in reading.people.items()
        }
    assert fleet_["topics"]["offers"] == {}
    assert fleet_["drift"]["f01"] == {
        "missing": ["offers"],
        "extra": ["alerts"],
        "different": [{"topic": "news", "field": "display_name", "have": "News", "want": "News!"}],
    }
    assert fleet_["drift"]["f07"]["missing"] == ["news", "offers"]
    assert (summary["differs"], summary["differing_count"]) == (True, len(SIZES) + 1)
    assert summary["config_version"]["ses_config"]


def test_without_a_usable_ses_config_there_is_no_drift_but_a_warning(reading: Reading) -> None:
    """Missing or broken: the counts are there all the same."""
    cloud = reading.cloud
    bucket = cloud.lambda_.get_function_configuration(FunctionName=ORCHESTRATOR)["Environment"]["Variables"][
        "CONFIG_BUCKET"
    ]
    cloud.s3.delete_object(Bucket=bucket, Key="SESConfig.json")
    try:
        for body in (None, b'{"topics": [{}]}'):
            if body is not None:
                cloud.s3.put_object(Bucket=bucket, Key="SESConfig.json", Body=body)
            summary = cloud.run(action="describe-topics-all", include=["f02"])
            assert summary["exit_code"] == 0
            assert summary["fleet"]["drift"] is None
            assert list(summary["fleet"]["topics"]) == ["news", "alerts"]
            assert any(
                "drift not computed: SESConfig.json cannot be used" in warning for warning in summary["warnings"]
            )
    finally:
        cloud.s3.put_object(Bucket=bucket, Key="SESConfig.json", Body=json.dumps(SES_CONFIG).encode())


def test_other_actions_have_no_fleet(reading: Reading) -> None:
    """Null, the key present; a dry run compares nothing."""
    assert reading.cloud.run(action="describe-list-all", include=["f01"])["fleet"] is None
    assert reading.cloud.run(action="describe-topics-all", include=["f01"], dry_run=True)["fleet"] is None


@pytest.mark.parametrize(
    ("params", "keep"),
    [
        ({"topic": "news"}, lambda one: one.status("news") == "OPT_IN"),
        ({"topic": "alerts", "status": "OPT_OUT"}, lambda one: one.status("alerts") == "OPT_OUT"),
        ({"unsubscribed": True}, lambda one: one.unsubscribed),
        ({"changed_since": "2999-01-01"}, lambda _: False),
    ],
)
def test_filters_find_whom_a_naive_model_finds(params: dict[str, Any], keep: Any, reading: Reading) -> None:
    """The single form of the action, on 1,001 contacts."""
    with reading.cloud.conditions(unset_share=0):  # whose time is unknown is found by changed_since, too
        summary = reading.cloud.run(action="list-contacts", customer_code="f05", params=params)
    (result,) = summary["results"]
    expected = [people.as_written(one) for one in reading.people["f05"] if keep(one)]
    assert result["data"]["total"] == len(expected)
    assert written(reading.cloud, result["data_location"]) == expected


@contextlib.contextmanager
def in_slices_of(cloud: Cloud, seconds: float) -> Iterator[None]:
    """Have walks take more slices than two, which a token that is good for one session only would end."""
    with cloud.variables(ORCHESTRATOR, SLICE_BUDGET_SECONDS=str(seconds)), cloud.conditions(tokens_of_session=False):
        yield


def test_slices_lose_and_repeat_nothing(reading: Reading) -> None:
    """A budget so small that 25,000 contacts take ten slices and more: files whole, every page read once."""
    cloud = reading.cloud
    mark = cloud.mark()
    slow = {"operation": "ListContacts", "fault": "delay", "seconds": 0.15, "times": None}
    with in_slices_of(cloud, 0.25), cloud.faults(slow):
        summary = cloud.run(action="list-contacts", customer_code=LARGE)
    (result,) = summary["results"]
    assert result["status"] == "successful", result["error"]
    assert result["attempts"] >= 10
    assert result["api_calls"] == 2 + 25 + 1
    calls = [entry["operation"] for entry in cloud.journal(mark) if entry["service"] == "sesv2"]
    assert calls == ["ListContactLists", "GetContactList", *["ListContacts"] * 25, "GetContactList"]
    assert len(cloud.keys(f"data/{summary['run_id']}/")) == result["data"]["parts"] >= 10
    assert written(cloud, result["data_location"]) == [people.as_written(one) for one in reading.people[LARGE]]


def test_counting_goes_through_slices_too(reading: Reading) -> None:
    """describe-list: complete, or not at all."""
    cloud = reading.cloud
    slow = {"operation": "ListContacts", "fault": "delay", "seconds": 0.05, "times": None}
    with in_slices_of(cloud, 0.4), cloud.faults(slow):
        summary = cloud.run(action="describe-list", customer_code=LARGE)
    (result,) = summary["results"]
    assert result["attempts"] > 2
    assert result["data"]["contacts"]["total"] == 25_000
    counted = {topic["name"]: (topic["opted_in"], topic["opted_out"]) for topic in result["data"]["topics"]}
    assert counted == people.counts(reading.people[LARGE])


def test_customer_timeout_bounds_all_slices(reading: Reading) -> None:
    """Failed (timeout, retryable), with nothing partial shown."""
    slow = {"operation": "ListContacts", "fault": "delay", "seconds": 0.4, "times": None}
    with reading.cloud.variables(ORCHESTRATOR, SLICE_BUDGET_SECONDS="0.5"), reading.cloud.faults(slow):
        summary = reading.cloud.run(action="list-contacts", customer_code=LARGE, customer_timeout_seconds=2)
    (result,) = summary["results"]
    assert (result["status"], result["data"], result["data_location"]) == ("failed", None, None)
    assert (result["error"]["category"], result["error"]["retryable"]) == ("timeout", True)
    assert result["attempts"] >= 2


def test_a_workers_refused_write_fails_its_customer_only(reading: Reading) -> None:
    """Named; the others go on."""
    refused = {"service": "s3", "operation": "PutObject", "path": "/f02/", "fault": "deny"}
    with reading.cloud.faults(refused):
        summary = reading.cloud.run(
            action="list-contacts-all", include=["f02", "f03", "f04"], max_customer_concurrency=1
        )
    first, *others = summary["results"]
    assert (first["status"], first["error"]["category"]) == ("failed", "operation")
    assert f"could not write s3://{RESULTS_BUCKET}/data/{summary['run_id']}/f02/" in first["error"]["message"]
    assert [result["status"] for result in others] == ["successful"] * 2


def test_a_topic_that_a_list_lacks_fails_that_customer(reading: Reading) -> None:
    """With the nearest one; a customer without a list has nobody to find."""
    summary = reading.cloud.run(action="list-contacts-all", include=["f02", "f07"], params={"topic": "newz"})
    lacking, without = summary["results"]
    assert (lacking["status"], lacking["error"]["type"]) == ("failed", "UnknownTopic")
    assert 'no topic "newz"; did you mean "news"?' in lacking["error"]["message"]
    assert (without["status"], without["data"]["total"]) == ("successful", 0)


def test_access_is_validated_row_by_row(reading: Reading) -> None:
    """ExternalIds, sandbox, lists and Identity Center, each with what to do."""
    summary = reading.cloud.run(action="validate-access-all", include=["f02", "f07", "f08", "f09", "f10"])
    rows = {
        code: {check["name"]: check["status"] for check in result["data"]["checks"]}
        for code, result in results(summary).items()
    }
    fine = {
        "assume_role": "ok",
        "external_id": "ok",
        "role_version": "ok",
        "ses_account": "ok",
        "contact_list": "ok",
        "identity_center": "ok",
    }
    assert rows["f02"] == {**fine, "external_id": "finding"}
    assert rows["f07"] == {**fine, "external_id": "finding", "contact_list": "finding"}
    assert rows["f08"] == {**fine, "contact_list": "finding", "import_bucket": "ok"}
    assert rows["f09"] == {
        **fine,
        "external_id": "finding",
        "contact_list": "finding",
        "import_bucket": "finding",
    }
    assert rows["f10"] == {**fine, "external_id": "finding", "ses_account": "finding", "contact_list": "finding"}
    assert summary["exit_code"] == 0
    without = results(summary)["f09"]
    assert any("can be assumed without its ExternalId" in warning for warning in without["warnings"])
    assert any("there is no bucket imports-of-f09" in warning for warning in without["warnings"])
    seen = results(summary)["f10"]["data"]["checks"][-1]["message"]
    assert "of account 999988887777 answers" in seen


def test_a_failed_check_fails_the_customer_and_keeps_its_row(reading: Reading) -> None:
    """A role that is not there, in the single form with an override."""
    role = f"arn:aws:iam::{account('f02')}:role/not-there"
    summary = reading.cloud.run(action="validate-access", customer_code="f02", ses_role_arn=role)
    (result,) = summary["results"]
    assert (result["status"], result["error"]["category"]) == ("failed", "authentication")
    assert result["data"]["checks"][0]["status"] == "failed"
    assert "that the role exists" in result["data"]["checks"][0]["message"]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            {"params": {"status": "MAYBE", "topic": "news"}},
            '$.params.status: must be "OPT_IN" or "OPT_OUT", not "MAYBE"',
        ),
        ({"params": {"status": "OPT_IN"}}, "$.params.status: needs params.topic"),
        ({"params": {"changed_since": "soon"}}, "$.params.changed_since: must be an ISO 8601 date or time"),
        ({"customer_code": "f1"}, 'has no customer "f1"; did you mean "f10"?'),
        ({"ses_role_arn": "x"}, "$.ses_role_arn: "),
        ({"ses_role_arn": "arn:aws:iam::111111111111:role/r"}, "$.ses_role_arn: is of account 111111111111"),
    ],
)
def test_bad_input_is_refused_before_any_worker(payload: dict[str, Any], expected: str, reading: Reading) -> None:
    """RequestError, naming the field."""
    mark = reading.cloud.mark()
    invoked = reading.cloud.invoke({"action": "list-contacts", "customer_code": "f02", **payload})
    assert invoked.body["errorType"] == "RequestError"
    assert expected in invoked.body["errorMessage"]
    assert [e for e in reading.cloud.journal(mark) if e["service"] in ("sts", "sesv2")] == []


def test_export_reads_back_equal(reading: Reading, tmp_path: Path) -> None:
    """Every customer's contacts in one file, in either format."""
    cloud = reading.cloud
    summary = cloud.run(action="list-contacts-all", include=["f05", LARGE])
    expected = [
        {"customer_code": code, **people.as_written(one)} for code in ("f05", LARGE) for one in reading.people[code]
    ]
    jsonl, table = tmp_path / "contacts.jsonl", tmp_path / "contacts.csv"
    ended = ses_fleet(cloud, "runs", "export", summary["run_id"], "--format", "jsonl", "--out", str(jsonl))
    assert ended.returncode == 0, ended.stderr
    assert "26,001 contacts exported" in ended.stderr
    lines = [json.loads(line) for line in jsonl.read_text().splitlines()]
    assert [{key: line[key] for key in line if key != "last_updated_at"} for line in lines] == expected
    assert jsonl.stat().st_mode & 0o077 == 0
    assert ses_fleet(cloud, "runs", "export", summary["run_id"], "--out", str(table)).returncode == 0
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["email"] for row in rows] == [line["email"] for line in expected]
    topics = [dict(pair.split("=") for pair in row["effective"].split(";")) for row in rows]
    assert topics == [line["effective"] for line in expected]


def test_export_names_what_is_missing_and_exports_the_rest(reading: Reading, tmp_path: Path) -> None:
    """A corrupt part, a part that is gone, a customer that failed: exit code 1 and nothing half."""
    cloud = reading.cloud
    summary = cloud.run(action="list-contacts-all", include=["f02", "f03", "f04", "f05"], params={"topic": "news"})
    prefix = f"data/{summary['run_id']}"
    part = cloud.stored(f"{prefix}/f03/contacts-00001.jsonl.gz")
    cloud.s3.put_object(Bucket=RESULTS_BUCKET, Key=f"{prefix}/f03/contacts-00001.jsonl.gz", Body=part[: len(part) // 2])
    cloud.s3.delete_object(Bucket=RESULTS_BUCKET, Key=f"{prefix}/f04/contacts-00001.jsonl.gz")
    out = tmp_path / "contacts.jsonl"
    ended = ses_fleet(cloud, "runs", "export", summary["run_id"], "--format", "jsonl", "--out", str(out))
    assert ended.returncode == 1
    for code, why in (("f03", "EOFError"), ("f04", "NoSuchKey")):
        assert f"{prefix}/{code}/contacts-00001.jsonl.gz cannot be read ({why})" in ended.stderr
    exported = [json.loads(line) for line in out.read_text().splitlines()]
    wanted = {
        code: [one.email for one in reading.people[code] if one.status("news") == "OPT_IN"] for code in ("f02", "f05")
    }
    for code in ("f02", "f03", "f04", "f05"):
        assert [line["email"] for line in exported if line["customer_code"] == code] == wanted.get(code, [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs", "export", "not-there", "--out", "x"], "there is no run not-there"),
        (["runs", "show", "not-there"], "there is no run not-there"),
        (["runs", "show", "a/b"], "a run's id has 1 to 40 characters"),
        (["runs", "export", "counted", "--out", "x"], "run counted is a describe-list and lists no contacts"),
        (["runs", "export", "counted", "--out", "x", "--format", "xml"], "--format is csv, jsonl or html"),
        (["runs", "export", "listed", "--out", "/not/there/x"], "/not/there/x cannot be written"),
    ],
)
def test_a_wrong_runs_command_is_exit_2(arguments: list[str], message: str, reading: Reading) -> None:
    """One line on stderr, no file."""
    reading.cloud.run(action="describe-list", customer_code="f02", run_id="counted")
    reading.cloud.run(action="list-contacts", customer_code="f02", run_id="listed")
    ended = ses_fleet(reading.cloud, *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_runs_are_listed_and_shown(reading: Reading) -> None:
    """Newest first, ids of one's own among them."""
    reading.cloud.run(action="describe-topics-all", include=["f02"], run_id="shown-1")
    listed = json.loads(ses_fleet(reading.cloud, "runs", "list", "--output", "json").stdout)
    (mine,) = [run for run in listed if run["run_id"] == "shown-1"]
    assert (mine["action"], mine["state"], mine["successful"]) == ("describe-topics-all", "finished", 1)
    assert [run["started_at"] for run in listed] == sorted((run["started_at"] for run in listed), reverse=True)
    assert "shown-1" in ses_fleet(reading.cloud, "runs", "list").stdout
    shown = ses_fleet(reading.cloud, "runs", "show", "shown-1")
    assert shown.returncode == 0
    assert "Opted in" in shown.stdout
    assert "   ✅ Successful: 1" in shown.stdout
    as_json = json.loads(ses_fleet(reading.cloud, "runs", "show", "shown-1", "--output", "json").stdout)
    assert as_json["run_id"] == "shown-1"


def test_a_run_under_way_is_shown(reading: Reading) -> None:
    """With what is done so far."""
    # Longer than two commands take on a busy machine.
    slow = {"operation": "ListContacts", "fault": "delay", "seconds": 12, "times": 1, "account": account("f03")}
    payload = {"action": "list-contacts-all", "include": ["f02", "f03"], "run_id": "under-way"}
    with reading.cloud.faults(slow):
        reading.cloud.lambda_.invoke(
            FunctionName=ORCHESTRATOR, InvocationType="Event", Payload=json.dumps(payload).encode()
        )
        wait_for(lambda: "runs/under-way/results/f02.json" in reading.cloud.keys("runs/under-way/"))
        shown = ses_fleet(reading.cloud, "runs", "show", "under-way")
        assert "run under-way: under way" in shown.stderr
        assert "   ✅ Successful: 1" in shown.stdout
        assert "under-way" in ses_fleet(reading.cloud, "runs", "list").stdout
        wait_for(lambda: "runs/under-way/summary.json" in reading.cloud.keys("runs/under-way/"))


@pytest.mark.matrix
def test_a_killed_run_is_ended_by_the_reaper_and_can_be_resumed(reading: Reading) -> None:
    """What is left says who succeeded, and how to run the rest."""
    cloud = reading.cloud
    killed = {"service": "s3", "operation": "PutObject", "path": "/results/", "fault": "kill_after", "times": 1}
    payload = {"action": "list-contacts-all", "include": ["f02", "f03"], "run_id": "killed"}
    with cloud.variables(ORCHESTRATOR, DEAD_AFTER_SECONDS="1"):
        with cloud.faults(killed):
            invoked = cloud.invoke({**payload, "max_customer_concurrency": 1})
            assert invoked.function_error is not None
        wait_for(lambda: "no sign of life" in ses_fleet(cloud, "runs", "show", "killed").stderr)
        wait_for(lambda: "killed" in cloud.invoke({"reap": True}).body["closed"])
    shown = ses_fleet(cloud, "runs", "show", "killed")
    assert "run killed: lost" in shown.stderr
    assert "   ✅ Successful: 1" in shown.stdout
    summary = json.loads(ses_fleet(cloud, "runs", "show", "killed", "--output", "json").stdout)
    assert (summary["exit_code"], summary["resume"]["include"]) == (1, ["f03"])
    resumed = cloud.run(**summary["resume"])
    assert [result["status"] for result in resumed["results"]] == ["successful"]


def wait_for(condition: Any, seconds: float = 20) -> None:
    """Until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


@pytest.mark.matrix
def test_a_paced_account_gets_one_request_a_second(tmp_path: Path) -> None:
    """After the burst, over slices as well: SES, which takes five at once and then one a second, refuses none."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps(fleet(1)))
    with running("--port", "0", "--config", str(config), "--ses-rate", "1") as (_, cloud):
        those = people.make(6_500, 1)
        people.put(cloud, account("f01"), those)
        time.sleep(1.2)  # the account's burst is whole again after the list was made
        mark = cloud.mark()
        with in_slices_of(cloud, 1.4):
            summary = cloud.run(action="list-contacts-all")
        (result,) = summary["results"]
        assert result["data"]["total"] == 6_500
        assert result["attempts"] >= 3
        calls = [entry for entry in cloud.journal(mark) if entry["service"] == "sesv2"]
    assert [entry["http_status"] for entry in calls] == [200] * 10
