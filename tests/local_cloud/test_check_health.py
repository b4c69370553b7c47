"""check-health over a fleet, in the local cloud: who cannot send, whose mail bounces, and what nobody knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_cloud.conftest import Cloud, fleet, ses_fleet
from tests.local_cloud.test_role_versions import tagged, without

WELL, SANDBOX, BOUNCING, UNKNOWN, OLDER = "f18", "f19", "f20", "f21", "f22"
CODES = (WELL, SANDBOX, BOUNCING, UNKNOWN, OLDER)
USED = {"max_24_hour_send": 50_000, "sent_last_24_hours": 5_000, "review": {"status": "GRANTED"}}
RATES = {"Send": 5_000, "Bounce": 50, "Complaint": 1, "Reputation.BounceRate": 0.01, "Reputation.ComplaintRate": 0.0002}
DOMAIN = {"name": "acme.example", "mail_from": {"domain": "mail.acme.example"}, "configuration_set": "set"}
IN_SANDBOX = "SES is in the sandbox: it sends to verified addresses only"
ASK_AWS = "request production access in the SES console of the account"
ACCOUNTS: dict[str, dict[str, Any]] = {
    WELL: {**USED, "identities": [DOMAIN], "metrics": RATES},
    SANDBOX: {**USED, "production_access": False, "identities": [DOMAIN], "metrics": RATES},
    BOUNCING: {
        **USED,
        "identities": [DOMAIN, {"name": "grace.hopper@people.example", "verification_status": "FAILED"}],
        "metrics": {**RATES, "Bounce": 300},
    },
    UNKNOWN: {**USED, "identities": [DOMAIN]},
    OLDER: {**USED, "identities": [DOMAIN], "metrics": RATES},
}


def say(cloud: Cloud, code: str, said: dict[str, Any]) -> None:
    """What the customer's account is to SES and CloudWatch."""
    place = f"ses-account/3000000000{code[1:]}/us-east-1"
    cloud.control("PUT", place, json.dumps(said).encode())


@pytest.fixture
def health(cloud: Cloud) -> Iterator[Cloud]:
    """Five customers: one well, one in the sandbox, one whose mail bounces, one without metrics, one of version 2."""
    cloud.put_config(fleet())
    for code, said in ACCOUNTS.items():
        say(cloud, code, said)
    with (
        tagged(cloud, OLDER, "2"),
        without(cloud, OLDER, "cloudwatch:GetMetricData"),
        without(cloud, OLDER, "ses:ListEmailIdentities"),
    ):
        yield cloud
    for code in CODES:
        say(cloud, code, {})


def statuses(result: dict[str, Any]) -> dict[str, str]:
    """The checks of a customer."""
    return {check["name"]: check["status"] for check in result["data"]["checks"]}


def test_the_health_of_a_fleet(health: Cloud) -> None:
    """One failed check fails its customer, a finding does not, and what is not known is neither."""
    mark = health.mark()
    summary = health.run(action="check-health-all", include=[*CODES])
    found = {one["customer_code"]: one for one in summary["results"]}
    assert summary["exit_code"] == 1
    assert {code: one["status"] for code, one in found.items()} == {
        **dict.fromkeys([WELL, SANDBOX, UNKNOWN], "successful"),
        **dict.fromkeys([BOUNCING, OLDER], "failed"),
    }
    assert set(statuses(found[WELL]).values()) == {"ok"}
    assert found[WELL]["warnings"] == []
    assert {**statuses(found[SANDBOX]), "sandbox": "ok"} == statuses(found[WELL])
    assert found[SANDBOX]["warnings"] == [
        f"sandbox: {IN_SANDBOX}: {ASK_AWS}",
    ]
    assert {name for name, status in statuses(found[BOUNCING]).items() if status == "failed"} == {"bounce_rate"}
    assert (found[BOUNCING]["data"]["sent"], found[BOUNCING]["data"]["bounce_percent"]) == (5_000, 6.0)
    assert found[BOUNCING]["error"]["type"] == "Unhealthy"
    assert "g…@….example" in json.dumps(found[BOUNCING], ensure_ascii=False)
    unknown = statuses(found[UNKNOWN])
    assert (unknown["bounce_rate"], unknown["complaint_rate"]) == ("no_data", "no_data")
    # Each domain is asked for once, and an address is not: it would stand in the request's path.
    asked = [entry for entry in health.journal(mark) if entry["operation"] == "GetEmailIdentity"]
    assert len(asked) == 4
    assert "hopper" not in json.dumps(health.journal(mark))


