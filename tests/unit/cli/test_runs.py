"""Runs as they are shown: by S3's clock, whatever the record holds, and nothing that is not so."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.aws.server_time import moment_of
from ses_fleet.errors import AwsCallError
from ses_fleet.runs.hops import Cancel, SignOfLife
from ses_fleet.runs.work import ErrorInfo
from ses_fleet_cli import runs
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.server_time import S3Clock
from ses_fleet_cli.show import Screen, summary_lines
from tests.unit.cli.stored import NOW, S3, end, plan, result, summary


def stored(**objects: Any) -> S3:
    """A bucket with these records, `<run id>__<name>` each."""
    s3 = S3()
    for name, body in objects.items():
        run_id, _, key = name.partition("__")
        text = body if isinstance(body, str) else body.model_dump_json()
        s3.objects[f"runs/{run_id}/{key.replace('__', '/')}.json"] = text.encode()
    return s3


@pytest.fixture(params=[-290, 0, 290, 7 * 86_400])
def laptops_clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of whoever looks, so many seconds away from S3's."""
    there = NOW + timedelta(seconds=request.param)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return there.astimezone(tz)

    for module in ("ses_fleet_cli.runs", "ses_fleet_cli.follow", "ses_fleet_cli.invoke", "ses_fleet_cli.server_time"):
        monkeypatch.setattr(f"{module}.datetime", Clock, raising=False)
    monkeypatch.setattr("time.time", there.timestamp)


def going(age: float, **objects: Any) -> S3:
    """The run r1 of two customers, the first of which is done, whose last sign of life is so old."""
    s3 = stored(r1__plan=plan("r1"), r1__results__a=result("a"), **objects)
    named = SignOfLife(run_id="r1", hop=0, owner="o", number=1, named={1: 1})
    s3.objects["open/r1/0-o.json"] = named.model_dump_json().encode()
    s3.ages["open/r1/0-o"] = age
    return s3


@pytest.mark.usefixtures("laptops_clock")
@pytest.mark.parametrize(
    ("age", "state", "says"),
    [
        (31, "under way", "is under way (invocation 1, last sign of life 31 s ago)"),
        (33, "no sign of life", "for 33 s (invocation 1); if that lasts, the reaper ends it or lets it go on within"),
        (63, "no sign of life", "for 63 s (invocation 1): the reaper, which looks every five minutes, ends it or lets"),
    ],
)
def test_whether_a_run_lives_is_told_by_s3s_clock(age: float, state: str, says: str) -> None:
    """After 30 s, and 2 for clocks that tell whole seconds. A laptop that is five minutes ahead says the same."""
    shown = runs.look(going(age).bucket, "r1")
    assert (shown.state, shown.is_over) == (state, False)
    assert says in shown.summary.warnings[0]
    assert "hop" not in shown.summary.warnings[0]
    assert [one.status for one in shown.summary.results] == ["successful", "under_way"]
    assert (shown.summary.resume, shown.summary.exit_code) == (None, None)
    if state != "under way":
        assert "do not resume it before" in shown.summary.warnings[0]
    (listed,) = runs.newest(going(age).bucket, 5)
    since = "" if state == "under way" else f" for {age} s"
    assert listed.state == f"{state}{since}: 1 of 2 done"
    assert listed.last_sign_seconds == age
    said = json.loads(runs.shown_as_json(shown))
    assert (said["state"], said["last_sign_seconds"], said["run_id"]) == (state, age, "r1")


