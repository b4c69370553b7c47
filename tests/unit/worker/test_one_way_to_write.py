"""The tree is held to it: whatever changes a list, a contact or starts a job is decided by a read right before it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import boto3.session
import pytest
from botocore import xform_name

from ses_fleet.worker.budget import SliceBudget
from ses_fleet.worker.paced_client import PacedClient
from ses_fleet.worker.pacing import Pacer
from tests.unit.worker.world import World

SHIPPED = Path(__file__).resolve().parents[3] / "lambdas" / "ses_fleet"
# One contact, one list, one import job, one suppressed address.
WRITING_MODULES = {
    "worker/contact_changes.py",
    "worker/list_changes.py",
    "worker/importing/jobs.py",
    "worker/suppression.py",
}
# Where names of writes stand that send nothing.
NAMING_MODULES = {"worker/paced_client.py"}


@functools.cache
def writes_of_ses() -> frozenset[str]:
    """boto3's names of everything in SES that changes something, by the service's own model."""
    model = boto3.session.Session().client("sesv2", region_name="us-east-1").meta.service_model
    names = set(map(xform_name, model.operation_names))
    return frozenset(name for name in names if not name.startswith(("get_", "list_", "batch_get_")))


def strings(path: Path) -> Iterator[str]:
    """Every string literal of a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_writes_are_named_only_where_units_are() -> None:
    """A write elsewhere would be one that nobody has read for."""
    writes = writes_of_ses()
    assert {"update_contact", "create_import_job"} <= writes
    found = {
        str(path.relative_to(SHIPPED)): sorted(writes.intersection(strings(path))) for path in SHIPPED.rglob("*.py")
    }
    assert {name for name, named in found.items() if named} <= WRITING_MODULES | NAMING_MODULES


def test_every_write_is_sent_by_the_requests_of_a_unit() -> None:
    """`client.write`, and `client` is what read_modify_write hands to its unit: no module calls a write otherwise."""
    for name in WRITING_MODULES:
        tree = ast.parse((SHIPPED / name).read_text())
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        named = {
            ast.unparse(call.func)
            for call in calls
            for node in ast.walk(call.args[0] if call.args else ast.Constant(None))
            if isinstance(node, ast.Constant) and node.value in writes_of_ses()
        }
        assert named == {"client.write"}, name


def test_only_the_worker_s_service_makes_a_client_of_ses() -> None:
    """And gives it away as one that waits its turn and writes in units only."""
    makers = {str(path.relative_to(SHIPPED)) for path in SHIPPED.rglob("*.py") if "sesv2" in strings(path)}
    assert makers <= {
        "actions/policies.py",  # names SES's permissions
        "aws/clients.py",
        "worker/service.py",
        "worker/handler.py",
        "worker/list_changes.py",
    }
    assert not hasattr(PacedClient, "write")


def test_reading_takes_no_write() -> None:
    """Whoever asks for it gets a mistake of the program, before anything is sent."""
    world = World()
    client = PacedClient(world.client, Pacer(0, 5, SliceBudget(60, world.time), world.time, world.time.sleep))
    for read in (client.read, lambda *name: client.read_modify_write(1, lambda sent: sent.read(*name))):
        with pytest.raises(ValueError, match="is not a reading call"):
            read("update_contact")
    assert world.asked == []
