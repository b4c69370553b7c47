"""What a report says of a run: what went wrong first, everything in words, and nothing that is not so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ses_fleet.actions.catalogue import payload_names
from ses_fleet.actions.data.by_action import DATA_MODELS
from ses_fleet.runs.models import Summary
from ses_fleet_cli import runs
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.new_file import NewFile
from ses_fleet_cli.report import written
from tests.unit.cli.report.parsed import Page
from tests.unit.cli.report.recorded import DENIED, TOPICS, described, drift, html, result, run
from tests.unit.cli.stored import S3, plan


def page(whole: Summary, **payload: Any) -> Page:
    """The page of a run."""
    return Page(html(whole, **payload))


def test_who_failed_is_first_then_who_differs() -> None:
    """Else as in config.json; each with its state in words, and why."""
    waits = result("wait", "not_started", warnings=("more than 0 failed",))
    whole = described(8)
    shown = page(whole.model_copy(update={"results": (*whole.results, waits)}))
    rows = [row for row in shown.rows if row[0][:1] in "✗◇✓–" and len(row) == 6]
    assert [row[1].split()[0] for row in rows] == [
        *("bad", "wait", "c0000", "c0007"),
        *(f"c000{number}" for number in range(1, 7)),
        "off",
    ]
    assert rows[0] == ["✗ failed", "bad bad GmbH", "300000000003", "eu-central-1", "–", "AccessDenied"]
    assert rows[1][-1] == "more than 0 failed"
    assert [rows[place][4] for place in (2, 4)] == ["▲ differs", "✓ same"]
    assert rows[-1][-1] == "no ses_role_arn"


def test_what_went_wrong_is_said_once_with_what_to_do() -> None:
    """For all customers of whom it is so, and how the rest is run."""
    doubtful = DENIED.model_copy(update={"outcome_unknown": True, "retryable": True, "type": "Lost"})
    several = [result(f"c{number:02d}", "failed", error=DENIED) for number in range(20)]
    needs = ("params.username",)
    whole = run(
        "import-aws-contact-all", *several, result("d", "failed", error=doubtful), resume={}, resume_needs=needs
    )
    text = page(whole).text
    assert text.count(DENIED.message) == 2
    assert "20 customers c00, c01" in text
    assert "Lost · access to the customer’s account d could not" in text
    assert "Something may have been written all the same: run these customers again." in text
    assert "The same run may succeed later, with nothing mended." in text
    assert "ses-fleet runs resume run-1 --param username=VALUE" in text


def test_the_matrix_shows_counts_and_what_differs() -> None:
    """A number, missing, other than wanted, or unwanted; a customer without an answer has its state for all topics."""
    fleet = {
        "topics": {"news": {"a": 1_200}, "offers": {"b": 3}, "old": {"a": 7}},
        "drift": {"a": drift("offers", extra=("old",), different=("news",)), "b": drift("news", "old")},
    }
    done = [result(code, data={"topics": []}, differs=True) for code in ("a", "b")]
    shown = page(run("describe-topics-all", *done, result("c", "failed", error=DENIED), fleet=fleet))
    matrix = [row for row in shown.rows if row[0] in ("customer", "a", "b", "c", "all")]
    assert matrix[:5] == [
        ["customer", "news", "offers", "old"],
        ["a", "▲ 1,200", "✗ missing", "+ 7"],
        ["b", "✗ missing", "3", "✗ missing"],
        ["c", "✗ failed"],
        ["all", "1,200", "3", "7"],
    ]
    assert matrix[5:] == [
        ["customer", "missing", "extra", "different (in the list → in SESConfig.json)"],
        ["a", "offers", "old", "news, display name: “Old” → “New”"],
        ["b", "news, old", "", ""],
    ]
    assert "2 ▲ differ" in shown.text


def test_nothing_differs_or_nothing_was_compared() -> None:
    """Each is said, so that neither is taken for the other."""
    same = {"topics": {"news": {"a": 1}}, "drift": {"a": drift()}}
    text = page(run("describe-topics-all", result("a", data={}, differs=False), fleet=same)).text
    assert "Every list that was read has the topics of SESConfig.json." in text
    assert "0 ▲ differ" in text
    text = page(run("describe-topics-all", result("a", data={}), fleet={**same, "drift": None})).text
    assert "The lists were not compared with SESConfig.json." in text
    assert "▲" not in text


@pytest.mark.parametrize("action", ["validate-access-all", "check-something-new-all"])
def test_checks_of_any_action_are_a_matrix(action: str) -> None:
    """Also those of an action and with a state that came later; what a check found is told once, with its customers."""
    found = [
        {"name": "ses_account", "status": "ok", "message": "fine"},
        {"name": "bounce_rate", "status": "no_data", "message": "too few messages"},
        {"name": "role", "status": "finding", "message": "mend it"},
        {"name": "later", "status": "quite_odd", "message": "odd"},
    ]
    failing = DENIED.model_copy(update={"message": "failed: role. nobody home"})
    broken = [{"name": "role", "status": "failed", "message": "nobody home"}]
    results = (
        result("a", data={"checks": found}, warnings=("role: mend it", "something else")),
        result("b", data={"checks": found}),
        result("c", "failed", data={"checks": broken}, error=failing),
        result("d", "skipped"),
    )
    shown = page(run(action, *results))
    matrix = [row for row in shown.rows if row[0] in ("customer", "a", "b", "c", "d")]
    assert matrix == [
        ["customer", "ses account", "bounce rate", "role", "later"],
        ["a", "✓ ok", "◇ no data", "▲ finding", "? quite odd"],
        ["b", "✓ ok", "◇ no data", "▲ finding", "? quite odd"],
        ["c", "not made", "not made", "✗ failed", "not made"],
        ["d", "– skipped"],
    ]
    assert "▲ finding role a, b mend it" in shown.text
    assert "◇ no data bounce rate a, b too few messages" in shown.text
    assert "▲ to look at a something else" in shown.text
    assert shown.text.count("mend it") == 1
    assert shown.text.count("nobody home") == 1


def test_a_check_with_advice_is_told_once() -> None:
    """Although the warning and the error of the customer say it, too: each has what was found and what to do."""
    found = [
        {"name": "sandbox", "status": "finding", "detail": "in the sandbox", "advice": "ask for access"},
        {"name": "quota", "status": "failed", "detail": "all is used", "advice": "send less"},
    ]
    error = DENIED.model_copy(update={"message": "failed: quota. all is used: send less"})
    warned = ("sandbox: in the sandbox: ask for access",)
    one = result("a", "failed", data={"checks": found}, warnings=warned, error=error)
    shown = page(run("check-health-all", one))
    assert "▲ finding sandbox a in the sandbox: ask for access" in shown.text
    assert (shown.text.count("ask for access"), shown.text.count("send less")) == (1, 1)


def test_other_actions_have_the_tables_of_the_terminal() -> None:
    """With their numbers; what can be done next with the record is the operator's business."""
    shown = page(run("list-contacts-all", result("a", data={"total": 2_500, "parts": 1})))
    assert ["a", "2,500", "1"] in shown.rows
    assert "runs export" not in shown.text
    found = {"found_in": 1, "absent_in": 0, "not_proven_in": 0, "not_searched_in": 0}
    searched = run("find-contact-all", result("a", data={"people": 1, "contacts": 1}), fleet=found)
    assert "Of 1 customers: found in 1, absent in 0, not proven in 0" in page(searched).text


