"""A saved plan is shown as it is, and is only offered where it can be applied."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from ses_fleet.config.topics import Topic
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet.runs.people_plan import PeoplePlan
from ses_fleet.runs.preview import Preview
from ses_fleet.runs.saved_plan import TopicsPlan, digest
from ses_fleet.runs.work import ErrorInfo
from ses_fleet_cli import confirm, saved_plans
from ses_fleet_cli.ahead import Ahead
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.invoke import Target
from ses_fleet_cli.runs import Shown
from ses_fleet_cli.show import summary_lines
from tests.unit.cli.report.parsed import Page
from tests.unit.cli.report.recorded import html, run
from tests.unit.cli.stored import NOW, S3, plan, result, summary
from tests.unit.cli.test_payload_and_prompt import Terminal

NEWS = Topic(name="news", display_name="News", description="All", default_status="OPT_OUT")
OLD = Topic(name="old", default_status="OPT_IN")
WRONG = NEWS.model_copy(update={"display_name": "Nwes", "default_status": "OPT_IN"})


def saved(*after: Topic, before: tuple[Topic, ...] | None = (NEWS, OLD)) -> TopicsPlan:
    """The plan of one customer."""
    known = () if before is None else before
    return TopicsPlan(
        contact_list="main",
        list_created=before is None,
        before=known,
        after=after,
        made_from=digest(None if before is None else "main", known),
    )


def dry_run(**more: Any) -> Shown:
    """The dry run r of two customers, an hour ago."""
    known = {
        "action": "manage-topic-all", "dry_run": True, "successful_count": 2, "differs": True,
        "started_at": f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}", "results": (result("a"), result("b")),
    }  # fmt: skip
    return Shown(plan("r", action="manage-topic-all", dry_run=True), summary("r", **{**known, **more}), "finished")


def stored(**plans: TopicsPlan) -> S3:
    """The record of r, with what was saved of its customers."""
    s3 = S3()
    for code, one in plans.items():
        s3.objects[f"runs/r/results/{code}.json"] = result(code, plan=one).model_dump_json().encode()
    return s3


def test_each_change_has_a_line_with_what_it_means() -> None:
    """What people read, and what a changed default does to those who chose nothing; nothing moves the cursor."""
    assert list(
        saved_plans.changes(saved(WRONG, Topic(name="x", default_status="OPT_OUT", description="\x1b[2J")))
    ) == [
        '~ news: display name "News" → "Nwes"',
        "~ news: default OPT_OUT → OPT_IN, so whoever made no choice gets its mail",
        '+ x: display name none, description "\\u001b[2J", default OPT_OUT',
        "- old: removed, with everybody's choice of it, which is saved before",
    ]
    made = list(saved_plans.changes(saved(NEWS, before=None)))
    assert made == ["+ the contact list main", '+ news: display name "News", description "All", default OPT_OUT']
    assert list(saved_plans.changes(saved(OLD, NEWS))) == []
    less = saved(NEWS, before=(WRONG,))
    assert "~ news: default OPT_IN → OPT_OUT, so whoever made no choice gets no mail of it any more" in list(
        saved_plans.changes(less)
    )


def test_of_people_the_numbers_are_said() -> None:
    """And nobody: their addresses lie elsewhere."""
    contacts_ = PeoplePlan(
        place="main", prefix="data/r/a/", parts=1, digest="d", created=1_200, updated=1, removed=3,
        opt_ins={"news": 1_199}, opt_outs={"old": 1}, unsubscribed=2,
    )  # fmt: skip
    assert list(saved_plans.changes(contacts_)) == [
        "+ 1,200 contacts created",
        "~ 1 contact changed",
        "- 3 contacts removed, saved before",
        "  1,199 opted in to news",
        "  1 opted out of old",
        "  2 unsubscribed from everything",
    ]
    entries = PeoplePlan(prefix="data/r/a/", parts=1, digest="d", created=1, removed=2, suppressed=1)
    again = contacts_.model_copy(update={"overwritten": 2})
    assert next(saved_plans.changes(again)) == "! 2 of these overwrite what somebody refused"
    complaint = entries.model_copy(update={"overwritten": 1})
    assert next(saved_plans.changes(complaint)) == "! 1 of these overwrites a complaint, which is taken off"
    assert list(saved_plans.changes(entries)) == [
        "+ 1 address put on the suppression list",
        "- 2 addresses taken off the suppression list",
    ]


def test_customers_of_whom_the_same_is_said_share_it() -> None:
    """Most customers first; those that stay as they are last, and those that are not in it are named."""
    s3 = stored(a=saved(NEWS, OLD), b=saved(WRONG, OLD), c=saved(WRONG, OLD))
    results = (result("a"), result("b"), result("c"), result("d", "failed"))
    shown = Shown(plan("r", codes=("a", "b", "c", "d")), dry_run(results=results).summary, "finished")
    assert saved_plans.lines(s3.bucket, shown) == [
        f"Plan r: manage-topic-all, made {shown.summary.started_at}",
        "  b, c (2 customers)",
        '    ~ news: display name "News" → "Nwes"',
        "    ~ news: default OPT_OUT → OPT_IN, so whoever made no choice gets its mail",
        "  a",
        "      nothing to change",
        "  Not in the plan, as the dry run was not successful there: d",
        "Apply exactly this: ses-fleet apply r",
    ]
    said = saved_plans.lines(s3.bucket, shown, only=["c", "a"])
    assert [line for line in said[1:] if not line.startswith("    ")] == [
        "  c",
        "  a",
        saved_plans.lines(s3.bucket, shown)[-2],
    ]


def test_a_plan_is_read_as_json_too() -> None:
    """A customer a line, whole."""
    one, other = saved(WRONG, OLD), saved(NEWS, OLD)
    (first, second) = map(json.loads, saved_plans.json_lines(stored(a=one, b=other).bucket, dry_run()))
    assert (first["customer_code"], first["changes"]) == ("a", list(saved_plans.changes(one)))
    assert TopicsPlan.model_validate(second["plan"]) == other


def check(s3: S3, shown: Shown, hours: float = 24) -> str | None:
    """Whether the plan may be applied now."""
    return saved_plans.check(s3.bucket, shown, now=NOW, hours=hours)


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (dry_run(action="describe-list-all"), "saved plans are made for manage-topic, import-aws-contact"),
        (dry_run(dry_run=False), "was no dry run"),
        (dry_run(successful_count=0), "no customer of it was successful"),
        (dry_run(started_at=f"{NOW - timedelta(hours=25):%Y-%m-%dT%H:%M:%SZ}"), "is 25.0 hours old"),
    ],
)
def test_what_is_no_plan_is_refused_before_anything_is_asked(shown: Shown, said: str) -> None:
    """Exit code 2."""
    with pytest.raises(CommandError, match=said) as error:
        check(S3(), shown)
    assert error.value.exit_code == 2


def test_a_run_that_goes_on_is_no_plan_yet_and_one_that_changes_nothing_needs_none() -> None:
    """Exit codes 2 and 0."""
    going = Shown(plan("r"), dry_run(exit_code=None).summary, "under way")
    with pytest.raises(CommandError, match="is not over yet"):
        check(S3(), going)
    with pytest.raises(CommandError, match="changes nothing: there is nothing to apply") as error:
        check(S3(), dry_run(differs=False))
    assert error.value.exit_code == 0


def test_a_plan_is_applied_by_one_run() -> None:
    """That is named once it is over, and followed while it is under way; no refused start and no other run is."""
    s3 = stored()
    assert check(s3, dry_run()) is None
    refusal = summary("r-apply", action="manage-topic-all", exit_code=2)
    s3.objects["runs/r-apply/refusals/q.json"] = refusal.model_dump_json().encode()
    assert check(s3, dry_run()) is None
    other = plan("r-apply", action="manage-topic-all")
    s3.objects["runs/r-apply/plan.json"] = other.model_dump_json().encode()
    assert check(s3, dry_run()) is None
    begun = plan("r-apply", action="manage-topic-all", plan="r")
    s3.objects["runs/r-apply/plan.json"] = begun.model_dump_json().encode()
    assert check(s3, dry_run()) == "r-apply"
    s3.objects["runs/r-apply/summary.json"] = summary("r-apply", plan="r").model_dump_json().encode()
    with pytest.raises(CommandError, match="was applied already, by run r-apply") as error:
        check(s3, dry_run())
    assert error.value.exit_code == 2
    assert saved_plans.lines(s3.bucket, dry_run())[-1] == "Applied by run r-apply"


def ask(monkeypatch: pytest.MonkeyPatch, answer: str, *lines: str, **more: Any) -> str:
    """The question; what was shown."""
    shown = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setenv("COLUMNS", "60")
    client = S3().bucket.s3
    target = Target("f", "arn:aws:lambda:eu-west-1:123456789012:function:f", {}, client, client, NOW)
    found = Ahead(Preview(customers=("a",), failed={"b": "config.json says something else of b"}), alias="hub")
    confirm.ask({"action": "manage-topic-all", "plan": "r", **more}, target, found, lines)
    return shown.getvalue()


def test_the_question_shows_the_plan_and_who_would_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """As wide as the terminal; only yes goes on."""
    said = ask(monkeypatch, "y\n", "Plan r", f"    + news: {'word ' * 20}").splitlines()
    assert max(map(len, said)) <= 60
    assert said[0] == "Plan r"
    assert said[1].startswith("    + news: word word")
    text = " ".join(" ".join(said).split())
    for part in (
        "Hub account: 123456789012 (hub), eu-west-1",
        "Customers: 1: a",
        "Cannot run: 1: b: config.json says something else of b",
        "Plan: r: exactly what it says is done, and nothing else Go on? [y/N]",
    ):
        assert part in text
    for answer in ("n\n", ""):
        with pytest.raises(CommandError, match="not confirmed") as error:
            ask(monkeypatch, answer, "Plan r")
        assert error.value.exit_code == 2


@pytest.mark.parametrize(("hours", "holds"), [(None, 24), ("1.5", 1.5), ("nonsense", 24)])
def test_how_long_a_plan_holds_is_the_deployments_setting(hours: str | None, holds: float) -> None:
    """One that is wrong the orchestrator itself names."""
    client = S3().bucket.s3
    variables = {} if hours is None else {"PLAN_HOURS": hours}
    assert Target("f", "arn", variables, client, client, NOW).plan_hours == holds


def of_apply(*results: CustomerResult) -> Summary:
    """The end of the run that applied r."""
    return run("manage-topic-all", *results, plan="r", resume={"action": "manage-topic-all", "plan": "r"})


def failed(code: str, kind: str) -> CustomerResult:
    """A customer that failed."""
    return result(code, "failed", error=ErrorInfo(category="operation", type=kind, message="m"))


def test_the_end_of_a_dry_run_says_how_it_is_applied() -> None:
    """Not if nothing differs, if it is told elsewhere, or if its records are gone."""
    offer = "   Apply exactly this: ses-fleet apply r"
    assert summary_lines(dry_run().summary, offers=True)[-1] == offer
    for without in (
        summary_lines(dry_run(differs=False).summary, offers=True),
        summary_lines(dry_run().summary),
        summary_lines(dry_run().summary, offers=True, is_last=True),
        summary_lines(dry_run(dry_run=False).summary, offers=True),
    ):
        assert offer not in without


def test_where_the_plan_does_not_hold_any_more_another_one_is_made() -> None:
    """A resume would fail again; where it would not, it is what is offered."""
    stale = of_apply(result("a"), failed("b", "PlanStale"), failed("c", "ConfigurationChanged"))
    assert summary_lines(stale)[-1] == (
        "   Plan anew where the plan does not hold any more: the dry run that `ses-fleet runs show r` shows, with "
        "--include b --include c in the place of its customers"
    )
    mixed = of_apply(failed("b", "PlanStale"), failed("c", "Throttled"))
    assert summary_lines(mixed)[-1] == "   Run the rest: ses-fleet runs resume run-1"
    single = of_apply(failed("b", "PlanStale")).model_copy(update={"action": "manage-topic"})
    assert summary_lines(single)[-1].endswith("the dry run that `ses-fleet runs show r` shows")
    both = "\n".join(summary_lines(mixed))
    assert "with --include b in the place of its customers" in both
    report = Page(html(stale)).text
    assert "runs resume" not in report
    assert "with --include b --include c in the place of its customers" in report


def test_who_was_left_out_of_a_plan_is_said_at_the_end() -> None:
    """How many, of which customers, and how to see whom; nothing where nobody was."""
    left = of_apply(result("a", data={"left_out": 2}), result("b", data={"left_out": 0}), failed("c", "PlanStale"))
    (said,) = [line for line in summary_lines(left) if "left out" in line]
    assert said == "   👋 2 left out of the plan (a); whom, and why: ses-fleet runs show run-1 --changes"
    assert not any("left out" in line for line in summary_lines(of_apply(result("a", data={"left_out": 0}))))


def test_a_dry_run_of_people_says_how_to_look_at_whom() -> None:
    """Before it is applied; a plan of topics says all of it itself."""
    people = summary_lines(dry_run(action="set-contacts-all").summary, offers=True)
    assert people[-2:] == [
        "   Look at whom, and what: ses-fleet runs show r --changes",
        "   Apply exactly this: ses-fleet apply r",
    ]
    assert not any("Look at whom" in line for line in summary_lines(dry_run().summary, offers=True))


def test_the_report_of_a_dry_run_shows_the_plan_and_the_command() -> None:
    """Of all customers, as text alone."""
    hostile = NEWS.model_copy(update={"display_name": "<b>x</b>"})
    results = (result("a", plan=saved(hostile, OLD)), result("b", plan=saved(NEWS, OLD)))
    text = html(run("manage-topic-all", *results, dry_run=True, differs=True))
    assert "<b>x</b>" not in text
    shown = Page(text).text
    assert 'a ~ news: display name "News" → "<b>x</b>"' in shown
    assert "b Nothing to change." in shown
    assert "ses-fleet apply run-1" in shown
    assert "The plan" not in Page(html(of_apply(result("a")))).text


def test_a_resume_of_a_plan_says_so_in_its_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """No dry run of it is looked for: the plan is one."""
    said = ask(monkeypatch, "y\n", resumes="r-apply", include=["b"])
    assert "Plan:" in said
    assert "Dry run:" not in said
