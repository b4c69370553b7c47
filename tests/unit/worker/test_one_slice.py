"""One slice of the worker: whose keys and which Region each client has, how long it may take, what its log says."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from ses_fleet.aws import clients, kept_clients
from ses_fleet.aws.clients import AwsClient
from ses_fleet.config.customer import IdentityCenter
from ses_fleet.errors import ConfigurationError
from ses_fleet.logs import SERVICE, make_logger
from ses_fleet.settings import WorkerSettings
from ses_fleet.worker import access, handler, registry, service
from tests.unit.worker.test_sessions import Sts
from tests.unit.worker.world import ACCOUNT

SETTINGS = WorkerSettings.from_env({"AWS_REGION": "eu-central-1", "RESULTS_BUCKET": "results"})
SOURCE = IdentityCenter(role_arn=f"arn:aws:iam::{ACCOUNT}:role/ic", region="eu-west-1")
EVENT = {
    "run_id": "r1",
    "action": "validate-access",
    "customer": {
        "customer_code": "acme",
        "customer_name": "Acme",
        "account_id": ACCOUNT,
        "region": "ap-east-1",
        "ses_role_arn": f"arn:aws:iam::{ACCOUNT}:role/r",
    },
    "params": {},
    "slice_budget_seconds": 60.0,
}


class Context:
    """What Lambda tells of an invocation."""

    aws_request_id = "q1"

    def __init__(self, milliseconds: int = 290_000) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        """As it was made."""
        return self._milliseconds


class Made:
    """Stands for `clients.client`: notes what each client is made with, and answers nothing."""

    def __init__(self) -> None:
        self.clients: list[tuple[str, str | None, str | None]] = []
        self.attempts: dict[str, int] = {}

    def __call__(
        self, service: str, region: str | None, *, credentials: Any = None, session: Any = None, attempts: int = 1
    ) -> AwsClient:
        """Service, Region and whose keys."""
        lent = session and session.get_credentials().get_frozen_credentials().access_key
        self.clients.append((service, region, credentials.access_key_id if credentials else lent))
        self.attempts[service] = attempts
        return AwsClient(service, None)


def run(
    monkeypatch: pytest.MonkeyPatch,
    does: Any,
    made: Any = None,
    milliseconds: int = 290_000,
    sts: Any = None,
    **item: Any,
) -> Any:
    """The result of one slice with a made-up action."""
    monkeypatch.setattr(access, "sts_client", lambda _: sts or Sts())
    kept_clients.forget()
    monkeypatch.setattr(clients, "client", made or Made())
    monkeypatch.setitem(registry.REGISTRY, "validate-access", does)
    return service.run({**EVENT, **item}, Context(milliseconds), SETTINGS)


def failing(*_: Any) -> Any:
    """An action that stops here."""
    raise RuntimeError


def test_each_client_is_where_it_belongs_with_the_keys_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """SES and the import bucket: the customer's Region and session. Identity Center: its own. Results: ours."""
    made = Made()

    def action(context: Any, *_: Any) -> Any:
        _ = context.ses, context.results
        context.open_identity_center(SOURCE, "identitystore")
        bucket = context.open_import_bucket("imports")
        assert (bucket.name, bucket.owner) == ("imports", ACCOUNT)
        assert context.results.location("k") == "s3://results/k"
        raise RuntimeError

    run(monkeypatch, action, made)
    assert made.clients == [
        ("sesv2", "ap-east-1", "ASIAKEY"),
        ("s3", "eu-central-1", None),
        ("identitystore", "eu-west-1", "ASIAKEY"),
        ("s3", "ap-east-1", "ASIAKEY"),
    ]
    assert made.attempts == {"sesv2": 1, "s3": 6, "identitystore": 1}


def test_the_worker_asks_sts_in_its_own_region() -> None:
    """At the regional endpoint; what is only reading is tried three times."""
    found = access.sts_client("eu-central-1")._client.meta
    assert found.endpoint_url == "https://sts.eu-central-1.amazonaws.com"
    assert found.config.retries["total_max_attempts"] == 3


