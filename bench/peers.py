"""Time another way to do the job "describe the SES contact list of N accounts". Prints one JSON line.

    python bench/peers.py TOOL --accounts N --threads C [--runs R]

It runs in a virtual environment of its own, with bench/peers_requirements.txt, and imports nothing of this project.
The endpoint, the Region and the credentials are those of the environment. The first run is the cold one: it loads the
models of the services, as a tool that was just started does. `import_seconds` is what comes before that.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

_ROLE = "contact-manager"
_SESSION = "bench"
_FIRST_ACCOUNT = 100_000_000_000

# A tool does the job once for these accounts with so many threads, and returns how many it described.
Job = Callable[[], int]
Tool = Callable[[list[str], int], Job]


def contact_list(session: Any) -> Any:
    """Return the topics of the one contact list that an account has, by two calls."""
    return _topics(session.client("sesv2"))


def _topics(ses: Any) -> Any:
    name = ses.list_contact_lists()["ContactLists"][0]["ContactListName"]
    return ses.get_contact_list(ContactListName=name)["Topics"]


def _assumed(sts: Any, account: str) -> dict[str, str]:
    role = f"arn:aws:iam::{account}:role/{_ROLE}"
    keys = sts.assume_role(RoleArn=role, RoleSessionName=_SESSION)["Credentials"]
    return {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }


def _serial(accounts: list[str], _threads: int) -> Job:
    """The loop that everybody writes first: one account after the other, a session for each."""
    import boto3

    def job() -> int:
        sessions = (boto3.Session(**_assumed(boto3.client("sts"), account)) for account in accounts)  # type: ignore[arg-type]
        return len([contact_list(session) for session in sessions])

    return job


def _threads(accounts: list[str], threads: int) -> Job:
    """What a skilled engineer writes in twenty minutes: one session with its models, clients made with credentials."""
    import boto3
    from botocore.config import Config

    shared = boto3.Session()
    sts = shared.client("sts", config=Config(max_pool_connections=threads))
    shared.client("sesv2")

    def describe(account: str) -> Any:
        return _topics(shared.client("sesv2", **_assumed(sts, account)))  # type: ignore[call-overload]

    def job() -> int:
        with ThreadPoolExecutor(threads) as pool:
            return len(list(pool.map(describe, accounts)))

    return job


def _botocove(accounts: list[str], threads: int) -> Job:
    from botocove import cove

    wanted = cove(target_ids=accounts, rolename=_ROLE, role_session_name=_SESSION, thread_workers=threads)
    return lambda: len(wanted(contact_list)()["Results"])


def _awsrun(accounts: list[str], threads: int) -> Job:
    import boto3
    from awsrun.runner import execute_function
    from awsrun.session import SessionProvider

    class Roles(SessionProvider):  # type: ignore[misc]  # not typed
        def session(self, account: str) -> Any:
            return boto3.Session(**_assumed(boto3.client("sts"), account))  # type: ignore[arg-type]

    def job() -> int:
        found: list[Any] = []
        execute_function(
            Roles(), accounts, lambda session, _account: found.append(contact_list(session)), max_workers=threads
        )
        return len(found)

    return job


TOOLS: dict[str, Tool] = {"serial": _serial, "threads": _threads, "botocove": _botocove, "awsrun": _awsrun}


def main() -> None:
    """Run the tool that was asked for, and print its figures."""
    arguments = _arguments()
    began = time.perf_counter()
    job = TOOLS[arguments.tool](
        [str(_FIRST_ACCOUNT + number) for number in range(arguments.accounts)], arguments.threads
    )
    imported = time.perf_counter() - began
    runs = [_measured(job, arguments.accounts) for _ in range(arguments.runs)]
    package = arguments.tool if arguments.tool in ("botocove", "awsrun") else "boto3"
    figures = {
        "tool": arguments.tool,
        "version": f"{package} {version(package)}",
        "accounts": arguments.accounts,
        "threads": arguments.threads,
        "import_seconds": imported,
        "walls": [wall for wall, _ in runs],
        "cpu_ms_per_account": [cpu for _, cpu in runs],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(figures))


def _measured(job: Job, accounts: int) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    described = job()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if described != accounts:
        raise SystemExit(f"only {described} of {accounts} accounts were described")
    return wall, 1000 * cpu / accounts


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", choices=sorted(TOOLS))
    parser.add_argument("--accounts", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--runs", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
