"""Measure the CPU that a fresh process needs to start. `python -S -B -P bench/cold_process.py WHAT [EVENT]`

WHAT is `boto3`, `clients` (boto3 with one client of STS and one of SES) or a handler's module, which is then called
once with the EVENT, a JSON file. The import path is that of the environment. Prints CPU seconds (user and system) of
the import and of the call as one JSON line; the interpreter's own start is not in them. It imports nothing but that.
"""

import importlib
import json
import pathlib
import sys
import time


class Context:
    """Lambda's context object of one invocation, with fifteen minutes left."""

    aws_request_id = "00000000-0000-4000-8000-000000000000"
    function_name = "ses-fleet"
    function_version = "$LATEST"
    memory_limit_in_mb = "512"
    log_group_name = "/aws/lambda/ses-fleet"
    log_stream_name = "bench"

    def __init__(self, arn: str) -> None:
        self.invoked_function_arn = arn
        self._end = time.monotonic() + 900

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function's timeout."""
        return int(1000 * (self._end - time.monotonic()))


def main() -> None:
    """Import, call, and print what both took."""
    what, began = sys.argv[1], time.process_time()
    if what == "clients":
        import boto3.session

        session = boto3.session.Session()
        for service in ("sts", "sesv2"):
            session.client(service, region_name="us-east-1")
    module = importlib.import_module("boto3" if what == "clients" else what)
    imported = time.process_time()
    answer = None
    if len(sys.argv) > 2:
        event = json.loads(pathlib.Path(sys.argv[2]).read_text())
        arn = "arn:aws:lambda:us-east-1:123456789012:function:ses-fleet-orchestrator"
        answer = module.handler(event, Context(arn))
    called = time.process_time()
    sys.stdout.write("\n" + json.dumps({"init": imported - began, "first": called - imported, "answer": answer}) + "\n")


main()
