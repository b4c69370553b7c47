"""`runs list`: only the runs that are asked for, in a table that can be read at 80 characters and by programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from ses_fleet_cli import run_filter, runs
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.run_filter import STATUSES, Wanted
from ses_fleet_cli.show import Screen
from tests.unit.cli.stored import NOW, S3, plan, result, summary

CANCELLED = {"cancelled_at": "2026-03-01T06:09:00Z", "exit_code": 1}


def stored(**of_runs: Mapping[str, Any]) -> S3:
    """A bucket with the Summary of each of these runs; an underscore in a name stands for a hyphen."""
    s3 = S3()
    for name, fields in of_runs.items():
        run_id = name.replace("_", "-")
        s3.objects[f"runs/{run_id}/summary.json"] = summary(run_id, **fields).model_dump_json().encode()
    return s3


def listed(s3: S3, wanted: Wanted, count: int = 20) -> list[str]:
    """The ids of the runs that are shown, in their order."""
    return [one.run_id for one in runs.newest(s3.bucket, count, wanted)]


def test_runs_are_found_by_what_became_of_them() -> None:
    """A cancelled or lost run also by its exit code; one without a Summary is open."""
    s3 = stored(
        fine={},
        bad={"exit_code": 1},
        no={"exit_code": 2},
        halted=CANCELLED,
        lost={"exit_code": 1, "closed_by": "reaper"},
    )
    s3.objects["runs/going/plan.json"] = plan("going").model_dump_json().encode()
    s3.objects["runs/odd/summary.json"] = b"{}"
    found = {status: set(listed(s3, Wanted(statuses=frozenset({status})))) for status in STATUSES}
    assert found == {
        "successful": {"fine"},
        "failed": {"bad", "halted", "lost"},
        "refused": {"no"},
        "cancelled": {"halted"},
        "lost": {"lost"},
        "open": {"going"},
        "unreadable": {"odd"},
    }
    both = Wanted(statuses=frozenset({"open", "refused"}))
    assert set(listed(s3, both)) == {"going", "no"}


def test_runs_are_found_by_their_action() -> None:
    """Of several actions, too; the name with -all is another one."""
    s3 = stored(
        one={"action": "describe-list"}, every={"action": "describe-list-all"}, topics={"action": "manage-topic"}
    )
    assert listed(s3, Wanted(actions=frozenset({"describe-list"}))) == ["one"]
    assert set(listed(s3, Wanted(actions=frozenset({"describe-list", "manage-topic"})))) == {"one", "topics"}


def test_runs_are_found_by_when_they_began() -> None:
    """A schedule's run began later than its id says; of an old one nothing is read."""
    s3 = stored(
        **{
            "20260301T050000Z_new": {"started_at": "2026-03-01T05:00:01Z"},
            "20260301T030000Z_late": {"started_at": "2026-03-01T05:30:00Z"},
            "20260301T040000Z_before": {"started_at": "2026-03-01T04:00:01Z"},
            "20260101T040000Z_old": {"started_at": "2026-01-01T04:00:01Z"},
            "mine": {"started_at": "2026-03-01T05:10:00Z"},
        }
    )
    wanted = Wanted(since=datetime(2026, 3, 1, 5, tzinfo=UTC))
    assert listed(s3, wanted) == ["20260301T030000Z-late", "mine", "20260301T050000Z-new"]
    assert not any("old" in asked for asked in s3.asked if asked.startswith("get"))