def test_what_was_asked_of_a_run_and_that_it_was_lost_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Action, start, dry run, payload, and what the reaper did; a mask stands for whoever is named in the payload."""
    named: dict[str, Any] = {"params": {"username": "ana"}, "max_failures": "10%", "on_deadline": "continue"}
    planned = plan("r1", action="import-aws-contact-all", **{"dry_run": True, **named})
    lost = end(0, 1).model_copy(update={"reason": "no sign of life for 62 s"})
    s3 = stored(r1__plan=planned, r1__hops__0__end=lost, r1__hops__1__end=end(1, None))
    s3.objects["runs/r1/hops/1/claim.json"] = b"{}"
    s3.objects["runs/r1/summary.json"] = (
        summary("r1", action="import-aws-contact-all", dry_run=True, closed_by="reaper").model_dump_json().encode()
    )
    shown = runs.look(s3.bucket, "r1")
    Screen(text=True).run(shown)
    assert capsys.readouterr().out.splitlines()[:5] == [
        "Run r1: import-aws-contact-all (dry run)",
        "   Started: 2026-03-01T06:00:00Z",
        '   Payload: {"params": {"username": "[personal: give it again]"}, "max_failures": "10%"}',
        "   Invocation 1 was lost: no sign of life for 62 s; another one took the run over (x)",
        "   Invocation 2 was lost: r; the reaper ended the run (x)",
    ]
    said = json.loads(runs.shown_as_json(shown))
    assert said["payload"]["params"] == {"username": "[personal: give it again]"}
    assert said["reaped"][0] == {"invocation": 1, "at": "x", "reason": "no sign of life for 62 s", "goes_on": True}
    assert "ana" not in runs.shown_as_json(shown)


def test_a_run_that_was_asked_to_be_cancelled_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Before its orchestrator has seen it: listed and shown, as text and as JSON. Of other runs nothing is said."""
    asked = Cancel(run_id="r1", asked_at="2026-03-01T06:09:00Z")
    s3 = going(1, r1__cancel=asked)
    (listed,) = runs.newest(s3.bucket, 5)
    assert listed.state == "under way, asked to cancel: 1 of 2 done"
    assert json.loads(runs.as_json([listed]))[0]["cancel_asked_at"] == asked.asked_at
    shown = runs.look(s3.bucket, "r1")
    assert json.loads(runs.shown_as_json(shown))["cancel_asked_at"] == asked.asked_at
    Screen(text=True).run(shown)
    said = capsys.readouterr()
    assert said.err == "run r1: under way, asked to cancel\n"
    assert "   Cancel asked for: 2026-03-01T06:09:00Z; nothing more is started\n" in said.out

    s3.objects["runs/r1/summary.json"] = summary("r1").model_dump_json().encode()
    Screen(text=True).run(runs.look(s3.bucket, "r1"))
    assert "   Cancel asked for: 2026-03-01T06:09:00Z; too late, everybody was done\n" in capsys.readouterr().out
    ended = summary("r1", cancelled_at=asked.asked_at, exit_code=1)
    s3.objects["runs/r1/summary.json"] = ended.model_dump_json().encode()
    Screen(text=True).run(runs.look(s3.bucket, "r1"))
    said = capsys.readouterr()
    assert said.err == "run r1: cancelled\n"
    assert "📊 Summary: the run was cancelled at 2026-03-01T06:09:00Z\n" in said.out

    unasked = runs.look(going(1).bucket, "r1")
    assert json.loads(runs.shown_as_json(unasked))["cancel_asked_at"] is None
    assert runs.newest(going(1).bucket, 5)[0].cancel_asked_at is None
    Screen(text=True).run(unasked)
    assert "cancel" not in capsys.readouterr().out.lower()


@pytest.mark.parametrize(
    ("following", "state", "says"),
    [(1, "waiting", "waited for its next invocation (number 2) for 70 s"), (None, "ending", "ended 70 s ago")],
)
def test_a_run_between_two_invocations_is_not_silent(following: int | None, state: str, says: str) -> None:
    """It waits, however old the last sign of life is; or its Summary is being written."""
    s3 = going(80, r1__hops__0__end=end(0, following))
    s3.ages["runs/r1/hops/"] = 70
    shown = runs.look(s3.bucket, "r1")
    assert shown.state == state
    assert says in shown.summary.warnings[0]
    assert runs.newest(s3.bucket, 5)[0].state == f"{state}: 1 of 2 done"


def test_another_start_of_the_same_id_gives_no_sign_for_the_run() -> None:
    """The start that wrote the plan counts."""
    s3 = going(70)
    s3.objects["open/r1/0-p.json"] = b"{}"
    assert runs.newest(s3.bucket, 5)[0].state == "no sign of life for 70 s: 1 of 2 done"


def test_a_run_that_ends_while_it_is_looked_at_is_finished() -> None:
    """Its signs of life are gone then, and nobody says that it gave none."""
    s3 = stored(r1__plan=plan("r1"))
    listing = s3.list_objects_v2

    def ends(**asked: Any) -> dict[str, Any]:
        if asked["Prefix"] == "open/r1/":
            s3.objects["runs/r1/summary.json"] = summary("r1").model_dump_json().encode()
        return listing(**asked)

    s3.list_objects_v2 = ends  # type: ignore[method-assign]
    assert runs.look(s3.bucket, "r1").state == "finished"
    del s3.objects["runs/r1/summary.json"]
    assert runs.newest(s3.bucket, 5)[0].state == "finished"


