"""Runs side by side, and the report of one, through the real functions and the real record."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from tests.local_cloud.conftest import SAMPLE, Cloud, ses_fleet
from tests.unit.cli.report.parsed import Page

OTHERS = ("describe-list", "list-contacts", "validate-access", "check-health", "list-suppressed")
READING = ("describe-topics", *(pytest.param(one, marks=pytest.mark.matrix) for one in OTHERS))


@pytest.mark.parametrize("action", READING)
def test_runs_of_a_reading_action_are_the_same_while_nothing_changes(action: str, cloud: Cloud) -> None:
    """Exit code 0, whatever time has passed."""
    with cloud.conditions(unset_share=0, read_lag_seconds=0):
        for number in (1, 2):
            cloud.run(action=f"{action}-all", include=["acme", "globex"], run_id=f"same-{action}-{number}")
    ended = ses_fleet(cloud, "runs", "diff", f"same-{action}-1", f"same-{action}-2")
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert ended.stdout.endswith("\n\n📊 Nothing changed (2 customers compared)\n")


def test_what_changed_between_two_runs_is_said(cloud: Cloud) -> None:
    """A role that is not let in any more, and a customer that is gone: exit code 4."""
    for action in ("describe-topics", "describe-list"):
        cloud.run(action=f"{action}-all", include=["acme", "globex"], run_id=f"before-{action}")
    config = copy.deepcopy(SAMPLE)
    config["customer_mappings"]["globex"]["ses_role_arn"] += "-of-nobody"
    config["customer_mappings"] = {code: config["customer_mappings"][code] for code in ("globex",)}
    cloud.put_config(config)
    cloud.run(action="describe-topics-all", run_id="changed")
    ended = ses_fleet(cloud, "runs", "diff", "before-describe-topics", "changed")
    assert (ended.returncode, ended.stderr) == (4, "")
    assert "\nglobex\n   status: successful → failed\n   error: new: " in ended.stdout
    assert "\nOnly in A: acme\n📊 Customers changed: 1, unchanged: 0\n" in ended.stdout
    as_json = ses_fleet(cloud, "runs", "diff", "before-describe-topics", "changed", "--output", "json")
    assert as_json.returncode == 4
    document = json.loads(as_json.stdout)
    assert (document["differs"], document["gone"], document["only_in_b"]) == (True, ["acme"], [])
    other = ses_fleet(cloud, "runs", "diff", "before-describe-list", "changed")
    assert (other.returncode, other.stdout) == (2, "")


def test_a_report_of_a_run_is_one_file(cloud: Cloud, tmp_path: Path) -> None:
    """With its matrix and the blocks of its workers; nothing is overwritten unasked, and no contact is in it."""
    cloud.run(action="describe-topics-all", run_id="to-report")
    out = tmp_path / "report.html"
    command = ["runs", "export", "to-report", "--format", "html", "--out", str(out)]
    ended = ses_fleet(cloud, *command)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr == f"report of run to-report written to {out}\n"
    text = out.read_text()
    cloud.spoken.append(text)  # searched for addresses when all tests of the local cloud are done
    page = Page(text)
    assert page.unclosed == []
    assert "◇" not in page.text
    assert "Topics: how many contacts receive each" in page.text
    assert "describe-topics finished" in page.text
    codes = [row[1].split()[0] for row in page.rows if row[0] in ("✗ failed", "✓ successful", "– skipped")]
    assert sorted(codes) == sorted(SAMPLE["customer_mappings"])
    again = ses_fleet(cloud, *command)
    assert (again.returncode, again.stderr) == (
        2,
        f"ses-fleet: {out} is there: choose another name, or overwrite it with --force\n",
    )
    assert ses_fleet(cloud, *command, "--force").returncode == 0
    assert out.read_text() == text
    piped = ses_fleet(cloud, *command[:-1], "-")
    assert (piped.returncode, piped.stdout) == (0, text)
