"""check-health: what keeps an account from sending is failed, what may is a finding, what is not known is not ok."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.actions.params import CheckHealthParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker.actions import check_health
from strict_aws.cloudwatch.service import Point
from strict_aws.ses.account import Standing
from strict_aws.ses.identities import Identity, MailFrom
from tests.unit.worker.scripted import Pages, Scripted
from tests.unit.worker.world import ACCOUNT, REGION, Fault, Finished, World

DOMAIN = Identity("acme.example")
WELL = {"Send": 5_000, "Bounce": 10, "Complaint": 1, "Reputation.BounceRate": 0.001, "Reputation.ComplaintRate": 0.0001}
NAMES = [
    *("sandbox", "sending", "enforcement", "review", "quota", "suppression", "bounce_rate", "complaint_rate"),
    *("identities", "dkim", "mail_from", "configuration_set"),
]


class Account(World):
    """An account in which everything is well, unless it is said otherwise."""

    def __init__(self, *identities: Identity, metrics: dict[str, float] | None = None, **account: Any) -> None:
        conditions = account.pop("conditions", {})
        super().__init__(made=False, **conditions)
        granted = {"review_status": "GRANTED", "max_24_hour_send": 50_000, "sent_last_24_hours": 5_000}
        standing = Standing(**{**granted, **account.pop("standing", {})})
        self.ses.set_account(ACCOUNT, REGION, standing=standing, **account)
        self.ses.set_identities(ACCOUNT, REGION, identities or [DOMAIN])
        for name, value in (WELL if metrics is None else metrics).items():
            self.cloudwatch.put(ACCOUNT, REGION, "AWS/SES", name, [value])

    def check(self, **params: Any) -> Finished:
        """The action to its end."""
        return self.run(check_health.run, CheckHealthParams.model_validate(params))

    def rows(self, **params: Any) -> dict[str, dict[str, str]]:
        """The checks by name."""
        return {row["name"]: row for row in self.check(**params).data["checks"]}

    def status(self, name: str, **params: Any) -> str:
        """Of one check."""
        return self.rows(**params)[name]["status"]


def test_an_account_in_which_everything_is_well() -> None:
    """Every check ok, in order, with nothing to do; no warning, no failure, and the numbers behind it."""
    world = Account()
    done = world.check()
    assert [(row["name"], row["status"], row["advice"]) for row in done.data["checks"]] == [
        (name, "ok", "") for name in NAMES
    ]
    assert (done.failure, world.warnings) == (None, [])
    assert {key: value for key, value in done.data.items() if key not in ("checks", "identities")} == {
        "quota_percent": 10.0,
        "sent": 5_000,
        "bounce_percent": 0.2,
        "complaint_percent": 0.02,
        "identities_total": 1,
        "identities_verified": 1,
    }
    assert done.data["identities"] == [
        {
            "identity": "acme.example",
            "is_address": False,
            "verification": "ok",
            "dkim": "ok",
            "mail_from": "ok",
            "configuration_set": "ok",
            "configuration_set_name": None,
            "detail": "",
        }
    ]
    assert world.asked == ["GetAccount", "ListEmailIdentities", "GetEmailIdentity"]
    assert len(world.cloudwatch_client.asked) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("account", "name", "status", "text", "advice"),
    [
        ({"production_access": False}, "sandbox", "finding", "in the sandbox", "request production access"),
        ({"sending_enabled": False}, "sending", "failed", "sending is disabled", "SES console"),
        ({"standing": {"enforcement_status": "PROBATION"}}, "enforcement", "finding", "under review", "AWS's message"),
        ({"standing": {"enforcement_status": "SHUTDOWN"}}, "enforcement", "failed", "paused", "ask it to resume"),
        ({"standing": {"enforcement_status": "ODD\x1b"}}, "enforcement", "finding", "is ODD\\u001b", "SES console"),
        ({"standing": {"review_status": "PENDING"}}, "review", "finding", "under review", "wait"),
        ({"standing": {"review_status": "DENIED", "review_case_id": "c-1"}}, "review", "finding", "case c-1", "anew"),
        ({"standing": {"review_status": "FAILED"}}, "review", "finding", "did not receive", "send it again"),
        ({"standing": {"review_status": None}}, "review", "no_data", "no request", ""),
        ({"reasons": ["BOUNCE"]}, "suppression", "finding", "for COMPLAINT", "turn it on"),
        ({"reasons": []}, "suppression", "finding", "for BOUNCE and COMPLAINT", "turn it on"),
        ({"standing": {"sent_last_24_hours": 39_999}}, "quota", "ok", "80 % of the", ""),
        ({"standing": {"sent_last_24_hours": 40_000}}, "quota", "finding", "40,000 of 50,000", "higher quota"),
        ({"standing": {"sent_last_24_hours": 50_000}}, "quota", "failed", "100 % of the", "higher quota"),
        ({"standing": {"max_24_hour_send": -1}}, "quota", "ok", "no sending quota", ""),
        ({"standing": {"max_24_hour_send": 0}}, "quota", "failed", "quota is 0", "SES console"),
    ],
)
def test_what_ses_says_of_the_account(account: dict[str, Any], name: str, status: str, text: str, advice: str) -> None:
    """By check: what it is, and what to do; all other checks are as ever."""
    world = Account(**account)
    rows = world.rows()
    found = rows.pop(name)
    assert (found["status"], text in found["detail"], advice in found["advice"]) == (status, True, True), found
    assert bool(found["advice"]) == (status in ("finding", "failed"))
    assert {row["status"] for row in rows.values()} == {"ok"}
    told = [f"{name}: {found['detail']}: {found['advice']}"] if status == "finding" else []
    assert world.warnings == told


def test_nobody_is_told_to_ask_for_what_was_asked_for() -> None:
    """Of an account in the sandbox whose request AWS looks at, both checks say to wait."""
    rows = Account(production_access=False, standing={"review_status": "PENDING"}).rows()
    assert (rows["sandbox"]["status"], rows["review"]["status"]) == ("finding", "finding")
    assert "wait for its answer" in rows["sandbox"]["advice"]
    assert "console" not in rows["sandbox"]["advice"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, {"sandbox": "finding", "sending": "failed", "enforcement": "no_data", "quota": "no_data"}),
        ({"SendQuota": {"Max24HourSend": 100.0}}, {"quota": "no_data"}),
        ({"SuppressionAttributes": None}, {"suppression": "finding", "review": "no_data"}),
        ({"SuppressionAttributes": {"SuppressedReasons": None}}, {"suppression": "finding"}),
    ],
)
def test_what_ses_leaves_out_is_never_ok(answer: dict[str, Any], expected: dict[str, str]) -> None:
    """A boolean that is absent is false and a list empty; a number or a status that is absent is not known."""
    world = Account()
    aws = Scripted({"get_account": lambda _: answer, "list_email_identities": lambda _: {}})
    world.client.call = aws.call  # type: ignore[method-assign]
    rows = world.rows()
    assert {name: rows[name]["status"] for name in expected} == expected


@pytest.mark.parametrize(
    ("metrics", "status", "text"),
    [
        ({**WELL, "Bounce": 99}, "ok", "1.98 % of 5,000 messages of the last 24 hours bounced"),
        ({**WELL, "Bounce": 100}, "finding", "2 % of 5,000"),
        ({**WELL, "Bounce": 250}, "failed", "5 % of 5,000"),
        # AWS's own rate counts as much.
        ({**WELL, "Reputation.BounceRate": 0.02}, "finding", "AWS's own rate is 2 %"),
        ({**WELL, "Reputation.BounceRate": 0.12}, "failed", "AWS's own rate is 12 %"),
        ({"Send": 5_000, "Bounce": 10}, "ok", "CloudWatch has no Reputation.BounceRate"),
        ({"Send": 5_000, "Reputation.BounceRate": 0.01}, "ok", "CloudWatch has no Bounce; AWS's own rate is 1 %"),
        # What is missing is not zero.
        ({"Send": 5_000}, "no_data", "of 5,000 messages of the last 24 hours CloudWatch has no Bounce"),
        ({}, "no_data", "of the last 24 hours CloudWatch has no Send"),
        ({"Bounce": 0}, "no_data", "CloudWatch has no Send"),
        ({"Reputation.BounceRate": 0.01}, "no_data", "CloudWatch has no Send"),
        # Too little for a rate, good or bad; AWS's own may still be bad.
        ({"Send": 999, "Bounce": 0}, "no_data", "only 999 messages in the last 24 hours, 1,000 are needed for a rate"),
        ({"Send": 999, "Bounce": 500}, "no_data", "only 999 messages"),
        ({"Send": 999, "Reputation.BounceRate": 0.001}, "no_data", "only 999 messages"),
        ({"Send": 999, "Reputation.BounceRate": 0.03}, "finding", "AWS's own rate is 3 %"),
        ({"Reputation.BounceRate": 0.06}, "failed", "AWS's own rate is 6 %"),
        ({"Send": 1_000, "Bounce": 0}, "ok", "0 % of 1,000"),
    ],
)
def test_a_bounce_rate(metrics: dict[str, float], status: str, text: str) -> None:
    """The worse of the last day's and AWS's own decides; a metric that is missing is never ok by itself."""
    row = Account(metrics=metrics).rows()["bounce_rate"]
    assert (row["status"], text in row["detail"]) == (status, True), row
    assert ("take those addresses off" in row["advice"]) == (status in ("finding", "failed"))


@pytest.mark.parametrize(
    ("complaints", "status", "text"),
    [(4, "ok", "0.08 %"), (5, "finding", "0.1 %"), (24, "finding", "0.48 %"), (25, "failed", "0.5 %")],
)
def test_a_complaint_rate_has_thresholds_of_its_own(complaints: int, status: str, text: str) -> None:
    """Those that AWS publishes; bounces are as ever."""
    rows = Account(metrics={**WELL, "Complaint": complaints}).rows()
    assert (rows["complaint_rate"]["status"], rows["bounce_rate"]["status"]) == (status, "ok")
    assert f"{text} of 5,000 messages of the last 24 hours were complained about" in rows["complaint_rate"]["detail"]


def test_thresholds_and_the_least_volume_are_parameters() -> None:
    """Of bounces, complaints, the quota and how much must be sent."""
    world = Account(metrics={"Send": 100, "Bounce": 3, "Complaint": 1})
    few = {"minimum_sent": 100}
    assert world.status("bounce_rate", **few) == "finding"
    assert world.status("bounce_rate", **few, bounce_finding_percent=3.5) == "ok"
    assert world.status("bounce_rate", **few, bounce_failed_percent=3) == "failed"
    assert world.status("complaint_rate", **few) == "failed"
    assert world.status("complaint_rate", **few, complaint_failed_percent=2) == "finding"
    assert world.status("complaint_rate", **few, complaint_finding_percent=2, complaint_failed_percent=2) == "ok"
    assert world.status("quota", quota_finding_percent=10) == "finding"
    assert world.status("quota", quota_finding_percent=5, quota_failed_percent=10) == "failed"


def test_rates_are_of_the_last_day() -> None:
    """What was sent and bounced before that does not count; AWS's rate is its newest."""
    world = Account(metrics={})
    now, day = time.time(), 86_400
    for name, points in {
        "Send": [Point(now - day - 600, 90_000), Point(now - day + 600, 900), Point(now - 60, 100)],
        "Bounce": [Point(now - day - 600, 80_000), Point(now - 60, 1)],
        "Reputation.BounceRate": [Point(now - 7200, 0.2), Point(now - 3600, 0.01)],
    }.items():
        world.cloudwatch.put(ACCOUNT, REGION, "AWS/SES", name, points)
    done = world.check()
    assert (done.data["sent"], done.data["bounce_percent"]) == (1_000, 0.1)
    row = next(row for row in done.data["checks"] if row["name"] == "bounce_rate")
    assert (row["status"], "AWS's own rate is 1 %" in row["detail"]) == ("ok", True)


