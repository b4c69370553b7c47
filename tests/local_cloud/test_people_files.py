"""People files on the whole way: from a person's table to the workers' rows, as the roles allow it.

Both functions and the command get one more action here: look-up describes the list and says how many rows it had.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ses_fleet.runs import hub_policies
from tests.local_cloud.conftest import HUB, ORCHESTRATOR, RESULTS_BUCKET, WORKER, Cloud, original_code, running
from tests.local_cloud.test_policies import Session, refusal

DECLARED = """
from dataclasses import replace
ACTIONS["look-up"] = replace(DESCRIBE_LIST, name="look-up", people=PeopleRows("person"))
"""
# What `help` says of it, which the command asks a function that is slow to start.
DATA_OF_IT = """
DATA_MODELS["look-up"] = DATA_MODELS["describe-list"]
"""
REGISTERED = """
def _look_up(context, params, state):
    context.log(f"{len(context.rows)} rows for {context.code}")
    return _of("describe_list")(context, params, state)

REGISTRY["look-up"] = _look_up
"""
COMMAND = f"from ses_fleet.actions.catalogue import *\nimport ses_fleet_cli.main\n{DECLARED}\nses_fleet_cli.main.main()"
TABLE = "email;customers\r\none@corp.example;\r\ntwo@corp.example;acme\r\nthree@corp.example;acme globex\r\n"


def with_look_up() -> bytes:
    """The functions' own package with one more action."""
    own, made = zipfile.ZipFile(io.BytesIO(original_code())), io.BytesIO()
    added = {
        "ses_fleet/actions/catalogue.py": DECLARED,
        "ses_fleet/actions/data/by_action.py": DATA_OF_IT,
        "ses_fleet/worker/registry.py": REGISTERED,
    }
    with zipfile.ZipFile(made, "w") as archive:
        for name in own.namelist():
            archive.writestr(zipfile.ZipInfo(name), own.read(name).decode() + added.get(name, ""))
    return made.getvalue()


@pytest.fixture(scope="module")
def looking_up() -> Iterator[Cloud]:
    """A local cloud of its own whose functions know the action, and whose results have versions, as deployed."""
    with running("--port", "0", "--ses-rate", "0") as (_, cloud):
        cloud.s3.put_bucket_versioning(Bucket=RESULTS_BUCKET, VersioningConfiguration={"Status": "Enabled"})
        for function in (ORCHESTRATOR, WORKER):
            cloud.update_code(function, with_look_up())
        yield cloud


def person(cloud: Cloud, *, uploads: bool) -> Session:
    """Somebody who may start runs, and maybe say whom they are for."""
    results, function = f"arn:aws:s3:::{RESULTS_BUCKET}", f"arn:aws:lambda:us-east-1:{HUB}:function:{ORCHESTRATOR}"
    statements = hub_policies.invoker_statements(orchestrator=function, results_bucket=results)
    if uploads:
        statements += hub_policies.requester_statements(results_bucket=results)
    return Session(cloud, HUB, *statements)


def look_up(cloud: Cloud, who: Session, directory: Path, table: str = TABLE) -> subprocess.CompletedProcess[str]:
    """The command, as this person."""
    path = directory / "people.csv"
    path.write_bytes(table.encode("utf-16"))
    arguments = ["invoke", "look-up-all", "--people", str(path), "--include", "acme", "--include", "globex"]
    environment = {**cloud.environment(), **who.environment()}
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments, "--include", "acmenonprod", "--output", "json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    cloud.spoken += [ended.stdout, ended.stderr]
    return ended


def kept(cloud: Cloud, key: str) -> Any:
    """An object of the results bucket, parsed."""
    return json.loads(cloud.s3.get_object(Bucket=RESULTS_BUCKET, Key=key)["Body"].read())


def test_a_table_becomes_the_rows_of_each_customer(looking_up: Cloud, tmp_path: Path) -> None:
    """Each worker has its customer's; the version that was uploaded is pinned, and who uploaded it cannot read it."""
    who = person(looking_up, uploads=True)
    ended = look_up(looking_up, who, tmp_path)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    summary = json.loads(ended.stdout)
    run_id = summary["run_id"]
    results = {
        one["customer_code"]: kept(looking_up, f"runs/{run_id}/results/{one['customer_code']}.json")
        for one in summary["results"]
    }
    told = {code: [line for line in one["logs"] if " rows for " in line] for code, one in results.items()}
    assert told == {
        "acme": ["3 rows for acme"],
        "globex": ["2 rows for globex"],
        "acmenonprod": ["1 rows for acmenonprod"],
    }
    plan = kept(looking_up, f"runs/{run_id}/plan.json")
    key = f"data/requests/{plan['request']['people']}.jsonl"
    uploaded = looking_up.s3.head_object(Bucket=RESULTS_BUCKET, Key=key)
    assert (plan["people"]["version_id"], plan["people"]["rows"]) == (uploaded["VersionId"], 3)
    assert f"people file {plan['people']['id']}: 3 rows, there until " in ended.stderr
    assert refusal(who.client("s3").get_object, Bucket=RESULTS_BUCKET, Key=key) == ("AccessDenied", 403)


@pytest.mark.matrix
def test_who_may_not_upload_is_told_which_policy_is_missing(looking_up: Cloud, tmp_path: Path) -> None:
    """Nothing is started."""
    before = looking_up.s3.list_objects_v2(Bucket=RESULTS_BUCKET, Prefix="runs/")["KeyCount"]
    ended = look_up(looking_up, person(looking_up, uploads=False), tmp_path)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "that takes the policy ses-fleet-requester (NAME-requester of" in ended.stderr
    assert ended.stderr.endswith("; nothing was started\n")
    assert looking_up.s3.list_objects_v2(Bucket=RESULTS_BUCKET, Prefix="runs/")["KeyCount"] == before


@pytest.mark.matrix
def test_what_the_command_has_not_checked_is_refused_by_the_function(looking_up: Cloud) -> None:
    """As with `aws s3 cp`: every fault by its line, and no word of what is there."""
    people = "0123456789abcdef0123456789abcdef"
    body = b'{"email": "one@corp.example"}\n{"email": "ONE@corp.example", "customers": ["acme"]}\n'
    body += b'{"email": "two@corp.example", "customers": ["nobody-of-ours", "globex"]}\n{"email": "three"}\n'
    looking_up.s3.put_object(Bucket=RESULTS_BUCKET, Key=f"data/requests/{people}.jsonl", Body=body)
    wanted = {"action": "look-up-all", "people": people, "include": ["acme"]}
    answer = looking_up.invoke(wanted).body
    assert answer["errorType"] == "RequestError"
    assert answer["errorMessage"].splitlines() == [
        "$.people: line 2: email: is the address of line 1, too: one row a person",
        "$.people: line 4: email: is no address: it must be one name, an @ and a domain with a dot, without blanks",
    ]
    looking_up.s3.put_object(Bucket=RESULTS_BUCKET, Key=f"data/requests/{people}.jsonl", Body=body.splitlines()[2])
    unknown, elsewhere = looking_up.invoke(wanted).body["errorMessage"].splitlines()
    assert unknown == "$.people: line 1: customers[0]: config.json has no such customer"
    assert elsewhere.startswith(
        "$.people: line 1: customers[1]: globex is not selected, so nothing would be done for it"
    )
    gone = looking_up.invoke({**wanted, "people": "f" * 32}).body["errorMessage"]
    assert "does not exist (NoSuchKey): a people file lives 7 days" in gone
