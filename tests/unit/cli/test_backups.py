"""`backups list`: what was saved of whom, until when it is kept, and the command that brings it back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet.runs.backups import Saved
from ses_fleet_cli import backups
from ses_fleet_cli.backups import Backup, Place
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.show import Screen
from tests.unit.cli.stored import NOW, S3

DAY = 86_400


def saved(code: str, run_id: str, kind: Any = "list", **more: Any) -> bytes:
    """The text of a manifest; what a restore needs beside it is left out."""
    known = {"action": "backup-list", "account_id": "111122223333", "region": "us-east-1", "created_at": "x"}
    fields = {**known, "topics": (), "contacts": 1_204, "topic_count": 5, **more}
    return Saved(kind=kind, run_id=run_id, customer_code=code, **fields).model_dump_json().encode()


def there() -> S3:
    """Three complete backups of two customers, one that is not complete, and the ledger of an import."""
    s3 = S3()
    pruned = saved("acme", "r2", "topics", action="manage-topic", topics=("a", "b"), topic_count=2, contacts=1)
    removed = saved("globex", "r3", "contacts", action="remove-contacts", contacts=3)
    s3.objects = {
        "backups/acme/r1/f/contacts-00001.jsonl.gz": b"",
        "backups/acme/r1/backup.json": saved("acme", "r1"),
        "backups/acme/r2/f/contacts-00001.jsonl.gz": b"",
        "backups/acme/r2/backup.json": saved("acme", "r2", "topics", contacts=9),
        "backups/acme/r2/backup-2.json": pruned,
        "backups/globex/r3/backup.json": removed,
        "backups/globex/r4/f/contacts-00001.jsonl.gz": b"",
        "backups/identity/acme.json": b"{}",
    }
    s3.ages = {
        "backups/acme/r1/f": 3 * DAY,
        "backups/acme/r1": 2 * DAY,
        "backups/acme/r2": DAY,
        "backups/globex/r3": 3_600,
        "backups/globex/r4": 60,
    }
    return s3


def listed(s3: S3, code: str | None = None, count: int = 20) -> list[Backup]:
    """The backups, kept for 10 days."""
    return backups.listed(Place(s3.bucket, NOW, 10), code, count)


def test_every_backup_says_what_it_has_until_when_and_what_restores_it() -> None:
    """Newest first; the newest manifest counts; the first object that expires ends it; a ledger is no backup."""
    found = listed(there())
    assert [(one.customer_code, one.run_id, one.complete) for one in found] == [
        ("globex", "r4", False),
        ("globex", "r3", True),
        ("acme", "r2", True),
        ("acme", "r1", True),
    ]
    assert [one.until for one in found] == ["2026-03-11", "2026-03-11", "2026-03-10", "2026-03-08"]
    assert [one.saved_at for one in found][2:] == ["2026-02-28T06:10:00Z", "2026-02-27T06:10:00Z"]
    assert [(one.action, one.contacts, one.topics) for one in found] == [
        (None, None, None),
        ("remove-contacts", 3, 5),
        ("manage-topic", 1, 2),
        ("backup-list", 1_204, 5),
    ]
    assert [one.restore for one in found] == [
        None,
        "ses-fleet invoke restore-list --customer-code globex --param backup=r3",
        "ses-fleet invoke restore-topics --customer-code acme --param backup=r2",
        "ses-fleet invoke restore-list --customer-code acme --param backup=r1",
    ]
    assert json.loads(backups.as_json(found))[1]["account_id"] == "111122223333"


def test_only_the_newest_manifests_are_read() -> None:
    """Of one customer, or of all, as many as are shown: one request each, whatever lies there."""
    s3 = there()
    assert [one.run_id for one in listed(s3, "acme")] == ["r2", "r1"]
    assert s3.asked == ["list backups/acme/", "get backups/acme/r2/backup-2.json", "get backups/acme/r1/backup.json"]
    s3.asked.clear()
    assert [one.run_id for one in listed(s3, count=2)] == ["r4", "r3"]
    assert s3.asked == ["list backups/", "get backups/globex/r3/backup.json"]


@pytest.mark.parametrize("body", [b"{}", b"?", saved("acme", "other"), saved("globex", "r1")])
def test_what_is_no_manifest_of_this_backup_says_so(body: bytes) -> None:
    """Nothing is offered that a restore would refuse."""
    s3 = there()
    s3.objects["backups/acme/r1/backup.json"] = body
    (found,) = [one for one in listed(s3, "acme") if one.run_id == "r1"]
    assert (found.complete, found.restore) == (False, None)
    assert found.problem is not None
    assert found.problem.startswith("s3://b/backups/acme/r1/backup.json ")


def test_a_backup_of_an_earlier_version_is_listed() -> None:
    """It does not say which action made it, nor how many topics there were."""
    s3 = there()
    old = json.loads(saved("acme", "r1"))
    del old["action"], old["topic_count"]
    s3.objects["backups/acme/r1/backup.json"] = json.dumps(old).encode()
    found = listed(s3, "acme")[-1]
    assert (found.complete, found.action, found.topics, found.contacts) == (True, None, None, 1_204)


@pytest.mark.parametrize(
    ("code", "said"),
    [(None, "no backups yet"), ("acmee", 'no backups of acmee; did you mean "acme"?'), ("zz", "no backups of zz")],
)
def test_where_there_is_none_it_says_of_whom(code: str | None, said: str) -> None:
    """A code that is nearly another customer's is taken for a mistake in typing."""
    s3 = S3() if code is None else there()
    assert listed(s3, code) == []
    assert backups.none_of(Place(s3.bucket, NOW, 10), code) == said


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        (
            "AccessDenied",
            403,
            r"may not be read \(AccessDenied\): that takes the policy ses-fleet-data-reader \(NAME-data-reader of",
        ),
        ("InternalError", 500, "cannot be read"),
    ],
)
def test_what_s3_does_not_give_is_one_line(code: str, status: int, said: str) -> None:
    """Backups hold addresses: who may start runs may not read them for that alone."""
    s3 = there()
    s3.refused["backups/acme/r1/backup.json"] = (code, status)
    with pytest.raises(CommandError, match=said) as error:
        listed(s3, "acme")
    assert error.value.exit_code == 3