def test_metrics_of_a_configuration_set_are_not_those_of_the_account() -> None:
    """They have dimensions, and are of a part of the mail."""
    world = Account(metrics={})
    world.cloudwatch.put(ACCOUNT, REGION, "AWS/SES", "Send", [5_000], {"ses:configuration-set": "set"})
    assert "CloudWatch has no Send" in world.rows()["bounce_rate"]["detail"]


@pytest.mark.parametrize("code", ["InternalError", "Forbidden", "PartialData", None])
def test_metrics_that_did_not_come_whole_are_no_data(code: str | None) -> None:
    """Half of the bounces would be half of the rate."""
    world = Account()
    result = {"Id": "m1", "Values": [5.0], "Timestamps": [], "StatusCode": code}
    sent = {"Id": "m0", "Values": [5_000.0], "Timestamps": [], "StatusCode": "Complete"}
    world.cloudwatch_client = Scripted({"get_metric_data": lambda _: {"MetricDataResults": [sent, result]}})
    done = world.check()
    row = next(row for row in done.data["checks"] if row["name"] == "bounce_rate")
    assert (row["status"], row["advice"]) == ("no_data", "run it again")
    assert f"did not give all of Bounce ({code or 'no status'})" in row["detail"]
    assert done.data["bounce_percent"] is None


