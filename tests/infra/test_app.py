"""app.py as the CDK's command runs it: a process, its exit code, what it says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.infra.synth import FULL

ROOT = Path(__file__).resolve().parents[2]


def synthesise(context: Any, out: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the app on a context and with more variables, without packing the functions."""
    known = {"ses-fleet": context, "aws:cdk:bundling-stacks": []}
    variables = {"CDK_CONTEXT_JSON": json.dumps(known), "CDK_OUTDIR": str(out)}
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, **variables, **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({}, id="defaults", marks=pytest.mark.matrix),
        pytest.param({**FULL, "config_bucket": "acme-metadata"}, id="full"),
    ],
)
def test_the_solutions_pack_finds_nothing_that_is_not_acknowledged(context: Any, tmp_path: Path) -> None:
    """With every setting that adds something; each acknowledgement says why. The report names what was found."""
    ended = synthesise(context, tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"] == []


@pytest.mark.matrix
def test_a_deployment_into_a_local_cloud_is_for_this_machine(tmp_path: Path) -> None:
    """By itself, and it says so; elsewhere nothing is said."""
    ended = synthesise({}, tmp_path, AWS_ENDPOINT_URL="http://127.0.0.1:4566")
    template = json.loads((tmp_path / "ses-fleet.template.json").read_text())
    functions = [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::Lambda::Function"]
    assert {one["Runtime"] for one in functions} == {f"python3.{sys.version_info.minor}"}
    assert "AWS_ENDPOINT_URL is on this machine: " in ended.stderr


def test_a_wrong_context_is_one_message(tmp_path: Path) -> None:
    """Every problem, a line each, and nothing of Python's."""
    ended = synthesise({"log_days": 2, "schedules": [{"name": "a"}], "x": 1}, tmp_path)
    lines = [line for line in ended.stderr.splitlines() if line.startswith('context "ses-fleet": ')]
    assert ended.returncode == 1
    assert [line.split(": ")[1] for line in lines] == [
        "$.x",
        "$.schedules[0].expression",
        "$.schedules[0].payload",
        "$.log_days",
    ]
    assert "Traceback" not in ended.stderr
    assert not list(tmp_path.glob("*.template.json")), "nothing was synthesised"


def test_make_synth_names_the_template_of_the_deployment(tmp_path: Path) -> None:
    """Whose `name` the template has; here the CDK's command does nothing, and what it leaves is written by hand."""
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "fleet-test.template.json"}}
    assets = {"type": "cdk:asset-manifest", "properties": {"file": "fleet-test.assets.json"}}
    (tmp_path / "cdk.out").mkdir()
    (tmp_path / "cdk.out" / "manifest.json").write_text(json.dumps({"artifacts": {"a": assets, "b": stack}}))
    make, here = shutil.which("make"), Path(sys.executable).parent
    assert make is not None
    ended = subprocess.run(
        [make, "-f", str(ROOT / "Makefile"), "--old-file", "cdk", "synth", "CDK=:", f"BIN={here}"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.stdout == "The context is right; the template is cdk.out/fleet-test.template.json\n", ended.stderr
