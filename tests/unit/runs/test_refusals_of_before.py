"""Earlier versions kept a refused start in summary.json: it is read, and stands in no run's way."""

from __future__ import annotations

import pytest

from ses_fleet.aws.s3 import Bucket
from ses_fleet.runs.record import RunRecord
from tests.unit.cli.stored import summary
from tests.unit.memory_s3 import MemoryS3


@pytest.fixture
def s3() -> MemoryS3:
    """A bucket in which a start of r was refused so."""
    s3 = MemoryS3()
    refused = summary("r", exit_code=2, errors=("$.include[0]: no",))
    s3.put("results", "runs/r/summary.json", refused.model_dump_json().encode())
    return s3


def test_it_is_no_end_of_a_run(s3: MemoryS3) -> None:
    """A run of this id is over when it has its own Summary, which takes the place."""
    record = RunRecord(Bucket(s3, "results"), "r")
    assert record.summary() is None
    assert record.write_summary(summary("r", exit_code=0))
    found = record.summary()
    assert found is not None
    assert found.exit_code == 0
    assert not record.write_summary(summary("r", exit_code=1))


def test_it_is_the_refusal_of_an_id_that_has_no_newer_one(s3: MemoryS3) -> None:
    """The newest counts, by S3's time."""
    record = RunRecord(Bucket(s3, "results"), "r")
    assert record.last_refusal() == summary("r", exit_code=2, errors=("$.include[0]: no",))
    for number, request_id in enumerate(("z", "a")):
        s3.advance(10)
        record.write_refusal(summary("r", exit_code=2, errors=(f"{number}",)), request_id)
    newest = record.last_refusal()
    assert newest is not None
    assert newest.errors == ("1",)
    assert RunRecord(Bucket(s3, "results"), "other").last_refusal() is None


def test_a_finished_run_is_no_refusal(s3: MemoryS3) -> None:
    """Whatever was refused before."""
    record = RunRecord(Bucket(s3, "results"), "r")
    record.write_summary(summary("r", exit_code=0))
    assert record.last_refusal() is None