def test_metrics_of_many_pages_are_put_together() -> None:
    """Also when a token is refused: then all is read again, and nothing is counted twice."""

    def page(sent: float, code: str) -> dict[str, Any]:
        return {"Id": "m0", "Values": [sent], "Timestamps": [], "StatusCode": code}

    bounced = {"Id": "m1", "Values": [30.0], "Timestamps": [], "StatusCode": "Complete"}
    told = [[page(600, "PartialData")], [page(400, "Complete"), bounced]]
    for refused in (set[int](), {1}):
        pages = Pages("MetricDataResults", told)
        pages.refused, pages.code = refused, "InvalidNextToken"
        world = Account()
        world.cloudwatch_client = Scripted({"get_metric_data": pages})
        done = world.check()
        assert (done.data["sent"], done.data["bounce_percent"]) == (1_000, 3.0)
        assert pages.was_refused == bool(refused)


BROKEN = Identity("broken.example", verification_status="FAILED", sending_enabled=False)
PENDING = Identity("new.example", verification_status="PENDING", sending_enabled=False)
UNSIGNED = Identity("unsigned.example", dkim_status="FAILED")


@pytest.mark.parametrize(
    ("identities", "name", "status", "text"),
    [
        ([DOMAIN, BROKEN], "identities", "finding", "1 of 2 verified and may send; not broken.example"),
        ([DOMAIN, PENDING], "identities", "finding", "new.example (verification PENDING)"),
        (
            [DOMAIN, Identity("late.example", verification_status="TEMPORARY_FAILURE")],
            "identities",
            "finding",
            "late.example (verification TEMPORARY_FAILURE)",
        ),
        ([DOMAIN, Identity("off.example", sending_enabled=False)], "identities", "finding", "is disabled"),
        ([BROKEN, PENDING], "identities", "failed", "of 2 identities none is verified: nothing can be sent"),
        ([DOMAIN, UNSIGNED], "dkim", "finding", "1 of 2 signed by DKIM; not unsigned.example (DKIM FAILED)"),
        ([Identity("a.example", dkim_signing=False)], "dkim", "finding", "a.example (DKIM signing is off)"),
        (
            [Identity("a.example", mail_from=MailFrom("m.a.example", "FAILED"))],
            "mail_from",
            "finding",
            "a.example (MAIL FROM m.a.example FAILED, SES's own is used)",
        ),
        (
            [Identity("a.example", mail_from=MailFrom("m.a.example", "PENDING", "REJECT_MESSAGE"))],
            "mail_from",
            "finding",
            "SES refuses its mail",
        ),
        ([Identity("a.example", mail_from=MailFrom("m.a.example"))], "mail_from", "ok", "1 of 1"),
        ([Identity("ada@a.example")], "dkim", "no_data", "no verified domain was looked at"),
    ],
)
def test_what_is_wrong_with_identities(identities: list[Identity], name: str, status: str, text: str) -> None:
    """Over all of the account: one that nobody sends from any more is a finding, none at all is failed."""
    row = Account(*identities).rows()[name]
    assert (row["status"], text in row["detail"]) == (status, True), row
    assert bool(row["advice"]) == (status in ("finding", "failed"))