@pytest.mark.parametrize("action", sorted(payload_names()))
@pytest.mark.parametrize("dry_run", [False, True])
def test_every_action_has_a_report(action: str, dry_run: bool) -> None:
    """Of all its states, and of data of another version."""
    datas: tuple[Any, ...] = ({}, {"checks": "?", "topics": 1, "added": {"x": None}}, None)
    results = [result(f"a{place}", data=data) for place, data in enumerate(datas)]
    results += [result(status, status) for status in ("skipped", "not_started")]
    shown = page(run(action, *results, dry_run=dry_run))
    assert ("dry run" in shown.text) == dry_run
    assert shown.unclosed == []
    assert action.removesuffix("-all") in DATA_MODELS


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "✓ All well. 1 customer: 1 successful."),
        ({"dry_run": True}, "✓ All well. 1 customer: 1 successful. This was a dry run: nothing was changed."),
        ({"exit_code": 1}, "✗ Not proven. 1 customer: 1 successful."),
        (
            {"exit_code": 1, "not_started_count": 1, "total_customers": 2, "closed_by": "reaper"},
            "1 not started, 1 successful. The reaper ended the run, as its orchestrator was lost.",
        ),
        (
            {"exit_code": 1, "not_started_count": 1, "total_customers": 2, "cancelled_at": "2026-03-01T06:09:00Z"},
            "◇ Not finished. 2 customers: 1 not started, 1 successful. It was cancelled at 2026-03-01T06:09:00Z.",
        ),
        ({"exit_code": 2, "errors": ("$.include: unknown",)}, "✗ Refused. The run was refused: nothing was started."),
    ],
)
def test_the_first_sentence_says_how_it_ended(more: dict[str, Any], said: str) -> None:
    """In words; a refused run says why."""
    shown = page(run("describe-list-all", result("a", data={}), **more))
    assert said in shown.text
    assert all(error in shown.text for error in more.get("errors", ()))


