"""`runs diff`: what changed between two runs, said of exactly those customers that both runs were for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet.runs.models import CustomerResult
from ses_fleet.runs.summary import SHORTENED
from ses_fleet.runs.work import ErrorInfo
from ses_fleet_cli import diff, diff_text, runs
from ses_fleet_cli.diff import Compared
from ses_fleet_cli.errors import CommandError
from tests.unit.cli.stored import S3, plan, result, summary

DENIED = ErrorInfo(category="authentication", type="AccessDenied", message="the role cannot be assumed")


def topics(code: str, *found: tuple[str, int], **more: Any) -> CustomerResult:
    """A customer's topics, with how many are opted in."""
    return result(code, data={"topics": [{"name": name, "opted_in": count} for name, count in found]}, **more)


def record(s3: S3, run_id: str, *results: CustomerResult, action: str = "describe-topics-all", **asked: Any) -> None:
    """Have this run, which is over."""
    codes = tuple(one.customer_code for one in results)
    s3.objects[f"runs/{run_id}/plan.json"] = (
        plan(run_id, codes=codes, action=action, **asked).model_dump_json().encode()
    )
    over = summary(run_id, action=action, results=results, dry_run=asked.get("dry_run", False))
    s3.objects[f"runs/{run_id}/summary.json"] = over.model_dump_json().encode()


def compared(s3: S3, before: str = "r1", after: str = "r2") -> Compared:
    """What the command finds."""
    return diff.compare(s3.bucket, runs.look(s3.bucket, before), runs.look(s3.bucket, after))


def refused(s3: S3) -> CommandError:
    """How the command ends that cannot compare them."""
    with pytest.raises(CommandError) as error:
        compared(s3)
    return error.value


def test_what_changed_is_told_by_customer() -> None:
    """Numbers with their difference; customers of which the same changed share a block."""
    s3 = S3()
    record(s3, "r1", topics("a", ("news", 3)), topics("b", ("news", 1)), topics("c", ("news", 9)), topics("d"))
    changed = (result("b", "failed", error=DENIED), result("c", "failed", error=DENIED))
    record(s3, "r2", topics("a", ("news", 1_203)), *changed, topics("d"))
    found = compared(s3)
    assert found.differs
    assert list(diff_text.lines(found)) == [
        "A  r1  describe-topics-all  2026-03-01T06:00:00Z",
        "B  r2  describe-topics-all  2026-03-01T06:00:00Z",
        "",
        "a",
        "   topics.news.opted_in: 3 → 1,203 (+1,200)",
        "",
        "b, c (2 customers)",
        "   status: successful → failed",
        "   error: new: AccessDenied: the role cannot be assumed",
        "",
        "📊 Customers changed: 3, unchanged: 1",
    ]
    document = json.loads(diff.as_json(found))
    assert (document["differs"], document["unchanged"]) == (True, ["d"])
    assert document["changed"][0] == {
        "customer_code": "a",
        "changes": [{"path": ["topics", "news", "opted_in"], "from": 3, "to": 1203}],
    }


def test_nothing_changed_although_time_has_passed() -> None:
    """Durations, attempts and places of files differ from run to run, and so does a run's own id in its messages."""
    s3 = S3()
    for run_id, seconds in (("r1", 1.0), ("r2", 2.5)):
        failed = DENIED.model_copy(update={"message": f"see runs/{run_id}/ and r12"})
        one = topics("a", ("news", 3), processing_time_seconds=seconds, attempts=int(seconds), data_location=run_id)
        record(s3, run_id, one, result("b", "failed", error=failed, warnings=(f"as {run_id} says",)))
    found = compared(s3)
    assert not found.differs
    assert list(diff_text.lines(found))[2:] == [
        "",
        "📊 Nothing changed (2 customers compared)",
        "   ⚠️  Of 1 unchanged customer neither run found anything out: b",
    ]


@pytest.mark.parametrize("asked", [{"include": ["a"]}, {"exclude": ["b"]}, {"environment": "prod"}])
def test_who_was_not_chosen_has_not_changed(asked: dict[str, Any]) -> None:
    """It is named. Where the run was for all customers, it is new or gone."""
    s3 = S3()
    record(s3, "r1", topics("a"), topics("b"))
    record(s3, "r2", topics("a"), **asked)
    record(s3, "r3", topics("a"))
    assert not compared(s3).differs
    assert "Only in A: b; B is of chosen customers, so that is no change" in diff_text.lines(compared(s3))
    assert not compared(s3, "r2", "r1").differs
    assert "Only in B: b; A is of chosen customers, so that is no change" in diff_text.lines(compared(s3, "r2", "r1"))
    gone, new = compared(s3, "r1", "r3"), compared(s3, "r3", "r1")
    assert (gone.differs, gone.gone, gone.new) == (True, ("b",), ())
    assert (new.differs, new.gone, new.new) == (True, (), ("b",))
    assert "Only in A: b" in diff_text.lines(gone)


def test_one_customers_run_is_compared_with_everybodys() -> None:
    """Both forms are one action."""
    s3 = S3()
    record(s3, "r1", topics("a", ("news", 1)), topics("b"))
    record(s3, "r2", topics("a", ("news", 2)), action="describe-topics", customer_code="a")
    assert list(compared(s3).changed) == ["a"]
    assert compared(s3).gone == ()