def test_an_account_without_identities_cannot_send() -> None:
    """That is failed, and not an empty list of what is well."""
    world = Account()
    world.ses.set_identities(ACCOUNT, REGION, [])
    done = world.check()
    rows = {row["name"]: row for row in done.data["checks"]}
    assert rows["identities"]["detail"] == "the account has no identities: nothing can be sent"
    assert done.failure is not None
    assert (done.failure.category, done.failure.type, done.failure.retryable) == ("operation", "Unhealthy", False)


def test_a_domain_that_is_named_must_be_there_and_be_well() -> None:
    """Only those are looked at; what is a finding over all identities is failed of one that is named."""
    world = Account(
        DOMAIN, BROKEN, Identity("m.example", mail_from=MailFrom("x.m.example", "FAILED", "REJECT_MESSAGE"))
    )
    done = world.check(domains=["Acme.example", "acme.example"])
    assert done.failure is None
    assert (done.data["identities_total"], done.data["identities_verified"]) == (1, 1)
    assert world.asked == ["GetAccount", "GetEmailIdentity"]
    assert world.status("identities", domains=["broken.example"]) == "failed"
    assert world.status("mail_from", domains=["m.example"]) == "failed"
    done = world.check(domains=["acme.example", "gone.example", "lost.example"])
    assert (done.data["identities_total"], done.data["identities_verified"]) == (3, 1)
    row = next(one for one in done.data["checks"] if one["name"] == "identities")
    assert row["status"] == "failed"
    assert row["detail"] == "the account has no identity gone.example, lost.example"
    assert "params.domains" in row["advice"]


