"""Whom a run is for, as a worker has it: the customer's own rows of the file that the run began with, or nothing."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.aws import clients, kept_clients
from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError
from ses_fleet.runs.work import WorkResult
from ses_fleet.worker import access, registry, service
from ses_fleet.worker.context import ActionContext, Done
from tests.unit.memory_s3 import Before, MemoryS3
from tests.unit.people_action import FIND, KEY, PEOPLE_ID, SET, declare, lines, upload
from tests.unit.worker.test_service import ROLE, SETTINGS, Context, Sts, assumed
from tests.unit.worker.world import done_with

ROWS = (
    "one@corp.example",
    {"email": "two@corp.example", "customers": ["globex"]},
    {"email": "three@corp.example", "customers": ["globex", "acme"]},
)
CUSTOMER = {
    "customer_code": "acme",
    "customer_name": "Acme",
    "account_id": "111122223333",
    "region": "us-east-1",
    "ses_role_arn": ROLE,
}


class There:
    """A worker whose results bucket has the people file. `seen` are the addresses that its action was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, versioned: bool = True) -> None:
        declare(monkeypatch)
        self.s3, self.sts = MemoryS3(versioned=versioned), Sts(assumed())
        self.seen: list[str] | None = None
        upload(self.s3, *ROWS)
        body = lines(*ROWS)
        version = f"v{hashlib.md5(body, usedforsecurity=False).hexdigest()}" if versioned else None
        digest = hashlib.sha256(body).hexdigest()
        self.file: Any = {"id": PEOPLE_ID, "version_id": version, "sha256": digest, "rows": len(ROWS)}
        kept_clients.forget()
        monkeypatch.setattr(access, "sts_client", lambda _: self.sts)
        monkeypatch.setattr(
            clients, "client", lambda name, *_, **__: self.s3 if name == "s3" else AwsClient(name, None)
        )
        for action in (FIND, SET):
            monkeypatch.setitem(registry.REGISTRY, action, self._act)

    def _act(self, context: ActionContext, *_: Any) -> Done:
        self.seen = [row.email for row in context.rows]
        assert context.ses.calls == 0  # the role is assumed here
        return done_with({})

    def run(self, action: str = FIND) -> WorkResult:
        """One slice."""
        item: Any = {"run_id": "r1", "action": action, "customer": CUSTOMER, "params": {}, "slice_budget_seconds": 60.0}
        answer = service.run({**item, "people_file": self.file}, Context(), SETTINGS)
        return WorkResult.model_validate(
            {name: tuple(value) if isinstance(value, list) else value for name, value in answer.items()}
        )

    def refused(self, action: str = SET) -> Any:
        """The error of a customer of whom nothing was done: no role was assumed, and no lease taken."""
        result = self.run(action)
        assert result.error is not None
        assert (self.sts.asked, self.seen, self.s3.keys("leases/")) == ({}, None, [])
        return result.error


def test_an_action_is_given_the_rows_of_its_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the file's order: those for everybody, and those that name it."""
    there = There(monkeypatch)
    assert there.run().error is None
    assert there.seen == ["one@corp.example", "three@corp.example"]


def test_an_action_without_people_has_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """And reads no file."""
    there = There(monkeypatch)
    monkeypatch.setitem(registry.REGISTRY, "describe-list", there._act)
    there.file = None
    assert there.run("describe-list").error is None
    assert (there.seen, there.s3.asked) == ([], [])
    assert ACTIONS["describe-list"].people is None


def test_what_was_uploaded_later_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version is the run's."""
    there = There(monkeypatch)
    upload(there.s3, "other@corp.example")
    assert there.run().error is None
    assert there.seen == ["one@corp.example", "three@corp.example"]


def test_another_file_fails_the_customer_before_its_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a bucket without versions its digest tells."""
    there = There(monkeypatch, versioned=False)
    upload(there.s3, "other@corp.example")
    error = there.refused()
    assert (error.category, error.type, error.retryable) == ("operation", "UnusablePeopleFile", False)
    assert error.message == (
        f"s3://results/{KEY} is not the file that the run began with: start a new run; nothing was done"
    )


def test_a_file_that_is_gone_fails_the_customer_before_its_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how long one lives."""
    there = There(monkeypatch)
    there.s3.versions.clear()
    assert "a people file lives 7 days" in there.refused().message


def test_while_s3_does_not_answer_the_customer_may_be_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was done for it."""
    there = There(monkeypatch)

    def fails(_operation: str, _key: str, _done: bool) -> None:
        raise AwsCallError("s3", "get_object", "server", "SlowDown", "slow", 503)

    there.s3.hook = Before(fails)
    error = there.refused()
    assert (error.type, error.retryable) == ("SlowDown", True)
    assert error.message == f"s3://results/{KEY} could not be read (SlowDown): slow"


def test_an_item_without_the_file_fails_the_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is never everybody, nor nobody at all."""
    there = There(monkeypatch)
    there.file = None
    assert (there.refused().category, there.refused().type) == ("internal", "NoPeopleFile")


def test_a_row_is_named_by_its_line_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """In results, where its address may not be: also when rows before it are of other customers."""
    there = There(monkeypatch)
    seen: dict[int, str] = {}

    def act(context: ActionContext, *_: Any) -> Done:
        seen.update({line: row.email for line, row in context.numbered_rows.items()})
        return done_with({})

    monkeypatch.setitem(registry.REGISTRY, FIND, act)
    assert there.run().error is None
    assert seen == {1: "one@corp.example", 3: "three@corp.example"}
