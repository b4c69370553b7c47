"""`ses-fleet config push`: checked like the orchestrator does, then put where it reads, and the version said."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ses_fleet.runs import hub_policies
from tests.local_cloud.conftest import CONFIG_BUCKET, HUB, ORCHESTRATOR, SAMPLE, Cloud, fleet, ses_fleet
from tests.local_cloud.test_policies import Session

GOOD = fleet(2)


def write(path: Path, name: str, content: Any) -> str:
    """A file; bytes and text as they are."""
    file = path / name
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(file)


def stored(cloud: Cloud, key: str = "config.json") -> Any:
    """What the orchestrator would read."""
    return json.loads(cloud.s3.get_object(Bucket=CONFIG_BUCKET, Key=key)["Body"].read())


def test_a_good_file_is_put_and_its_version_said(cloud: Cloud, tmp_path: Path) -> None:
    """The version that the next run reports as the one it read; both kinds at once, told apart by their content."""
    topics = json.loads((Path(__file__).parents[1] / "data" / "SESConfig.json").read_text())
    files = write(tmp_path, "a.json", GOOD), write(tmp_path, "b.json", topics)
    ended = ses_fleet(cloud, "config", "push", "--yes", *files)
    assert ended.returncode == 0, ended.stderr
    assert f"s3://{CONFIG_BUCKET}/config.json would be replaced by {files[0]}:\n" in ended.stderr
    assert "\n  - customer acme\n" in ended.stderr
    first, second = ended.stdout.splitlines()
    version = cloud.s3.head_object(Bucket=CONFIG_BUCKET, Key="config.json")["VersionId"]
    assert first == f"{files[0]} → s3://{CONFIG_BUCKET}/config.json, version {version}"
    assert second.startswith(f"{files[1]} → s3://{CONFIG_BUCKET}/SESConfig.json, version ")
    assert (stored(cloud), stored(cloud, "SESConfig.json")) == (GOOD, topics)
    assert cloud.run()["config_version"]["config"] == version


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "$: error: config.json is not JSON"),
        pytest.param(
            {"customer_mappings": {}},
            "$.customer_mappings: error: no customers are configured",
            marks=pytest.mark.matrix,
        ),
        pytest.param(
            '{"customer_mappings": {"a": {}, "a": {}}}',
            "$.customer_mappings.a: error: the key is there more than once",
            marks=pytest.mark.matrix,
        ),
        ({"topics": [{}]}, "$.topics[0].TopicName: error: missing"),
    ],
)
def test_what_no_run_could_start_on_is_never_put(content: Any, said: str, cloud: Cloud, tmp_path: Path) -> None:
    """Not even by force; what was there stays."""
    file = write(tmp_path, "config.json", content)
    for force in ([], ["--force"]):
        ended = ses_fleet(cloud, "config", "push", "--yes", file, *force)
        assert ended.returncode == 1
        assert f"{file}: {said}" in ended.stderr
        assert "nothing was uploaded: " in ended.stderr
        assert ended.stdout == ""
    assert stored(cloud) == SAMPLE


def test_a_customers_error_stops_all_but_force(cloud: Cloud, tmp_path: Path) -> None:
    """The other file is not put either; forced, that customer fails and the others run."""
    broken = {"customer_mappings": {**GOOD["customer_mappings"], "bad": {"ses_role_arn": "arn:aws:iam::1:role/x"}}}
    files = write(tmp_path, "config.json", broken), write(tmp_path, "SESConfig.json", {"topics": []})
    ended = ses_fleet(cloud, "config", "push", "--yes", *files)
    assert ended.returncode == 1
    assert "$.customer_mappings.bad.ses_role_arn: error: " in ended.stderr
    assert "--force" in ended.stderr
    assert stored(cloud) == SAMPLE
    forced = ses_fleet(cloud, "config", "push", "--yes", files[0], "--force")
    assert forced.returncode == 0, forced.stderr
    assert stored(cloud) == broken


def test_a_misspelt_role_stops_all_but_force(cloud: Cloud, tmp_path: Path) -> None:
    """Forced, that customer is skipped with a warning, as a run reads it, and the others run."""
    misspelt = {"customer_mappings": {**GOOD["customer_mappings"], "bad": {"ses_role_arm": "x", "region": "us-east-1"}}}
    file = write(tmp_path, "config.json", misspelt)
    ended = ses_fleet(cloud, "config", "push", "--yes", file)
    assert ended.returncode == 1
    assert "$.customer_mappings.bad.ses_role_arm: error: unknown key that looks like ses_role_arn" in ended.stderr
    assert stored(cloud) == SAMPLE
    assert ses_fleet(cloud, "config", "push", "--yes", file, "--force").returncode == 0
    summary = cloud.run(action="describe-list-all", dry_run=True)
    assert {one["customer_code"]: one["status"] for one in summary["results"]}["bad"] == "skipped"


def test_a_warning_is_said_and_stops_nothing(cloud: Cloud, tmp_path: Path) -> None:
    """A customer without a role, for one."""
    skipped = {"customer_mappings": {**GOOD["customer_mappings"], "later": {"ses_role_arn": ""}}}
    ended = ses_fleet(cloud, "config", "push", "--yes", write(tmp_path, "config.json", skipped))
    assert ended.returncode == 0
    assert "$.customer_mappings.later: warning: is skipped" in ended.stderr
    assert stored(cloud) == skipped


@pytest.mark.matrix
def test_mistakes_of_the_command_line_are_exit_2(cloud: Cloud, tmp_path: Path) -> None:
    """A file that is not there, two of one kind; a function that is not there is exit 3."""
    file = write(tmp_path, "config.json", GOOD)
    missing = ses_fleet(cloud, "config", "push", "--yes", str(tmp_path / "none.json"))
    assert (missing.returncode, missing.stderr) == (
        2,
        f"ses-fleet: {tmp_path / 'none.json'} cannot be read: No such file or directory\n",
    )
    twice = ses_fleet(cloud, "config", "push", "--yes", file, write(tmp_path, "other.json", GOOD))
    assert twice.returncode == 2
    assert "are of the same kind" in twice.stderr
    assert ses_fleet(cloud, "config", "push", "--yes", file, "--function-name", "nobody").returncode == 3
    assert stored(cloud) == SAMPLE


def test_a_script_must_say_that_it_means_it(cloud: Cloud, tmp_path: Path) -> None:
    """The difference is shown all the same, and what changes nothing needs no yes."""
    file = write(tmp_path, "config.json", GOOD)
    ended = ses_fleet(cloud, "config", "push", file)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "\n  + customer f01 (Fleet 1, arn:aws:iam::300000000001:role/contact-manager)\n" in ended.stderr
    assert "without a terminal to confirm that, it needs --yes" in ended.stderr
    assert stored(cloud) == SAMPLE
    same = tmp_path / "same.json"
    same.write_bytes(cloud.s3.get_object(Bucket=CONFIG_BUCKET, Key="config.json")["Body"].read())
    ended = ses_fleet(cloud, "config", "push", str(same), "--force")
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert f"s3://{CONFIG_BUCKET}/config.json is as {same} already" in ended.stderr


def test_an_earlier_version_is_shown_and_brought_back(cloud: Cloud, tmp_path: Path) -> None:
    """By who may do no more than the policy for configurations says; a version that is there now is not."""
    who = configurer(cloud)
    one, other = fleet(1), fleet(2)
    for content in (one, other):
        assert who("config", "push", "--yes", write(tmp_path, "config.json", content)).returncode == 0
    listed = json.loads(who("config", "history", "--output", "json").stdout)
    now, before = [entry for entry in listed if entry["file"] == "config.json"][:2]
    assert (now["present"], before["present"]) == (True, False)
    assert json.loads(who("config", "show", "--version", before["version"]).stdout) == one
    assert json.loads(who("config", "show", "--version", before["version"][:12]).stdout) == one
    assert json.loads(who("config", "show").stdout) == other
    refused = who("config", "rollback", now["version"])
    assert (refused.returncode, "there is nothing to roll back" in refused.stderr) == (2, True)
    unsaid = who("config", "rollback", before["version"])
    assert (unsaid.returncode, "\n  - customer f02\n" in unsaid.stderr) == (2, True), unsaid.stderr
    assert stored(cloud) == other
    ended = who("config", "rollback", before["version"][:12], "--yes")
    assert ended.returncode == 0, ended.stderr
    assert stored(cloud) == one
    assert who("runs", "list").returncode == 3  # nothing of runs may be read with it


def configurer(cloud: Cloud) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command as somebody who has the policy for configurations alone."""
    function = f"arn:aws:lambda:us-east-1:{HUB}:function:{ORCHESTRATOR}"
    keys = ["config.json", "SESConfig.json"]
    statements = hub_policies.configurer_statements(
        orchestrator=function, config_bucket=f"arn:aws:s3:::{CONFIG_BUCKET}", config_keys=keys
    )
    who = Session(cloud, HUB, *statements)
    return lambda *arguments: ses_fleet(cloud, *arguments, **who.environment())