def test_a_configuration_set_is_asked_for_by_name() -> None:
    """Without the parameter any will do; the data has the one that is there."""
    world = Account(Identity("a.example", configuration_set="mine"), Identity("b.example"))
    assert world.status("configuration_set") == "ok"
    row = world.rows(configuration_set="mine")["configuration_set"]
    assert (row["status"], row["detail"]) == (
        "finding",
        "1 of 2 with the configuration set that is wanted; not b.example (configuration set none, not mine)",
    )
    names = [one["configuration_set_name"] for one in world.check(configuration_set="mine").data["identities"]]
    assert names == [None, "mine"]


def test_an_address_among_the_identities_is_nowhere_told() -> None:
    """Not in data, lines, warnings, failures or what slices hand on; nor is it asked for alone."""
    address = "ada.lovelace@people.example"
    world = Account(DOMAIN, Identity(address, verification_status="FAILED"), Identity("bob@people.example"))
    done = world.run(check_health.run, CheckHealthParams(), budget=0.5, per_second=0.4)
    row = next(row for row in done.data["checks"] if row["name"] == "identities")
    assert "not a…@….example (verification FAILED)" in row["detail"]
    assert [one["identity"] for one in done.data["identities"]] == ["a…@….example", "b…@….example", "acme.example"]
    everything = json.dumps([done.data, world.lines, world.warnings, world.states], ensure_ascii=False)
    for part in ("lovelace", "ada.", "people.example", "bob"):
        assert part not in everything
    assert world.asked.count("GetEmailIdentity") == 1


