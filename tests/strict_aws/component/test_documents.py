"""strict_aws's own documents: the commands work, and what they name is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from strict_aws.conditions.conditions import Conditions

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "strict_aws"
README = (PACKAGE / "README.md").read_text()
# How each of the commands that are refused ends, in the README's order.
_REFUSED = ["BadRequestException", "AccessDeniedException", "TooManyRequestsException"]


def test_every_test_and_file_that_is_named_exists() -> None:
    """Of the table of behaviours and of the table of folders; and links lead somewhere."""
    behaviour = (PACKAGE / "BEHAVIOUR.md").read_text()
    tests = re.findall(r"`((?:strict_aws|local_cloud)/[\w/.]*)`", behaviour)
    assert len(tests) > 70
    assert [path for path in tests if not (ROOT / "tests" / path).exists()] == []
    rooms = README.partition("## Where to find what")[2]
    named = [name for row in rooms.splitlines() for name in re.findall(r"`([\w/.]+)`", row.split(" | ")[0])]
    assert [path for path in named if not (PACKAGE / path).exists()] == []
    assert {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()} <= {n.strip("/") for n in named}
    assert [link for link in re.findall(r"\]\((?!https)([^)#]+)\)", README) if not (PACKAGE / link).exists()] == []


def test_every_condition_is_in_the_table() -> None:
    """The README's table has the fields of the conditions in their order."""
    table = README.partition("## Conditions")[2].partition("`PUT conditions`")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Conditions.model_fields)


@pytest.mark.matrix
def test_the_readmes_commands_do_what_it_says(tmp_path: Path) -> None:
    """All of them, in one shell, in an empty folder: three are refused as it says, the others succeed."""
    (script,) = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    script = script.replace("python -m strict_aws >", "python -m strict_aws --port 0 >")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "HOME": str(tmp_path),
    }
    ended = subprocess.run(
        ["bash", "-c", f"{script}\nkill %1; wait %1; echo ended $?"],  # noqa: S607  # the reader's own shell
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert re.findall(r"An error occurred \((\w+)\)", ended.stderr) == _REFUSED, ended.stderr
    assert "Traceback" not in ended.stderr
    assert '"EmailAddress": "ada@example.com"' in ended.stdout
    assert '"Hello, Ada"' in ended.stdout
    assert '"fired": 24' in ended.stdout
    assert ended.stdout.endswith("ended 0\n")


def test_the_readmes_python_runs() -> None:
    """As it stands there, with a call before the end."""
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    program = block.replace("aws.stop()", "print(client.list_contact_lists()['ContactLists'])\naws.stop()")
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.returncode, ended.stdout) == (0, "[]\n"), ended.stderr