def test_only_what_the_reaper_ended_is_lost() -> None:
    """Whatever else became of a run."""
    s3 = stored(
        r1__summary=summary("r1", closed_by="reaper", exit_code=1, failed_count=1),
        r1__plan=plan("r1"),
        r2__summary=summary("r2", closed_by="orchestrator", exit_code=1, failed_count=1),
        r2__plan=plan("r2"),
        r3__plan=plan("r3", minutes_left=-10_000),
    )
    assert {one.run_id: one.state.split(":")[0] for one in runs.newest(s3.bucket, 5)} == {
        "r1": "lost",
        "r2": "finished",
        "r3": "no sign of life",
    }
    assert [runs.look(s3.bucket, name).state for name in ("r1", "r2", "r3")] == ["lost", "finished", "no sign of life"]
    assert "the reaper does not find it" in runs.look(s3.bucket, "r3").summary.warnings[0]
    assert json.loads(runs.shown_as_json(runs.look(s3.bucket, "r3")))["last_sign_seconds"] is None


@pytest.mark.usefixtures("laptops_clock")
@pytest.mark.parametrize(("minutes_left", "state"), [(5, "under way"), (-239, "under way"), (-241, "lost")])
def test_a_run_of_an_earlier_version_is_lost_four_hours_after_its_deadline(minutes_left: float, state: str) -> None:
    """It gives no signs of life, and the reaper does not know it: what is left of it can be resumed then."""
    s3 = stored(r1__plan=plan("r1", version=1, minutes_left=minutes_left), r1__results__a=result("a"))
    s3.objects["runs/r1/hops/1.json"] = s3.objects["runs/r1/hops/1.claimed.json"] = b"{}"
    shown = runs.look(s3.bucket, "r1")
    assert shown.state == state
    assert "earlier version" in shown.summary.warnings[0]
    assert shown.summary.resume == ({"action": "describe-list-all", "include": ["b"]} if state == "lost" else None)
    (listed,) = runs.newest(s3.bucket, 5)
    assert listed.state == f"{state}: 1 of 2 done"


def test_the_newest_refusal_is_shown_where_no_run_began() -> None:
    """A run that began counts, whatever was refused before; older versions kept refusals in summary.json."""
    refused = {f"r1__refusals__{name}": summary("r1", exit_code=2, errors=(name,)) for name in ("old", "new")}
    old = {f"{name}__summary": summary(name, exit_code=2, errors=("before",)) for name in ("r2", "r3")}
    s3 = stored(**refused, **old, r3__plan=plan("r3"))
    s3.ages["runs/r1/refusals/old"] = 10
    assert runs.look(s3.bucket, "r1").summary.errors == ("new",)
    assert runs.look(s3.bucket, "r2").summary.errors == ("before",)
    assert runs.look(s3.bucket, "r3").summary.errors == ()
    assert {one.run_id: one.state.split(" ")[0].split(":")[0] for one in runs.newest(s3.bucket, 5)} == {
        "r1": "refused",
        "r2": "refused",
        "r3": "no",
    }


def test_a_run_of_which_only_the_summary_is_left_is_shown() -> None:
    """As it is listed."""
    s3 = stored(r1__summary=summary("r1"), r2__summary=summary("r2", closed_by="reaper"))
    assert {one.run_id: one.state for one in runs.newest(s3.bucket, 5)} == {"r1": "finished", "r2": "lost"}
    assert [runs.look(s3.bucket, run_id).state for run_id in ("r1", "r2")] == ["finished", "lost"]


def test_a_list_asks_little_of_s3() -> None:
    """One look at all signs of life; a finished run is one call, one under way four."""
    s3 = stored(**{f"done{n}__summary": summary(f"done{n}") for n in range(3)})
    for n in range(2):
        s3.objects[f"runs/going{n}/plan.json"] = plan(f"going{n}").model_dump_json().encode()
        s3.objects[f"open/going{n}/0-o.json"] = b"never read"
    assert len(runs.newest(s3.bucket, 10)) == 5
    assert len(s3.asked) == 2 + 3 * 1 + 2 * 4


