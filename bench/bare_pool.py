"""What boto3 itself allows: a thread pool that does Invoke and PutObject for each customer, and nothing else.

    python -m bench.bare_pool --lambda URL --s3 URL --customers N --threads C

Prints the seconds as one JSON line. It runs in a process of its own, so that it shares no lock with anything.
"""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3.session
from botocore.config import Config

from bench.local_cloud import KEYS, config_of
from ses_fleet_local.accounts import RESULTS_BUCKET, WORKER


def main() -> None:
    """Do it for each customer, and print the seconds that it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lambda", dest="functions", required=True, help="the endpoint that answers Invoke")
    parser.add_argument("--s3", required=True, help="the endpoint that takes the results")
    parser.add_argument("--customers", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()
    functions = _client("lambda", arguments.functions, arguments.threads)
    s3 = _client("s3", arguments.s3, arguments.threads)

    def one(customer: dict[str, Any]) -> None:
        item = json.dumps({"run_id": "bare", "customer": {**customer, "account_id": "100000000000"}})
        body = functions.invoke(FunctionName=WORKER, Payload=item)["Payload"].read()
        s3.put_object(Bucket=RESULTS_BUCKET, Key=f"bare/{customer['customer_code']}.json", Body=body)

    customers = list(config_of(arguments.customers)["customer_mappings"].values())
    began = time.perf_counter()
    with ThreadPoolExecutor(arguments.threads) as pool:
        list(pool.map(one, customers))
    print(json.dumps({"seconds": time.perf_counter() - began}))


def _client(service: str, url: str, connections: int) -> Any:
    # boto3's own tries: a server closes a connection that was idle for long, at times just when it is used again.
    config = Config(max_pool_connections=connections, read_timeout=300, connect_timeout=60)
    return boto3.session.Session().client(service, endpoint_url=url, config=config, **KEYS)  # type: ignore[call-overload]


if __name__ == "__main__":
    main()
