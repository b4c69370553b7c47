"""`python -m strict_aws`: it starts, says what a shell needs, answers AWS clients, and ends in good order."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "strict_aws"]

Start = Callable[..., tuple["subprocess.Popen[str]", dict[str, str]]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start one with these arguments; the process once it is ready, and what it exported. It is gone afterwards."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
        process = subprocess.Popen(
            [*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        exports: dict[str, str] = {}
        for line in process.stdout:
            if line == "# ready\n":
                return process, exports
            assert line.startswith("export "), line
            name, _, value = line.removeprefix("export ").strip().partition("=")
            exports[name] = value
        raise AssertionError(process.communicate()[1])

    yield run
    for process in started:
        process.kill()
        process.communicate()


def client(service: str, exports: dict[str, str]) -> Any:
    """A boto3 client that is configured by the exported variables alone."""
    factory: Any = boto3.session.Session()
    return factory.client(
        service,
        region_name=exports["AWS_REGION"],
        endpoint_url=exports["AWS_ENDPOINT_URL"],
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        verify=exports.get("AWS_CA_BUNDLE"),
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )


def ended(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command that does not start."""
    done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_answers_and_ends_by_a_signal(how: signal.Signals, start: Start) -> None:
    """The exported account is who asks; SIGTERM and SIGINT end it with exit code 0 and nothing on stderr."""
    process, exports = start("--port", "0", "--account", "111122223333", "--region", "eu-west-1")
    assert exports == {
        "AWS_ENDPOINT_URL": exports["AWS_ENDPOINT_URL"],
        "AWS_ACCESS_KEY_ID": "111122223333",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    assert client("sts", exports).get_caller_identity()["Account"] == "111122223333"
    client("sesv2", exports).create_contact_list(ContactListName="main")
    assert client("sesv2", exports).get_contact_list(ContactListName="main")["ContactListName"] == "main"
    with urllib.request.urlopen(f"{exports['AWS_ENDPOINT_URL']}/_strict_aws/ready", timeout=30) as answer:  # noqa: S310
        assert answer.read() == b"ready\n"
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.matrix
def test_its_options_are_in_force(start: Start) -> None:
    """HTTPS with the printed certificate, the conditions of the preset, and the rate of SES."""
    process, exports = start("--port", "0", "--tls", "--conditions", "aws", "--ses-rate", "0")
    assert exports["AWS_ENDPOINT_URL"].startswith("https://127.0.0.1:")
    trust = ssl.create_default_context(cafile=exports["AWS_CA_BUNDLE"])
    url = f"{exports['AWS_ENDPOINT_URL']}/_strict_aws/conditions"
    with urllib.request.urlopen(url, timeout=30, context=trust) as answer:  # noqa: S310
        assert json.loads(answer.read())["tokens_of_session"] is True
    ses = client("sesv2", exports)
    for _ in range(12):  # twice as many as pass at once under a throttle, and some
        assert not ses.list_contact_lists().get("ContactLists")
    process.terminate()
    assert (process.wait(timeout=60), Path(exports["AWS_CA_BUNDLE"]).exists()) == (0, False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "99999"], "argument --port: '99999' is not a number from 0 to 65535"),
        (["--port", "-1"], "argument --port: '-1' is not a number from 0 to 65535"),
        (["--account", "12"], "argument --account: '12' is not the 12 digits of an account"),
        (["--region", "us-east-3"], "argument --region: AWS has no Region 'us-east-3'"),
        (["--ses-rate", "nan"], "argument --ses-rate: 'nan' is not a number of requests per second"),
        (["--ses-rate", "-1"], "argument --ses-rate: '-1' is not a number of requests per second"),
        (["--max-environments", "0"], "argument --max-environments: '0' is not a number from 1 to 100"),
        (["--empty"], "unrecognized arguments: --empty"),
    ],
)
def test_a_bad_argument_is_one_line(arguments: list[str], message: str) -> None:
    """Exit code 2, nothing on stdout, and the line says which argument is wrong and how."""
    assert ended(*arguments) == (2, "", f"python -m strict_aws: {message}\n")


def test_a_port_that_is_taken_is_one_line() -> None:
    """Exit code 2, nothing on stdout, and what to do."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        code, output, errors = ended("--port", str(port))
    assert (code, output) == (2, "")
    assert errors == f"python -m strict_aws: port {port} is taken; --port 0 takes a free one\n"
