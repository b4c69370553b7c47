"""Who is in whose list: addresses as they are, failures proven to nobody's disadvantage, addresses in no record."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ses_fleet.runs import hub_policies
from tests.local_cloud.conftest import HUB, ORCHESTRATOR, RESULTS_BUCKET, SES_FLEET, Cloud, fleet, running
from tests.local_cloud.people_files import upload
from tests.local_cloud.test_policies import Session

FULL, NEARLY, WITHOUT_LIST, SANDBOX = "f01", "f02", "f03", "f04"
CODES = (FULL, NEARLY, WITHOUT_LIST, SANDBOX)
LONGEST = f"{'l' * 64}@{'.'.join(['d' * 60] * 4)}.ex-ample.io"
AWKWARD = (
    "a/b@corp.example",
    "a%2Fb@corp.example",
    "a?b@corp.example",
    "../x@corp.example",
    "ada+lists@corp.example",
    "Ada@Corp.example",
    "a#b&c=d@corp.example",
    LONGEST,
)
# What each of these would be taken for if its address was read as a part of a path or decoded once too often.
NEAR = ("b@corp.example", "a%2Fb@corp.example", "a@corp.example", "x@corp.example", "ada lists@corp.example")
TOPIC = {"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_IN"}


def account(code: str) -> str:
    """The customer's account."""
    return str(300000000000 + int(code[1:]))


def fill(cloud: Cloud, code: str, *emails: str) -> None:
    """Make the customer's list with these contacts."""
    cloud.client("sesv2", account(code)).create_contact_list(ContactListName="main", Topics=[TOPIC])
    lines = "\n".join(json.dumps({"emailAddress": email}) for email in emails)
    cloud.control("PUT", f"contacts/{account(code)}/us-east-1/main", lines.encode())


def suppress(cloud: Cloud, code: str, *emails: str) -> None:
    """Put these on the account's suppression list."""
    for email in emails:
        cloud.client("sesv2", account(code)).put_suppressed_destination(EmailAddress=email, Reason="COMPLAINT")


@pytest.fixture(scope="module")
def finding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of its own; of the customers one has all of the people, one those who are nearly the same."""
    folder = tmp_path_factory.mktemp("finding")
    (folder / "config.json").write_text(json.dumps(fleet(len(CODES))))
    accounts = {account(SANDBOX): {"ses": {"us-east-1": {"production_access": False}}}}
    (folder / "scenario.json").write_text(json.dumps({"accounts": accounts}))
    files = ("--config", str(folder / "config.json"), "--scenario", str(folder / "scenario.json"))
    with running("--port", "0", *files, "--ses-rate", "0") as (_, cloud):
        fill(cloud, FULL, *AWKWARD, *(f"p{n}@corp.example" for n in range(40)))
        fill(cloud, NEARLY, NEAR[1])
        fill(cloud, SANDBOX, AWKWARD[0])
        suppress(cloud, FULL, *AWKWARD)
        suppress(cloud, NEARLY, "a/b@corp.example")
        cloud.caught_up()
        yield cloud


def found(cloud: Cloud, summary: dict[str, Any], code: str) -> list[dict[str, Any]]:
    """The records of a customer, in the order of the rows."""
    keys = [key for key in cloud.keys(f"data/{summary['run_id']}/{code}/") if "/people-" in key]
    lines = [line for key in keys for line in gzip.decompress(cloud.stored(key)).decode().splitlines()]
    return [json.loads(line) for line in lines]


def results(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By customer."""
    return {result["customer_code"]: result for result in summary["results"]}


@pytest.mark.matrix
@pytest.mark.parametrize("by_pages", [False, True])
def test_addresses_reach_ses_as_they_are(by_pages: bool, finding: Cloud) -> None:
    """Slashes, percent signs, question marks, dots, plus, case, 320 characters: found where they are and nowhere else.

    The same holds of the suppression list, whether it is asked for one address or read whole.
    """
    assert len(LONGEST) == 320
    sizes = [AWKWARD] if by_pages else [(email,) for email in AWKWARD]
    for emails in sizes:
        summary = finding.run(action="find-contact-all", people=upload(finding, *emails), include=[FULL, NEARLY])
        full, nearly = found(finding, summary, FULL), found(finding, summary, NEARLY)
        assert [one["row"] for one in full] == list(range(1, len(emails) + 1))
        assert [(one["found"], one["match"]) for one in full] == [(True, "exact")] * len(emails)
        assert [one["suppressed"]["reason"] for one in full] == ["COMPLAINT"] * len(emails)
        assert [one["found"] for one in nearly] == [email in NEAR for email in emails]
        assert [one["suppressed"] is not None for one in nearly] == [email == AWKWARD[0] for email in emails]
        assert "@" not in json.dumps([summary, full, nearly])


def test_a_customer_that_failed_is_not_proven(finding: Cloud) -> None:
    """Neither is the fleet's answer: one has no list, another's reads are denied; the others are found and absent."""
    denied = {"operation": "GetContact", "account": account(SANDBOX), "fault": "deny", "times": None}
    people = upload(finding, "p1@corp.example")
    with finding.faults(denied):
        summary = finding.run(action="find-contact-all", people=people)
    assert summary["exit_code"] == 1
    assert summary["fleet"] == {"found_in": 1, "absent_in": 1, "not_proven_in": 2, "not_searched_in": 0}
    ended = results(summary)
    assert (ended[FULL]["data"]["contacts"], ended[NEARLY]["data"]["not_found"]) == (1, 1)
    assert ended[WITHOUT_LIST]["error"]["type"] == "NoContactList"
    assert "not proven" in ended[WITHOUT_LIST]["error"]["message"]
    assert ended[SANDBOX]["data"] is None
    assert summary["resume"]["people"] == people
    fill(finding, WITHOUT_LIST, "p1@corp.example")
    finding.caught_up()
    resumed = finding.run(**summary["resume"])
    finding.without_list(account(WITHOUT_LIST))
    assert resumed["fleet"] == {"found_in": 1, "absent_in": 1, "not_proven_in": 0, "not_searched_in": 0}
    sandbox = results(resumed)[SANDBOX]
    assert sandbox["data"]["suppressed"] is None
    assert any("sandbox" in warning for warning in sandbox["warnings"])


