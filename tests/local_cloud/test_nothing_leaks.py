"""Nothing that was secret in a session is found where people look; `leaks` searches at the end of every local cloud."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local_cloud import leaks
from tests.local_cloud.conftest import RESULTS_BUCKET, WORKER, Cloud, fleet, running, ses_fleet, session_files
from tests.local_cloud.people_files import upload

PEOPLE = ("a/b@corp.example", "Ada+lists@corp.example", *(f"p{n}@corp.example" for n in range(3)))
SUPPRESSED = [
    *({"email": email, "reason": "COMPLAINT"} for email in PEOPLE[:3]),
    *({"email": email, "state": "absent"} for email in PEOPLE[3:]),
]
FAULTS = ("deny", "error_500", "kill_after", "drop_after", "throttle")
# What is asked of SES for single people.
OF_PEOPLE = (
    *("GetContact", "GetSuppressedDestination", "ListSuppressedDestinations"),
    *("PutSuppressedDestination", "DeleteSuppressedDestination"),
)


def set_and_remove(cloud: Cloud, faults: tuple[str, ...]) -> None:
    """People are set and removed in two lists, as it goes well, and as calls fail."""
    people = [f"who{number}@corp.example" for number in range(3)]
    setting: dict[str, Any] = {"action": "set-contacts-all", "include": ["acme", "globex"]}
    removing = {**setting, "action": "remove-contacts-all", "confirm_customers": 2, "params": {"confirm_people": 3}}
    for fault in (None, *faults):
        for operation, payload in (("CreateContact", setting), ("GetContact", setting), ("DeleteContact", removing)):
            rule = [{"operation": operation, "fault": fault, "times": 2}] if fault else []
            cloud.control("PUT", "faults", json.dumps(rule).encode())
            summary = cloud.run(**payload, people=upload(cloud, *people), dry_run=fault == "throttle")
            assert fault or summary["exit_code"] == 0, summary["results"]
            cloud.control("PUT", "faults", b"[]")
            cloud.leases_over()
    unknown = {"email": people[0], "opt_in": ["nowhere"], "attributes": {"name": "Who"}}
    cloud.run(**setting, people=upload(cloud, unknown))  # a topic that the lists do not have


@pytest.fixture(params=[FAULTS[2:3], pytest.param(FAULTS, marks=pytest.mark.matrix)], ids=["one fault", "each"])
def busy_cloud(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Cloud]:
    """A cloud of its own in which much was done, and much went wrong."""
    with running(*session_files(tmp_path)) as (_, cloud):
        be_busy(cloud, request.param)
        yield cloud


def be_busy(cloud: Cloud, faults: tuple[str, ...]) -> None:
    """Ask for much, with these faults of SES where single people are concerned."""
    cloud.run()
    for fault in faults:
        rule = [{"operation": "ListContacts", "fault": fault, "times": 4}]
        cloud.control("PUT", "faults", json.dumps(rule).encode())
        cloud.run(include=["acme", "globex"])
    for fault in faults:
        rule = [{"operation": operation, "fault": fault, "times": 2} for operation in OF_PEOPLE]
        cloud.control("PUT", "faults", json.dumps(rule).encode())
        for action, rows in (("find-contact-all", PEOPLE), ("set-suppressed-all", SUPPRESSED)):
            cloud.run(action=action, people=upload(cloud, *rows), include=["acme", "globex"])
        cloud.run(action="list-suppressed-all")
    cloud.control("PUT", "faults", b"[]")
    cloud.leases_over()
    set_and_remove(cloud, faults)
    cloud.invoke({"action": "find-contact-all", "people": upload(cloud, PEOPLE[0], PEOPLE[0])})
    ses_fleet(cloud, "invoke", "find-contact-all", "--person", "no address@corp.example")
    tell = "raise ValueError(f'boom {event} ada@acme.example ' + __import__('os').environ['AWS_SESSION_TOKEN'])"
    with cloud.function_changed(code=f"def handler(event, context):\n    {tell}\n"):
        cloud.put_config(fleet(1))
        cloud.run()
    cloud.invoke({"action": "describe-list-all", "include": ["nobody"]})
    for output in ("text", "json"):
        ses_fleet(cloud, "invoke", "describe-list-all", "--output", output)


def test_nothing_leaks(busy_cloud: Cloud) -> None:
    """No credential, no signature, no contact's address, not even of what a crashed worker printed."""
    assert len(json.loads(busy_cloud.control("GET", "credentials"))) > 10
    assert any("boom" in message for message in busy_cloud.log_messages(WORKER))
    assert leaks.found(busy_cloud) == []


def test_the_search_finds_what_it_looks_for(cloud: Cloud) -> None:
    """In the record, in the log, in what was printed."""
    cloud.run(include=["globex"])
    secret = json.loads(cloud.control("GET", "credentials"))[0]["session_token"]
    log: Any = {"logGroupName": f"/aws/lambda/{WORKER}", "logStreamName": "planted"}
    signed = "https://bucket/?X-Amz-Signature=0"
    cloud.s3.put_object(Bucket=RESULTS_BUCKET, Key="runs/planted", Body=b"person@globex.example")
    cloud.logs.create_log_stream(**log)
    cloud.logs.put_log_events(**log, logEvents=[{"timestamp": int(time.time() * 1000), "message": f"x{secret}x"}])
    cloud.spoken.append(signed)
    try:
        found = leaks.found(cloud)
    finally:
        cloud.spoken.remove(signed)
        cloud.logs.delete_log_stream(**log)
        cloud.s3.delete_object(Bucket=RESULTS_BUCKET, Key="runs/planted")
    assert found == [
        f"a credential in the log of {WORKER}",
        "…n@globex.e… in runs/planted",
        "a signature in what a command printed",
    ]
