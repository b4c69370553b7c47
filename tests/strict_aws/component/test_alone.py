"""strict_aws stands alone: it needs nothing of ours, and says nothing of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "strict_aws"
# Our product, and what only it has.
_OURS = re.compile(r"ses[-_ ]?fleet|\bfleet|\bhub\b|customer|config\.json|local cloud", re.IGNORECASE)
# Imports every module where nothing of ours can be imported, and asks a running one for a list that it has made.
_PROGRAM = """
import importlib, pkgutil, sys

class Refusing:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {"ses_fleet", "ses_fleet_cli", "ses_fleet_local", "infra", "tests", "bench"}:
            raise ModuleNotFoundError(f"{name} is hidden")

sys.meta_path.insert(0, Refusing)
import strict_aws

for module in pkgutil.walk_packages(strict_aws.__path__, "strict_aws."):
    importlib.import_module(module.name)

import boto3
from strict_aws.aws import StrictAws

aws = StrictAws()
aws.start(lambda: aws.ses.create_list("111122223333", "us-east-1", "main", description=None, topics=[]))
try:
    keys = {"aws_access_key_id": "111122223333", "aws_secret_access_key": "local"}
    ses = boto3.client("sesv2", region_name="us-east-1", endpoint_url=aws.url, **keys)
    print(ses.list_contact_lists()["ContactLists"][0]["ContactListName"])
finally:
    aws.stop()
print(sorted(name for name in sys.modules if name.startswith("ses_fleet")))
"""


def test_it_works_where_nothing_of_ours_can_be_imported() -> None:
    """Every module is imported, one is started, and it answers."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROGRAM],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert (done.returncode, done.stdout) == (0, "main\n[]\n"), done.stderr


@pytest.mark.matrix
def test_it_says_nothing_of_what_is_built_on_it() -> None:
    """Neither in code nor in prose."""
    files = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".md", ".typed")]
    lines = [(path, line) for path in files for line in path.read_text().splitlines()]
    assert [f"{path.relative_to(ROOT)}: {line}" for path, line in lines if _OURS.search(line)] == []
