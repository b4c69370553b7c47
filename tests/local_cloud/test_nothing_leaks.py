"""Nothing that was secret in a session is found where people look."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_cloud.conftest import ORCHESTRATOR, RESULTS_BUCKET, WORKER, Cloud, fleet

SES_FLEET = str(Path(sys.executable).parent / "ses-fleet")
# The example's people and every made-up contact.
_SEEDED = re.compile(r"\b(?:ada|grace|alan)@globex\.example|contact-\d{7}@seed-\d+\.example|ada@acme\.example")
_SIGNATURE = re.compile(r"X-Amz-Signature|Signature=[0-9a-f]{16}", re.IGNORECASE)


def everything_shown(cloud: Cloud) -> Iterator[tuple[str, str]]:
    """(where, text) of logs, records, summaries and what the command prints."""
    for function in (ORCHESTRATOR, WORKER):
        yield f"log of {function}", "\n".join(cloud.log_messages(function))
    for page in cloud.s3.get_paginator("list_objects_v2").paginate(Bucket=RESULTS_BUCKET, Prefix="runs/"):
        for entry in page.get("Contents", []):
            yield entry["Key"], cloud.s3.get_object(Bucket=RESULTS_BUCKET, Key=entry["Key"])["Body"].read().decode()
    for output in ("text", "json"):
        ended = subprocess.run(
            [SES_FLEET, "invoke", "describe-list-all", "--output", output],
            env=cloud.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        yield f"stdout, {output}", ended.stdout
        yield f"stderr, {output}", ended.stderr
    yield "journal", json.dumps(cloud.journal())


@pytest.fixture
def busy_cloud(cloud: Cloud) -> Cloud:
    """A cloud in which much was done, and much went wrong."""
    cloud.run()
    for fault in ("deny", "error_500", "kill_after", "drop_after", "throttle"):
        rule = [{"operation": "ListContacts", "fault": fault, "times": 4}]
        cloud.control("PUT", "faults", json.dumps(rule).encode())
        cloud.run(include=["acme", "globex"])
    cloud.control("PUT", "faults", b"[]")
    tell = "raise ValueError(f'boom {event} ada@acme.example ' + __import__('os').environ['AWS_SESSION_TOKEN'])"
    with cloud.function_changed(code=f"def handler(event, context):\n    {tell}\n"):
        cloud.put_config(fleet(1))
        cloud.run()
    cloud.invoke({"action": "describe-list-all", "include": ["nobody"]})
    return cloud


def test_nothing_leaks(busy_cloud: Cloud) -> None:
    """No credential, no signature, no contact's address in what the product wrote.

    What a function's own crash printed into the worker's log is Lambda's and the function's, not ours: the
    orchestrator passes none of it on.
    """
    secrets = [
        value
        for handed_out in json.loads(busy_cloud.control("GET", "credentials"))
        for name, value in handed_out.items()
        if name != "access_key_id"
    ]
    assert len(secrets) > 10
    for where, text in everything_shown(busy_cloud):
        crash = where == f"log of {WORKER}"
        own = "\n".join(line for line in text.splitlines() if not (crash and "boom" in line))
        assert not any(secret in own for secret in secrets), where
        assert not _SIGNATURE.search(own), where
        assert not _SEEDED.search(own), (where, _SEEDED.search(own))