def test_what_was_asked_differently_is_said() -> None:
    """What the run was to do, not how it was carried out; it is no change of a customer."""
    s3 = S3()
    one = result("a", data={"total": 1})
    record(s3, "r1", one, action="list-contacts-all", params={"topic": "news"}, max_customer_concurrency=3)
    record(s3, "r2", one, action="list-contacts-all", params={"topic": "offers"}, on_deadline="continue")
    found = compared(s3)
    assert not found.differs
    assert list(diff_text.lines(found))[2:5] == ["", "Asked for differently:", "   params.topic: news → offers"]


def test_a_dry_run_is_compared_with_what_it_said_would_be_done() -> None:
    """Of an action that writes. One that reads does nothing in a dry run, so there is nothing to compare."""
    s3 = S3()
    record(s3, "r1", result("a", data={"added": ["news"]}), action="manage-topic-all", dry_run=True)
    record(s3, "r2", result("a", data={"added": ["news"]}), action="manage-topic-all")
    assert not compared(s3).differs
    assert "A  r1  manage-topic-all, dry run  2026-03-01T06:00:00Z" in diff_text.lines(compared(s3))
    record(s3, "r1", result("a", data={"would_use": {}}), dry_run=True)
    record(s3, "r2", topics("a"))
    assert "r1 is a dry run of describe-topics" in refused(s3).message
    assert refused(s3).exit_code == 2


def test_a_dry_run_is_compared_with_the_run_that_applied_its_plan() -> None:
    """What the plan says was asked of both, and who was not in the plan is not gone."""
    s3 = S3()
    done = result("a", data={"added": ["news"]})
    record(s3, "r1", done, result("b", "failed", error=DENIED), action="manage-topic-all", dry_run=True, prune=True)
    record(s3, "r2", done, action="manage-topic-all", plan="r1")
    found = compared(s3)
    assert (found.differs, found.gone, found.only_before) == (False, (), ("b",))
    assert [".".join(one.path) for one in found.asked] == ["dry_run"]


def test_runs_that_cannot_be_compared_are_refused() -> None:
    """Another action, nobody in common, a run without an end, one that was refused, one that does not exist."""
    s3 = S3()
    record(s3, "r1", topics("a"))
    record(s3, "r2", result("a"), action="describe-list-all")
    assert "only runs of one action can be compared" in refused(s3).message
    record(s3, "r2", topics("b"))
    assert "have no customer in common" in refused(s3).message
    del s3.objects["runs/r2/summary.json"]
    assert "r2 has no end yet" in refused(s3).message
    s3.objects["runs/r2/summary.json"] = summary("r2", exit_code=2, errors=("no",)).model_dump_json().encode()
    del s3.objects["runs/r2/plan.json"]
    assert "r2 was refused and has no results" in refused(s3).message
    del s3.objects["runs/r2/summary.json"]
    assert "there is no run r2" in refused(s3).message
    assert refused(s3).exit_code == 2


def test_data_that_the_summary_has_no_room_for_is_read_from_the_record() -> None:
    """Also a message that was cut. A result that is gone, broken or refused is no result: exit code 3."""
    s3 = S3()
    record(s3, "r1", topics("a", ("news", 1)), topics("b"))
    record(s3, "r2", result("a", data_location="s3://b/runs/r2/results/a.json"), topics("b"))
    key = "runs/r2/results/a.json"
    s3.objects[key] = topics("a", ("news", 2)).model_dump_json().encode()
    assert [one.after for one in compared(s3).changed["a"]] == [2]
    assert f"get {key}" in s3.asked
    assert "get runs/r2/results/b.json" not in s3.asked
    for broken, said in ((b"{", "ValidationError: it is broken"), (b"", "it is broken")):
        s3.objects[key] = broken
        assert refused(s3).exit_code == 3
        assert f"the result of a in run r2 cannot be read: {said}"[:40] in refused(s3).message
    del s3.objects[key]
    assert refused(s3).message == "the result of a in run r2 cannot be read: it is not there any more"
    s3.refused[key] = ("AccessDenied", 403)
    assert "AccessDenied" in refused(s3).message
    assert refused(s3).exit_code == 3


def test_messages_that_were_cut_are_read_whole() -> None:
    """Two errors whose beginnings are the same differ."""
    s3 = S3()
    for run_id in ("r1", "r2"):
        whole = result("a", "failed", error=DENIED.model_copy(update={"message": f"x{run_id[-1]}"}))
        short = result("a", "failed", error=DENIED.model_copy(update={"message": ""}))
        record(s3, run_id, short)
        over = summary(run_id, action="describe-topics-all", results=(short,), warnings=(SHORTENED,))
        s3.objects[f"runs/{run_id}/summary.json"] = over.model_dump_json().encode()
        s3.objects[f"runs/{run_id}/results/a.json"] = whole.model_dump_json().encode()
    assert [(one.path, one.before, one.after) for one in compared(s3).changed["a"]] == [
        (("error", "message"), "x1", "x2")
    ]


def test_text_of_others_cannot_forge_a_line() -> None:
    """Nor move a cursor; long texts stand below each other."""
    s3 = S3()
    evil = "a\x1b[31m\nUnchanged: all \u202e"
    record(
        s3, "r1", topics("a", (evil, 1)), result("b", "failed", error=DENIED.model_copy(update={"message": "x" * 70}))
    )
    record(s3, "r2", topics("a", (evil, 2)), result("b", "failed", error=DENIED.model_copy(update={"message": evil})))
    text = "\n".join(diff_text.lines(compared(s3)))
    assert text.replace("\n", "").isprintable()
    assert "\nUnchanged" not in text
    assert f"   error.message:\n      − {'x' * 70}\n      + a\\u001b[31m\\u000aUnchanged" in text