def test_a_role_of_an_older_template_fails_with_what_to_do(health: Cloud) -> None:
    """The checks that it cannot make fail by name, the others are made; validate-access had said so before."""
    summary = health.run(action="check-health-all", include=[OLDER])
    (result,) = summary["results"]
    assert statuses(result) == {
        **dict.fromkeys(["sandbox", "sending", "enforcement", "review", "quota", "suppression"], "ok"),
        **dict.fromkeys(["bounce_rate", "identities"], "failed"),
        **dict.fromkeys(["complaint_rate", "dkim", "mail_from", "configuration_set"], "no_data"),
    }
    assert (result["error"]["category"], result["error"]["type"]) == ("operation", "AccessDeniedException")
    assert result["error"]["message"].startswith("failed: bounce_rate, identities. cloudwatch.get_metric_data failed ")
    advice = {check["name"]: check["advice"] for check in result["data"]["checks"]}
    for name, permission in (("bounce_rate", "cloudwatch:GetMetricData"), ("identities", "ses:ListEmailIdentities")):
        assert f"allows {permission}: one of a template older than version 3 does not; then " in advice[name]
        assert "the customer updates the role's stack" in advice[name]
    said = health.run(action="validate-access-all", include=[OLDER])["results"][0]["data"]
    assert (said["role_version"], said["role_too_old_for"]) == (2, ["check-health"])


def test_a_domain_that_is_named_must_be_everywhere(health: Cloud) -> None:
    """A customer without it is failed; what is no domain is refused, and its value is not repeated."""
    params = {"domains": ["acme.example", "other.example"]}
    summary = health.run(action="check-health", customer_code=WELL, params=params)
    assert "the account has no identity other.example" in summary["results"][0]["error"]["message"]
    refused = health.invoke({"action": "check-health-all", "params": {"domains": ["grace@people.example"]}})
    text = json.dumps(refused.body)
    assert "$.params.domains[0]: must be a domain such as example.com" in text
    assert "grace" not in text


def test_the_command_shows_a_matrix_and_what_to_do(health: Cloud) -> None:
    """In 80 columns: a row for each customer, numbers beside the marks, and findings with their advice below."""
    chosen = [part for code in CODES for part in ("--include", code)]
    ended = ses_fleet(health, "invoke", "check-health-all", *chosen, COLUMNS="80")
    assert ended.returncode == 1
    text = ended.stdout[ended.stdout.index("Health") :]
    lines = text.splitlines()
    table = lines[: next(number for number, line in enumerate(lines) if line.startswith("   ⚠️"))]
    assert all(len(line) <= 80 for line in table)
    rows = {line.split()[0]: line.split()[1:] for line in table if line.split()}
    assert rows["customer"] == ["account", "quota", "identities", "DNS", "bounces", "complaints"]
    assert rows[WELL] == ["✅", "10", "%", "✅", "1/1", "✅", "✅", "1", "%", "✅", "0.02", "%", "✅"]
    assert rows[BOUNCING] == ["✅", "10", "%", "✅", "1/2", "⚠️", "✅", "6", "%", "❌", "0.02", "%", "✅"]
    assert rows[UNKNOWN] == ["✅", "10", "%", "✅", "1/1", "✅", "✅", "❔", "❔"]
    assert rows[OLDER] == ["✅", "10", "%", "✅", "❌", "❔", "❌", "❔"]
    below = lines.index(f"   ⚠️  {SANDBOX}: sandbox: {IN_SANDBOX}")
    assert lines[below + 1] == f"      → {ASK_AWS}"
    assert f"   ❌ {BOUNCING} (operation): failed: bounce_rate. 6 % of 5,000 messages" in text
    assert "hopper" not in ended.stdout + ended.stderr