def test_the_clock_is_asked_at_s3_and_counted_on_from_there() -> None:
    """And asked again now and then, as a count stands still while a laptop sleeps."""
    s3, count = S3(), [100.0]
    clock = S3Clock(s3.bucket, "r", counter=lambda: count[0])
    assert clock() == NOW.timestamp()
    count[0] += 30
    s3.now += timedelta(hours=1)
    assert clock() == NOW.timestamp() + 30
    count[0] += 31
    assert clock() == NOW.timestamp() + 3_600


@pytest.mark.parametrize("answer", [{}, {"ResponseMetadata": {"HTTPHeaders": {"date": "yesterday"}}}])
def test_an_answer_without_a_time_is_no_time(answer: dict[str, Any]) -> None:
    """It is not taken from the laptop's clock instead."""
    with pytest.raises(AwsCallError, match="does not say when"):
        moment_of(answer)
    when = {"ResponseMetadata": {"HTTPHeaders": {"date": "Sun, 01 Mar 2026 06:10:00 GMT"}}}
    assert moment_of(when) == datetime(2026, 3, 1, 6, 10, tzinfo=UTC)


BROKEN = [
    "{}",
    "[]",
    "null",
    "not JSON",
    '{"run_id": "x"}',
    "\x00",
    '{"run_id": 5, "action": [], "results": {}}',
]


@pytest.mark.parametrize("name", ["summary", "plan"])
@pytest.mark.parametrize("body", BROKEN)
def test_one_broken_record_leaves_the_others_visible(body: str, name: str) -> None:
    """It is listed as what it is; shown, it is one line and exit code 3."""
    s3 = stored(**{"good__summary": summary("good"), f"20991231T235959Z-ffffff__{name}": body})
    listed = {one.run_id: one.state for one in runs.newest(s3.bucket, 5)}
    assert listed["good"] == "finished"
    assert listed["20991231T235959Z-ffffff"].startswith("unreadable: cannot be understood (")
    s3.objects["runs/20991231T235959Z-ffffff/plan.json"] = body.encode()
    with pytest.raises(CommandError, match="cannot be understood") as error:
        runs.look(s3.bucket, "20991231T235959Z-ffffff")
    assert error.value.exit_code == 3


def test_a_run_of_another_version_is_listed_and_not_shown() -> None:
    """Its request has fields that this one does not know; its plan may lack what this one reads."""
    newer = plan("newer", version=1, minutes_left=-300, some_new_field=1)
    older = plan("older").model_copy(update={"request": {"action": "describe-list-all"}})
    odd = plan("odd").model_copy(update={"request": {"action": 5, "dry_run": "x"}})
    done = plan("done", params=["username"], action="import-aws-contact-all")
    s3 = stored(newer__plan=newer, older__plan=older, odd__plan=odd, done__plan=done, done__summary=summary("done"))
    assert {one.run_id for one in runs.newest(s3.bucket, 5)} == {"newer", "older", "odd", "done"}
    for run_id in ("newer", "older", "odd", "done"):
        with pytest.raises(CommandError, match="another version of ses-fleet wrote it") as error:
            runs.look(s3.bucket, run_id)
        assert error.value.exit_code == 3


def test_a_record_that_s3_refuses_leaves_the_others_visible() -> None:
    """One object with a key of its own, for instance."""
    s3 = stored(good__summary=summary("good"), other__summary=summary("other"))
    s3.refused["runs/other/summary.json"] = ("AccessDenied", 403)
    assert {one.run_id: one.state for one in runs.newest(s3.bucket, 5)} == {
        "good": "finished",
        "other": "unreadable: AccessDenied",
    }


@pytest.mark.parametrize("key", ["plan.json", "summary.json", "results/a.json", "hops/0/end.json"])
@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("AccessDenied", 403), ("InternalError", 500)])
def test_wherever_s3_fails_a_run_is_shown_or_it_is_one_line(key: str, code: str, status: int) -> None:
    """Exit code 3, whichever of the record's objects cannot be read."""
    s3 = going(70, r1__hops__0__end=end(0, 1))
    s3.refused[f"runs/r1/{key}"] = (code, status)
    with pytest.raises(CommandError) as error:
        runs.look(s3.bucket, "r1")
    assert error.value.exit_code == 3
    assert code in error.value.message