def test_what_can_be_no_code_is_exit_2() -> None:
    """Nothing is asked."""
    s3 = there()
    with pytest.raises(CommandError, match=r'^"\.\./x" can be no customer') as error:
        listed(s3, "../x")
    assert (error.value.exit_code, s3.asked) == (2, [])


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_a_list_of_backups_fits_the_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids, numbers and days are whole; below it are the commands, one for each kind."""
    monkeypatch.setenv("COLUMNS", str(columns))
    Screen(text=True).backups(listed(there()), otherwise=str)
    table, _, commands = capsys.readouterr().out.partition("Bring back")
    assert max(map(len, table.splitlines())) <= columns
    for part in ("1,204 contacts, 5 topics", "preferences of 1 contact for 2 topics", "3 contacts before removal",
                 "not complete", "2026-03-08", "2026-02-27 06:10", "remove-contacts"):  # fmt: skip
        assert part in table
    assert commands.splitlines() == [
        " (a whole list): ses-fleet invoke restore-list --customer-code acme --param backup=r1",
        "Bring back (topics that were pruned): ses-fleet invoke restore-topics --customer-code acme --param backup=r2",
        "Bring back (people who were removed): ses-fleet invoke restore-list --customer-code globex --param backup=r3",
    ]


def test_a_program_gets_each_backup_with_its_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line."""
    monkeypatch.delenv("COLUMNS", raising=False)
    Screen(text=True).backups(listed(there(), "acme"), otherwise=str)
    said = capsys.readouterr().out
    (line,) = [line for line in said.splitlines() if " r2 " in line]
    assert "manage-topic" in line
    assert line.rstrip().endswith("ses-fleet invoke restore-topics --customer-code acme --param backup=r2")
    assert "CODE" not in said


def test_nothing_hostile_in_a_backup_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What is no customer's code or run's id is no backup: its command would be run by who copies it."""
    s3 = there()
    s3.objects["backups/$(true)/r/backup.json"] = saved("$(true)", "r")
    s3.objects["backups/acme/r;true/backup.json"] = saved("acme", "r;true")
    s3.objects["backups/acme/r1/backup.json"] = saved("acme", "r1", action="x\x1b[2J")
    Screen(text=True).backups(listed(s3), otherwise=str)
    said = capsys.readouterr().out
    assert ("true" in said, "\x1b" in said, "x\\u001b" in said) == (False, False, True)