def test_older_runs_are_read_until_there_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are of another action: the search goes on, and ends with the last one that is asked for."""
    monkeypatch.setattr("ses_fleet.limits.LISTED_AT_ONCE", 2)
    s3 = stored(
        **{
            f"20260301T0{hour}0000Z_r": {
                "action": "manage-topic" if hour < 5 else "describe-list",
                "started_at": f"2026-03-01T0{hour}:00:01Z",
            }
            for hour in range(10)
        }
    )
    assert listed(s3, Wanted(actions=frozenset({"manage-topic"})), 2) == ["20260301T040000Z-r", "20260301T030000Z-r"]
    read = {asked.split("/")[1] for asked in s3.asked if asked.startswith("get")}
    assert {f"20260301T0{hour}0000Z-r" for hour in (0, 1)}.isdisjoint(read)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-02-03", datetime(2026, 2, 3, tzinfo=UTC)),
        ("2026-02-03T04:05", datetime(2026, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-02-03T04:05+02:00", datetime(2026, 2, 3, 2, 5, tzinfo=UTC)),
        ("90m", datetime(2026, 3, 1, 4, 40, tzinfo=UTC)),
        ("24h", datetime(2026, 2, 28, 6, 10, tzinfo=UTC)),
        ("0001-01-01", datetime(2006, 1, 1, tzinfo=UTC)),
        ("9999w", datetime(2006, 1, 1, tzinfo=UTC)),
        ("1w", datetime(2026, 2, 22, 6, 10, tzinfo=UTC)),
    ],
)
def test_since_is_a_time_or_how_long_ago(text: str, moment: datetime) -> None:
    """Counted back from AWS's time; a time without a zone is UTC."""
    assert run_filter.wanted([], text, [], NOW).since == moment


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((["manage-topics"], None, []), r'^--action "manage-topics" is none of .*did you mean "manage-topic"'),
        (([], None, ["fail"]), r'^--status "fail" is none of successful, .*did you mean "failed"'),
        (([], "yesterday", []), r'^--since is a time such as 2026-03-01 .*; not "yesterday"'),
        (([], "99999w", []), "^--since is a time"),
    ],
)
def test_a_wrong_filter_is_exit_2(flags: tuple[list[str], str | None, list[str]], message: str) -> None:
    """An empty list for a misspelt name would look like an answer."""
    with pytest.raises(CommandError, match=message) as error:
        run_filter.wanted(*flags, NOW)
    assert error.value.exit_code == 2


def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int | None) -> list[str]:
    """The lines of a list of a dry run, of one with an id of its own, and of one under way."""
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", str(columns))
    counted = {"successful_count": 412, "failed_count": 38, "skipped_count": 12, "not_started_count": 38}
    ended: dict[str, dict[str, Any]] = {
        "20260301T060000Z_aaaaaa": {"action": "import-aws-contact-all", "dry_run": True, "exit_code": 1, **counted},
        "my_own_id_of_forty_characters_0123456789": {"action": "remove-contacts-all"},
    }
    s3 = stored(**ended)
    s3.objects["runs/20260301T060100Z-bbbbbb/plan.json"] = (
        plan("x", action="describe-topics-all").model_dump_json().encode()
    )
    s3.objects["runs/20260301T060100Z-bbbbbb/results/a.json"] = result("a").model_dump_json().encode()
    Screen(text=True).runs(runs.newest(s3.bucket, 5))
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_names_stay_whole_on_a_narrow_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids and actions can be searched for and copied, no line is longer than the terminal, and nothing is cut off."""
    lines = shown(capsys, monkeypatch, columns)
    assert max(map(len, lines)) <= columns
    text = "\n".join(lines)
    for name in ("20260301T060000Z-aaaaaa", "my-own-id-of-forty-characters-0123456789", "import-aws-contact-all"):
        assert name in text
    assert ("(dry run)" in text, "…" in text) == (True, False)
    assert ("2026-03-01 06:00" in text, "started (UTC)" in text) == (True, columns == 160)


def test_a_program_gets_a_line_for_each_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is long: `grep` finds a run with what became of it."""
    lines = [line for line in shown(capsys, monkeypatch, None) if "2026-03-01 06:" in line]
    assert len(lines) == 3
    (dry,) = [line for line in lines if "(dry run)" in line]
    assert "import-aws-contact-all (dry run)" in dry
    assert "finished 412 ✅ 38 ❌ 12 ⏭️ 38 ⏸️" in dry


def test_an_empty_list_says_whether_it_was_searched(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a deployment that never ran, or of a filter that nothing fits."""
    Screen(text=True).runs([])
    Screen(text=True).runs([], filtered=True)
    assert capsys.readouterr().out == "no runs yet\nno such run\n"
