"""Every result of a run with all that it has: what its Summary leaves out is read from the record."""

from __future__ import annotations

from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError
from ses_fleet.runs.models import CustomerResult
from ses_fleet.runs.record import RunRecord
from ses_fleet.runs.summary import SHORTENED
from ses_fleet_cli import aws_failures
from ses_fleet_cli.errors import BROKEN_RECORD, CommandError, no_summary
from ses_fleet_cli.runs import Shown


def of(bucket: Bucket, shown: Shown, *, blocks: bool = False) -> tuple[CustomerResult, ...]:
    """Return the results of a run in config order, with the data and the messages that its Summary has no room for.

    With `blocks` they have the lines of the customers' blocks, too. A customer without a stored result has that of the
    Summary. Raise CommandError with exit code 3 when the record cannot be read, or lacks what the Summary left to it.
    """
    results = shown.summary.results
    if shown.plan is None:
        return results
    places = {customer.customer_code: index for index, customer in enumerate(shown.plan.customers)}
    is_cut = blocks or not shown.is_over or SHORTENED in shown.summary.warnings
    wanted = {
        places[one.customer_code]: one
        for one in results
        if one.customer_code in places and (is_cut or _is_elsewhere(one))
    }
    whole = _read(RunRecord(bucket, shown.summary.run_id), shown, wanted)
    return tuple(whole.get(one.customer_code, one) for one in results)


def _is_elsewhere(result: CustomerResult) -> bool:
    return result.data is None and result.data_location is not None


def _read(record: RunRecord, shown: Shown, wanted: dict[int, CustomerResult]) -> dict[str, CustomerResult]:
    """Return the stored results of the customers with these places in plan.json, by code."""
    assert shown.plan is not None  # noqa: S101  # checked by of
    found = {}
    try:
        for index, body in record.stored_results(shown.plan, wanted):
            code = wanted[index].customer_code
            if body is not None:
                found[code] = CustomerResult.model_validate_json(body)
            elif _is_elsewhere(wanted[index]):
                raise _unreadable(record, code, "it is not there any more")
    except AwsCallError as failure:
        raise no_summary(f"the record of run {record.run_id} cannot be read: {aws_failures.reason(failure)}") from None
    except BROKEN_RECORD as error:
        why = f"{type(error).__name__}: it is broken, or another version of ses-fleet wrote it"
        raise _unreadable(record, code, why) from None
    return found


def _unreadable(record: RunRecord, customer_code: str, why: str) -> CommandError:
    return no_summary(f"the result of {customer_code} in run {record.run_id} cannot be read: {why}")