def test_an_address_is_masked_in_what_a_slice_hands_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while the listing is still read, and in the failure of an account that can send from nothing."""
    monkeypatch.setattr(limits, "SES_PAGE_SIZE", 1)
    refused = [Identity(f"person{n}@people.example", verification_status="FAILED") for n in range(9)]
    world = Account(*refused)
    done = world.run(check_health.run, CheckHealthParams(), budget=2.5, per_second=1)
    assert any(state["step"] == "list" and state["tally"]["rows"] for state in world.states)
    assert "person" not in json.dumps([world.states, done.data, world.lines, str(done.failure)])


def test_identities_take_as_many_slices_as_they_need() -> None:
    """At one request a second; each domain is asked for once, and the account and CloudWatch are not asked again."""
    world = Account(*(Identity(f"d{n:02d}.example") for n in range(40)), Identity("bad.example", dkim_status="FAILED"))
    done = world.run(check_health.run, CheckHealthParams(), budget=6.0, per_second=1)
    assert world.slices > 3
    assert {name: world.asked.count(name) for name in set(world.asked)} == {
        "GetAccount": 1,
        "ListEmailIdentities": 1,
        "GetEmailIdentity": 41,
    }
    assert len(world.cloudwatch_client.asked) == 1  # type: ignore[attr-defined]
    assert [row["name"] for row in done.data["checks"]] == NAMES
    assert (done.data["identities_total"], done.data["identities_verified"]) == (41, 41)
    assert next(row for row in done.data["checks"] if row["name"] == "dkim")["detail"].startswith("40 of 41 signed")
    assert [warning.partition(":")[0] for warning in world.warnings] == ["dkim"]


def test_a_listing_of_many_pages_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """In another slice; nothing is counted twice."""
    monkeypatch.setattr(limits, "SES_PAGE_SIZE", 2)
    world = Account(*(Identity(f"d{n}.example") for n in range(25)))
    done = world.run(check_health.run, CheckHealthParams(), budget=2.5, per_second=1)
    assert (done.data["identities_total"], world.asked.count("ListEmailIdentities")) == (25, 13)
    assert any(state["step"] == "list" and state["page"]["token"] for state in world.states)


def test_a_listing_whose_token_is_refused_is_read_again() -> None:
    """From its beginning, with nothing counted twice; refused once more, its check fails and the others are made."""
    listed = [
        [{"IdentityName": f"d{n}.example", "VerificationStatus": "PENDING"} for n in page] for page in ((0, 1), (2,))
    ]
    for refused, total, text in (
        ({1}, 3, "of 3 identities none is verified"),
        ({1, 2}, None, "and another one when the listing was read again"),
    ):
        pages = Pages("EmailIdentities", listed)
        pages.refused = refused
        world = Account()
        aws = Scripted({"get_account": lambda _: {}, "list_email_identities": pages})
        world.client.call = aws.call  # type: ignore[method-assign]
        done = world.check()
        row = next(row for row in done.data["checks"] if row["name"] == "identities")
        assert (row["status"], text in row["detail"], done.data["identities_total"]) == ("failed", True, total)


def test_more_domains_than_are_asked_for_are_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is counted as the listing has it, and its DKIM is no_data, not ok."""
    monkeypatch.setattr(limits, "HEALTH_DOMAINS", 2)
    rows = Account(*(Identity(f"d{n}.example") for n in range(5))).rows()
    assert (rows["identities"]["status"], rows["identities"]["detail"]) == ("ok", "5 of 5 verified and may send")
    for name in ("dkim", "mail_from"):
        assert rows[name]["status"] == "no_data"
        assert "3 more were not asked: name them in params.domains" in rows[name]["detail"]
    assert "2 of 2 signed by DKIM" in rows["dkim"]["detail"]


