"""Two runs side by side, through the real functions and the real record."""

from __future__ import annotations

import copy
import json

from tests.local_cloud.conftest import SAMPLE, Cloud, ses_fleet

READING = ("describe-list", "describe-topics", "list-contacts", "validate-access", "list-suppressed")


def test_runs_of_every_reading_action_are_the_same_until_something_changes(cloud: Cloud) -> None:
    """Exit code 0, whatever time has passed. A role that is not let in any more, and a customer that is gone: 4."""
    with cloud.conditions(unset_share=0, read_lag_seconds=0):
        for number in (1, 2):
            for action in READING:
                cloud.run(action=f"{action}-all", include=["acme", "globex"], run_id=f"same-{action}-{number}")
    for action in READING:
        ended = ses_fleet(cloud, "runs", "diff", f"same-{action}-1", f"same-{action}-2")
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
        assert ended.stdout.endswith("\n\n📊 Nothing changed (2 customers compared)\n")
    config = copy.deepcopy(SAMPLE)
    config["customer_mappings"]["globex"]["ses_role_arn"] += "-of-nobody"
    config["customer_mappings"] = {code: config["customer_mappings"][code] for code in ("globex",)}
    cloud.put_config(config)
    cloud.run(action="describe-topics-all", run_id="changed")
    ended = ses_fleet(cloud, "runs", "diff", "same-describe-topics-1", "changed")
    assert (ended.returncode, ended.stderr) == (4, "")
    assert "\nglobex\n   status: successful → failed\n   error: new: " in ended.stdout
    assert "\nOnly in A: acme\n📊 Customers changed: 1, unchanged: 0\n" in ended.stdout
    as_json = ses_fleet(cloud, "runs", "diff", "same-describe-topics-1", "changed", "--output", "json")
    assert as_json.returncode == 4
    document = json.loads(as_json.stdout)
    assert (document["differs"], document["gone"], document["only_in_b"]) == (True, ["acme"], [])
    other = ses_fleet(cloud, "runs", "diff", "same-describe-list-1", "changed")
    assert (other.returncode, other.stdout) == (2, "")