@pytest.mark.matrix
def test_a_row_is_for_the_customers_that_it_names(finding: Cloud) -> None:
    """Who is named by none is skipped, and nobody looked there."""
    people = upload(finding, {"email": "p1@corp.example", "customers": [FULL]})
    summary = finding.run(action="find-contact-all", people=people, include=[FULL, NEARLY])
    assert summary["fleet"] == {"found_in": 1, "absent_in": 0, "not_proven_in": 0, "not_searched_in": 1}


@pytest.mark.matrix
def test_slices_and_throttling_find_the_same(finding: Cloud) -> None:
    """Each row once, in the file's order; what is handed on has no address."""
    emails = [f"{'P' if n == 7 else 'p'}{n}@corp.example" for n in range(60)]
    people, slow = (
        upload(finding, *emails),
        {"operation": "GetContact", "fault": "delay", "seconds": 0.1, "times": None},
    )
    busy = {"operation": "GetContact", "fault": "throttle", "skip": 5, "times": 2}
    sliced = finding.variables(ORCHESTRATOR, SLICE_BUDGET_SECONDS="1.5")
    with sliced, finding.conditions(tokens_of_session=False), finding.faults(slow, busy):
        summary = finding.run(action="find-contact", customer_code=FULL, people=people, params={"thorough": True})
    (result,) = summary["results"]
    assert result["status"] == "successful", result["error"]
    assert result["attempts"] > 2
    assert [result["data"][name] for name in ("contacts", "folded", "not_found")] == [40, 1, 20]
    records = found(finding, summary, FULL)
    assert [one["row"] for one in records] == list(range(1, 61))
    assert [one["match"] for one in records] == ["folded" if n == 7 else "exact" if n < 40 else None for n in range(60)]
    assert "@" not in json.dumps(records)


def invoke(cloud: Cloud, who: Session, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as this person. What it prints may have the addresses that it was given."""
    return subprocess.run(
        [SES_FLEET, "invoke", *arguments],
        env={**cloud.environment(), **who.environment(), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def person(cloud: Cloud, *, reads: bool) -> Session:
    """Somebody who may ask for people, and maybe read what is found of them."""
    results_, function = f"arn:aws:s3:::{RESULTS_BUCKET}", f"arn:aws:lambda:us-east-1:{HUB}:function:{ORCHESTRATOR}"
    statements = hub_policies.invoker_statements(orchestrator=function, results_bucket=results_)
    statements += hub_policies.requester_statements(results_bucket=results_)
    statements += hub_policies.data_reader_statements(results_bucket=results_) if reads else []
    return Session(cloud, HUB, *statements)


ASKED = ("find-contact-all", "--person", "p1@corp.example", "--person", "a/b@corp.example")


def test_who_gave_the_addresses_is_shown_who_is_where(finding: Cloud) -> None:
    """By customers, with what is not proven; a row's number and its address are those of the flags."""
    ended = invoke(finding, person(finding, reads=True), *ASKED)
    assert ended.returncode == 1, ended.stderr
    lines = {line.split()[0]: line.split()[1:] for line in ended.stdout.splitlines() if line.split()}
    assert lines["1"][0] == "p1@corp.example"
    assert lines["2"][0] == "a/b@corp.example"
    assert lines[FULL] == ["✅", "✅", "🚫"]
    assert lines[NEARLY] == ["–", "–", "🚫"]
    assert lines[SANDBOX] == ["–", "✅"]
    assert lines[WITHOUT_LIST] == ["?", "?"]
    assert "Of 4 customers: found in 2, absent in 1, not proven in 1" in ended.stdout
    assert all(len(line) <= 80 for line in ended.stdout.splitlines() if "│" in line or "─" in line)
    as_json = invoke(finding, person(finding, reads=True), *ASKED, "--output", "json")
    assert json.loads(as_json.stdout)["fleet"]["found_in"] == 2
    assert "@" not in as_json.stdout


@pytest.mark.matrix
def test_who_may_not_read_contacts_sees_counts_and_which_policy_is_missing(finding: Cloud) -> None:
    """No address is shown."""
    ended = invoke(finding, person(finding, reads=False), *ASKED)
    assert ended.returncode == 1, ended.stderr
    assert "ses-fleet-data-reader" in ended.stdout
    assert "found in 2, absent in 1, not proven in 1" in ended.stdout
    assert "@" not in ended.stdout


@pytest.mark.matrix
def test_a_dry_run_looks_for_nobody(finding: Cloud, tmp_path: Path) -> None:
    """As of every action that reads: which role and Region each customer would be reached by."""
    path = tmp_path / "people.csv"
    path.write_text("email\np1@corp.example\n")
    mark = finding.mark()
    ended = invoke(finding, person(finding, reads=True), "find-contact-all", "--people", str(path), "--dry-run")
    assert ended.returncode == 0, ended.stderr
    assert "Would use" in ended.stdout
    assert not [entry for entry in finding.journal(mark) if entry["service"] == "sesv2"]