def test_a_dry_run_is_marked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In both outputs; it changed nothing, whatever its name says."""
    monkeypatch.setenv("COLUMNS", "200")
    s3 = stored(
        dry__summary=summary("dry", dry_run=True, action="manage-topic-all"),
        real__summary=summary("real", action="manage-topic-all"),
        going__plan=plan("going", dry_run=True, action="import-aws-contact-all"),
    )
    listed = runs.newest(s3.bucket, 5)
    assert {one.run_id: one.dry_run for one in listed} == {"dry": True, "real": False, "going": True}
    Screen(text=True).runs(listed)
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "manage-topic-all (dry run)" in lines["dry"]
    assert "(dry run)" not in lines["real"]


def test_no_escape_of_a_record_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A run's id is the name of a folder in the bucket, which may be anybody's text."""
    hostile = "evil\x1b[2J"
    s3 = S3()
    s3.objects[f"runs/{hostile}/summary.json"] = (
        summary("x", action=hostile, started_at=hostile).model_dump_json().encode()
    )
    s3.objects[f"runs/{hostile}2/plan.json"] = b"{}"
    Screen(text=True).runs(runs.newest(s3.bucket, 5))
    assert "\x1b" not in capsys.readouterr().out


def under_way(action: str, **more: Any) -> S3:
    """A run of three customers, one of which is done."""
    planned = plan("r1", codes=("a", "b", "c"), action=action, **more)
    return stored(
        r1__plan=planned, r1__results__a=result("a", data={"backup": "r1", "total": 2, "topics": 1, "parts": 1})
    )


@pytest.mark.parametrize("action", ["backup-list-all", "list-contacts-all", "describe-list-all", "manage-topic-all"])
def test_a_run_under_way_says_so(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is said not to be started who may be running; nothing is offered that is not there yet."""
    Screen(text=True).summary(runs.look(under_way(action).bucket, "r1").summary)
    shown = capsys.readouterr().out
    assert "No result yet: 2 (b, c)" in shown
    for wrong in ("Not started", "not started", "Bring back", "Export them", "complete", "resume"):
        assert wrong not in shown


@pytest.mark.parametrize("action", [f"{name}-all" for name in ACTIONS if name != "help"])
def test_who_is_named_is_under_way_or_about_to_start(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In the tables of every action, and below them: the record names a customer before it is sent to a worker."""
    s3 = under_way(action)
    sign = SignOfLife(run_id="r1", hop=0, owner="o", number=1, named={1: 1})
    s3.objects["open/r1/0-o.json"] = sign.model_dump_json().encode()
    Screen(text=True).summary(runs.look(s3.bucket, "r1").summary)
    shown = capsys.readouterr().out
    assert "   🔄 Under way or about to start: 1 (b)" in shown
    assert "   ⏳ No result yet: 1 (c)" in shown


def test_a_dry_run_under_way_is_not_complete() -> None:
    """What would be done is known when it ends."""
    summary_ = runs.look(under_way("manage-topic-all", dry_run=True).bucket, "r1").summary
    assert not any("complete" in line for line in summary_lines(summary_))


def test_who_was_really_not_started_is_still_said() -> None:
    """By a run that is over, with the reason."""
    done = summary(
        "r1",
        not_started_count=1,
        exit_code=1,
        results=(result("a", "not_started", warnings=("max_failures was reached",)),),
    )
    lines = summary_lines(done)
    assert "   ⏸️  Not started: 1" in lines
    assert "   ⏸️  a: max_failures was reached" in lines


def test_customers_with_the_same_error_share_a_line() -> None:
    """In the order of the first of them, with how many they are; the same warning is said once, too."""
    error = ErrorInfo(category="internal", type="X", message="broke")
    why = {"warnings": ("max_failures was reached",)}
    results = (
        result("a", "failed", error=error),
        *(result(code, "not_started", **why) for code in ("b", "c")),
        result("d", "failed", error=error.model_copy(update={"message": "broke otherwise"})),
        result("e", "failed", error=error),
    )
    lines = summary_lines(summary("r1", results=results, warnings=("odd", "odd")))
    assert lines[lines.index("") + 1 :] == [
        "   ❌ a, e (2 customers, internal): broke",
        "   ❌ d (internal): broke otherwise",
        "   ⏸️  b, c (2 customers): max_failures was reached",
        "   ⚠️  odd",
    ]