def test_a_role_is_assumed_once_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many clients need its keys."""
    sts = Sts()

    def action(context: Any, *_: Any) -> Any:
        _ = context.ses, context.ses
        context.open_import_bucket("a")
        context.open_import_bucket("b")
        raise RuntimeError

    run(monkeypatch, action, sts=sts)
    assert len(sts.asked) == 1


def test_a_slice_ends_five_seconds_before_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """To return its result; whatever the orchestrator would allow."""
    result = run(monkeypatch, lambda context, *_: context.ses.pause(1.0) or failing(), milliseconds=5_020)
    assert (result["error"]["category"], result["error"]["type"]) == ("timeout", "SliceTimeout")
    result = run(monkeypatch, lambda context, *_: context.ses.pause(0.001) or failing(), milliseconds=6_000)
    assert result["error"]["category"] == "internal"
    result = run(monkeypatch, lambda context, *_: context.ses.pause(1.0) or failing(), slice_budget_seconds=0.01)
    assert result["error"]["category"] == "timeout"


def test_an_action_that_nobody_knows_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """An orchestrator of another version; nothing is assumed for it."""
    made = Made()
    result = run(monkeypatch, failing, made, action="no-such-action")
    assert (result["error"]["category"], result["error"]["type"], made.clients) == ("internal", "UnknownAction", [])
    assert "no-such-action" in result["error"]["message"]
    assert result["logs"][-1] == f"❌ Customer acme: {result['error']['message']}"
    assert (result["api_calls"], result["warnings"]) == (0, [])


def test_the_first_slice_says_whose_role_it_assumes(monkeypatch: pytest.MonkeyPatch) -> None:
    """And only that one."""
    assume = f"🔐 Customer acme: Assuming SES role: arn:aws:iam::{ACCOUNT}:role/r"
    assert run(monkeypatch, lambda context, *_: context.ses and failing())["logs"][:2] == [
        "🔄 Customer acme: Starting processing",
        assume,
    ]
    later = run(
        monkeypatch, lambda context, *_: context.ses and failing(), continuation={"state": {"at": 1}, "idle": 0}
    )
    assert [line for line in later["logs"] if not line.startswith("❌")] == []


def test_every_line_is_in_the_workers_own_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the run, the customer, the action and the request; the orchestrator's block repeats it."""
    written = io.StringIO()
    make_logger()
    for writer in logging.getLogger(SERVICE).handlers:
        monkeypatch.setattr(writer, "stream", written)  # Powertools keeps the first stdout it saw
    result = run(monkeypatch, lambda context, *_: context.log("a\nline") or failing())
    records = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [record["message"] for record in records] == result["logs"]
    assert "a\\u000aline" in result["logs"]
    told = {(one["run_id"], one["customer_code"], one["action"], one["function_request_id"]) for one in records}
    assert told == {("r1", "acme", "validate-access", "q1")}


def test_warnings_are_cut_to_what_a_summary_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """500 characters each, on one line; they are in the block, too."""

    def action(context: Any, *_: Any) -> Any:
        context.warn("w" * 600)
        context.warn("two\nlines")
        raise RuntimeError

    result = run(monkeypatch, action)
    assert [len(text) for text in result["warnings"]] == [500, len("two\\u000alines")]
    assert "⚠️  Customer acme: two\\u000alines" in result["logs"]


def test_the_handler_reads_its_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anew in each invocation; what is missing is named."""
    monkeypatch.setitem(
        registry.REGISTRY, "validate-access", lambda context, *_: context.log(context.settings.region) or failing()
    )
    monkeypatch.setattr(access, "sts_client", lambda _: Sts())
    event = {**EVENT, "slice_budget_seconds": 1.0}
    with pytest.raises(ConfigurationError, match="RESULTS_BUCKET"):
        handler.handler(event, Context())
    for region in ("eu-west-1", "eu-west-2"):
        monkeypatch.setenv("AWS_REGION", region)
        monkeypatch.setenv("RESULTS_BUCKET", "results")
        assert region in handler.handler(event, Context())["logs"]
