"""What AWS's own check says of templates that `make check` does not see: other settings, and one that is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra import customer_role
from tests.infra import synth
from tests.infra.synth import FULL

ROOT = Path(__file__).resolve().parents[2]
CONTEXTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything": FULL,
    "theirs": {"config_bucket": "acme-metadata", "alarm_topic_arn": "arn:aws:sns:eu-west-1:123456789012:ops"},
    "to-be-lost": {"delete_data_on_destroy": True, "data_admins": ["arn:aws:iam::123456789012:role/admin"]},
}


def cfn_lint(directory: Path, templates: dict[str, Any]) -> tuple[int, str]:
    """The exit code and what it says of these, by our .cfnlintrc."""
    for name, template in templates.items():
        (directory / f"{name}.json").write_text(json.dumps(template), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "cfn-lint"), *map(str, sorted(directory.glob("*.json")))]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.matrix
def test_every_setting_makes_a_template_that_cloudformation_takes(tmp_path: Path) -> None:
    """In every Region of .cfnlintrc, and as the CDK wrote it, with all that the snapshot leaves out."""
    templates = {name: synth.template(**context) for name, context in CONTEXTS.items()}
    assert cfn_lint(tmp_path, templates) == (0, "")


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    """A property that there is not, a value that is none, a resource that is referred to and missing."""
    broken = customer_role.customer_role()
    broken["Resources"]["ImportBucket"]["Properties"]["Versioning"] = True
    broken["Resources"]["ImportBucket"]["Properties"]["OwnershipControls"]["Rules"][0]["ObjectOwnership"] = "Mine"
    broken["Outputs"]["ImportBucketName"]["Value"] = {"Ref": "Bucket"}
    code, said = cfn_lint(tmp_path, {"broken": broken})
    assert code != 0
    for word in ("Versioning", "'Mine' is not one of", "'Bucket' is not one of"):
        assert word in said, said