def test_what_was_asked_and_how_long_it_took_are_said() -> None:
    """As the record has it, with lists of names as such."""
    proof = "s3://b/receipts/run-1.json"
    whole = run("describe-list-all", result("a", data={}), total_duration_seconds=3_725.0, receipt=proof)
    text = page(whole, action="describe-list-all", include=["a", "b"], max_failures="10%", params={"x": 1}).text
    assert "Started 2026-03-01 06:00:00 UTC Took 1 h 2 min Receipt s3://b/receipts/run-1.json Asked" in text
    assert 'Asked: include a, b Asked: max failures 10% Asked: params {"x": 1}' in text


def record(whole: Summary) -> S3:
    """A bucket with this run, whose Summary has data of the first customer alone, and blocks of none."""
    s3 = S3()
    codes = tuple(one.customer_code for one in whole.results)
    s3.objects["runs/run-1/plan.json"] = plan("run-1", codes=codes, action=whole.action).model_dump_json().encode()
    for one in whole.results:
        s3.objects[f"runs/run-1/results/{one.customer_code}.json"] = one.model_dump_json().encode()
    left_out = {"data": None, "logs": None, "data_location": "s3://b/x"}
    first, *rest = whole.results
    bare = (first.model_copy(update={"logs": None}), *(one.model_copy(update=left_out) for one in rest))
    over = whole.model_copy(update={"results": bare})
    s3.objects["runs/run-1/summary.json"] = over.model_dump_json().encode()
    return s3


def test_all_that_the_record_has_is_in_the_report(tmp_path: Path) -> None:
    """Data, blocks and the comparison that the Summary has no room for; the file is told."""
    whole = described()
    s3 = record(whole.model_copy(update={"fleet": {"topics": None, "drift": None, "location": "s3://b/fleet.json"}}))
    s3.objects["runs/run-1/fleet.json"] = json.dumps(whole.fleet).encode()
    file = NewFile(tmp_path / "report.html")
    said = written.write(s3.bucket, runs.look(s3.bucket, "run-1"), file)
    assert said == f"report of run run-1 written to {file.path}"
    shown = Page(file.path.read_text())
    assert ["customer", *TOPICS] in shown.rows
    assert "Customer c0000: done" in shown.text
    assert "Customer c0001: done" in shown.text
    for broken in (b"{", b"[]"):
        s3.objects["runs/run-1/fleet.json"] = broken
        with pytest.raises(CommandError, match=r"fleet\.json cannot be") as error:
            written.write(s3.bucket, runs.look(s3.bucket, "run-1"), NewFile(file.path, force=True))
        assert error.value.exit_code == 3
    del s3.objects["runs/run-1/fleet.json"]
    with pytest.raises(CommandError, match=r"fleet\.json cannot be read"):
        written.write(s3.bucket, runs.look(s3.bucket, "run-1"), NewFile(file.path, force=True))
    assert Page(file.path.read_text()).text == shown.text


def test_no_report_is_made_of_a_run_without_an_end(tmp_path: Path) -> None:
    """It would be old before it is read; nothing is written."""
    s3 = record(described())
    del s3.objects["runs/run-1/summary.json"]
    with pytest.raises(CommandError, match=r"run run-1 has no end yet \(") as error:
        written.write(s3.bucket, runs.look(s3.bucket, "run-1"), NewFile(tmp_path / "report.html"))
    assert error.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []
