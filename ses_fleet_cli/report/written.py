"""`runs export --format html`: read all that the record has of a run, and write the report."""

from __future__ import annotations

import json
from typing import Any

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket, TooLargeError
from ses_fleet.errors import AwsCallError
from ses_fleet.runs.keys import fleet_key
from ses_fleet.runs.models import Summary
from ses_fleet_cli import aws_failures, whole_results
from ses_fleet_cli.errors import no_summary, usage
from ses_fleet_cli.new_file import NewFile
from ses_fleet_cli.report import content, page
from ses_fleet_cli.runs import Shown


def write(bucket: Bucket, shown: Shown, file: NewFile) -> str:
    """Write the report of a run that is over, and return the sentence that says so.

    Raise CommandError with exit code 2 for a run without an end and for a file that cannot be written, with exit code 3
    when the record cannot be read.
    """
    run_id = shown.summary.run_id
    if not shown.is_over:
        raise usage(
            f"run {run_id} has no end yet ({shown.state}): a report is made of one that is over; `ses-fleet runs show "
            f"{run_id}` shows how far it is"
        )
    whole = _whole(bucket, shown)
    text = page.html(content.of(shown, whole))
    with file.writing() as out:
        out.write(text)
    return f"report of run {run_id} written to {file.path}"


def _whole(bucket: Bucket, shown: Shown) -> Summary:
    results = whole_results.of(bucket, shown, blocks=True)
    return shown.summary.model_copy(update={"results": results, "fleet": _fleet(bucket, shown)})


def _fleet(bucket: Bucket, shown: Shown) -> dict[str, Any] | None:
    """Return the comparison of all customers, which lies beside a Summary that has no room for it."""
    fleet = shown.summary.fleet
    if fleet is None or not fleet.get("location"):
        return fleet
    key = fleet_key(shown.summary.run_id)
    try:
        return _object(json.loads(bucket.read(key, limit=limits.MAX_RECORD_BYTES).body))
    except AwsCallError as failure:
        raise no_summary(f"{bucket.location(key)} cannot be read: {aws_failures.reason(failure)}") from None
    except (ValueError, TypeError, TooLargeError) as error:
        raise no_summary(f"{bucket.location(key)} cannot be understood ({type(error).__name__})") from None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("the comparison is no JSON object")
    return value