def test_data_names_so_many_identities_and_counts_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with something to say are named first; a text names a few."""
    monkeypatch.setattr(limits, "HEALTH_IDENTITIES", 8)
    bad = [Identity(f"bad{n}.example", dkim_status="PENDING") for n in range(7)]
    world = Account(*(Identity(f"d{n}.example") for n in range(10)), *bad)
    done = world.check()
    named = [one["identity"] for one in done.data["identities"]]
    assert (named[:7], len(named), done.data["identities_total"]) == ([one.name for one in bad], 8, 17)
    row = next(row for row in done.data["checks"] if row["name"] == "dkim")
    assert row["detail"].startswith("10 of 17 signed by DKIM; not bad0.example (DKIM PENDING), ")
    assert row["detail"].endswith(" and 2 more")


def test_an_identity_that_goes_while_it_is_read_is_not_counted() -> None:
    """It was deleted after it was listed."""
    world = Account(DOMAIN, Identity("gone.example"))
    real = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if parameters.get("EmailIdentity") == "gone.example":
            raise AwsCallError("sesv2", operation, "refused", "NotFoundException", "no", 404)
        return real(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]
    done = world.check()
    assert (done.failure, done.data["identities_total"]) == (None, 1)


@pytest.mark.parametrize(
    ("number", "name", "rest"),
    [
        (1, "sending", {"bounce_rate": "ok", "identities": "ok"}),
        (2, "identities", {"sending": "ok", "dkim": "no_data", "mail_from": "no_data", "configuration_set": "no_data"}),
        (3, "identities", {"sending": "ok", "dkim": "no_data", "mail_from": "no_data", "configuration_set": "no_data"}),
    ],
)
def test_a_call_that_is_refused_fails_its_check_and_no_other(number: int, name: str, rest: dict[str, str]) -> None:
    """What could not be asked is not known, and never ok; the others are still made."""
    world = Account()
    world.client.faults[number] = Fault("refused")
    done = world.check()
    rows = {row["name"]: row for row in done.data["checks"]}
    assert rows[name]["status"] == "failed"
    assert "failed (Refused)" in rows[name]["detail"]
    assert "allows ses:" in rows[name]["advice"]
    assert {one: rows[one]["status"] for one in rest} == rest
    assert done.failure is not None
    assert (done.failure.type, done.failure.retryable) == ("Refused", False)
    if name == "identities":
        assert (done.data["identities_total"], done.data["identities"]) == (None, [])


def test_a_role_without_cloudwatch_is_told_to_be_of_an_older_template() -> None:
    """The permission, the version that brings it, and whose stack is updated; complaints are no_data."""

    def deny(_: dict[str, Any]) -> dict[str, Any]:
        raise AwsCallError("cloudwatch", "get_metric_data", "refused", "AccessDenied", "no", 403)

    world = Account()
    world.cloudwatch_client = Scripted({"get_metric_data": deny})
    done = world.check()
    rows = {row["name"]: row for row in done.data["checks"]}
    assert (rows["bounce_rate"]["status"], rows["complaint_rate"]["status"]) == ("failed", "no_data")
    assert "allows cloudwatch:GetMetricData: one of a template older than version 3" in rows["bounce_rate"]["advice"]
    assert done.failure is not None
    assert done.failure.message.startswith("failed: bounce_rate. cloudwatch.get_metric_data failed (AccessDenied): ")


def test_what_is_of_the_moment_can_be_run_again() -> None:
    """Unless something else failed, too, that will not pass."""

    def busy(_: dict[str, Any]) -> dict[str, Any]:
        raise AwsCallError("cloudwatch", "get_metric_data", "server", "InternalServiceFault", "no", 500)

    for sending, retryable in ((True, True), (False, False)):
        world = Account(sending_enabled=sending)
        world.cloudwatch_client = Scripted({"get_metric_data": busy})
        failure = world.check().failure
        assert failure is not None
        assert failure.retryable == retryable


def test_every_failed_check_is_in_the_failure_with_what_to_do() -> None:
    """Names first, as a message may be cut."""
    failure = Account(sending_enabled=False, standing={"enforcement_status": "SHUTDOWN"}).check().failure
    assert failure is not None
    assert failure.message.startswith("failed: sending, enforcement. sending is disabled: SES refuses all mail: look ")
    assert "paused the account's sending (SHUTDOWN): mend what" in failure.message


def test_a_role_that_cannot_be_assumed_fails_the_customer_as_in_every_action() -> None:
    """Nothing was looked at, so no check says anything."""

    def action(context: Any, params: Any, state: Any) -> Any:
        def refuse() -> Any:
            raise CustomerError("authentication", "AccessDenied", "could not assume it: look here")

        context.open_ses = refuse
        return check_health.run(context, params, state)

    with pytest.raises(CustomerError) as error:
        Account().run(action, CheckHealthParams())
    assert error.value.category == "authentication"


def test_the_block_has_a_line_for_each_check() -> None:
    """With a mark, and what to do behind a colon."""
    world = Account(production_access=False, metrics={"Send": 5_000, "Bounce": 400})
    world.check()
    assert len(world.lines) == len(NAMES)
    assert world.lines[0].startswith("⚠️  Customer acme: sandbox: SES is in the sandbox: it sends to")
    assert any(line.startswith("❌ Customer acme: bounce_rate: 8 % of 5,000") for line in world.lines)
    assert any(line.startswith("❔ Customer acme: complaint_rate: ") for line in world.lines)
    assert any(line.startswith("✅ Customer acme: dkim: 1 of 1 signed by DKIM") for line in world.lines)
