"""The worker's boundary: whatever breaks becomes this customer's result, by the table of causes."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.actions.data.describe_list import DescribeListData
from ses_fleet.actions.data.manage_topic import ManageTopicData
from ses_fleet.actions.data.set_contacts import SetContactsData
from ses_fleet.actions.params import ImportParams
from ses_fleet.aws import clients, kept_clients
from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError, CustomerError, NotStartedError, NoWorkItemError
from ses_fleet.runs.people_plan import PeoplePlan
from ses_fleet.runs.personal_params import MASK
from ses_fleet.runs.work import WorkResult
from ses_fleet.settings import WorkerSettings
from ses_fleet.worker import access, registry, service
from ses_fleet.worker.context import Done, More
from tests.unit.aws import s3_store
from tests.unit.worker.world import done_with

SETTINGS = WorkerSettings.from_env({"AWS_REGION": "us-east-1", "RESULTS_BUCKET": "results"})
ROLE = "arn:aws:iam::111122223333:role/r"


class Context:
    """What Lambda tells of an invocation."""

    aws_request_id = "q1"

    def get_remaining_time_in_millis(self) -> int:
        """Plenty."""
        return 290_000


class Sts(AwsClient):
    """Answers AssumeRole with this, or raises it."""

    def __init__(self, outcome: Any) -> None:
        super().__init__("sts", None)
        self.outcome = outcome
        self.asked: dict[str, Any] = {}

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Remember the request."""
        self.asked = {"operation": operation, **parameters}
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return dict(self.outcome)


def assumed(account: str = "111122223333") -> dict[str, Any]:
    """STS's answer."""
    return {
        "AssumedRoleUser": {"Arn": f"arn:aws:sts::{account}:assumed-role/r/s"},
        "Credentials": {"AccessKeyId": "ASIAKEY", "SecretAccessKey": "SECRET", "SessionToken": "TOKEN"},
    }


def fine(context: Any) -> Done:
    """An action that enters the account, and is done."""
    assert context.ses.calls == 0
    return done_with({"ok": True})


def run(
    monkeypatch: pytest.MonkeyPatch, action: Any = lambda context, *_: fine(context), sts: Any = None, **item: Any
) -> WorkResult:
    """One slice with a made-up STS and action."""
    monkeypatch.setattr(access, "sts_client", lambda _: sts or Sts(assumed()))
    monkeypatch.setitem(registry.REGISTRY, "describe-list", action)
    leases = s3_store.Client(item.pop("leases", None) or s3_store.Store())
    kept_clients.forget()
    monkeypatch.setattr(clients, "client", lambda name, *_, **__: leases if name == "s3" else AwsClient(name, None))
    customer = {
        "customer_code": "acme",
        "customer_name": "Acme",
        "account_id": "111122223333",
        "region": "us-east-1",
        "ses_role_arn": ROLE,
        **item.pop("customer", {}),
    }
    event = {
        "run_id": "20260301T060000Z-abcdef",
        "action": item.pop("work", "describe-list"),
        "customer": customer,
        "params": {},
        "slice_budget_seconds": 60.0,
        **item,
    }
    return WorkResult.model_validate_json(
        WorkResult.model_validate(_tuples(service.run(event, Context(), SETTINGS))).model_dump_json()
    )


def _tuples(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in answer.items()}


def call_failure(kind: Any, status: int | None = None) -> AwsCallError:
    """A failed call of SES."""
    return AwsCallError("sesv2", "get_contact_list", kind, "Code", "text", status)


def test_data_and_lines_are_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The block begins with the start and ends with how it went."""
    result = run(monkeypatch)
    assert result.data == {"ok": True}
    assert result.error is None
    assert result.logs[0] == "🔄 Customer acme: Starting processing"
    assert result.logs[-1] == "✅ Customer acme: describe-list finished (0 API calls)"


@pytest.mark.parametrize(
    ("raised", "category", "retryable"),
    [
        (call_failure("refused", 403), "operation", False),
        (call_failure("refused", 400), "operation", False),
        (call_failure("throttled", 429), "operation", True),
        (call_failure("server", 500), "operation", True),
        (call_failure("lost"), "operation", True),
        (RuntimeError("boom"), "internal", False),
        (KeyError("x"), "internal", False),
        (RecursionError(), "internal", False),
    ],
)
def test_what_breaks_is_this_customers_result(
    raised: Exception, category: str, retryable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No FunctionError: the orchestrator gets category and message. A reading action leaves nothing unknown."""

    def action(*_: Any) -> Any:
        raise raised

    error = run(monkeypatch, action).error
    assert error is not None
    assert (error.category, error.retryable, error.outcome_unknown) == (category, retryable, False)


@pytest.mark.parametrize(
    ("action", "dry_run"), [("manage-topic", False), ("manage-topic", True), ("list-contacts", False)]
)
def test_a_crash_of_what_writes_leaves_its_outcome_unknown(
    action: str, dry_run: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have come from the middle of a write; not where nothing is written."""

    def crashing(*_: Any) -> Any:
        raise KeyError("x")

    monkeypatch.setitem(registry.REGISTRY, action, crashing)
    error = run(monkeypatch, action=crashing, dry_run=dry_run, work=action).error
    assert error is not None
    assert error.outcome_unknown == (action == "manage-topic" and not dry_run)


@pytest.mark.parametrize("kind", ["lost", "server"])
def test_a_write_that_may_still_arrive_is_said_to(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who runs the customer again at once may have its effect come over what is chosen since."""

    def action(*_: Any) -> Any:
        failure = AwsCallError("sesv2", "create_import_job", kind, "Code", "text", None)
        failure.outcome_unknown = True
        raise failure

    error = run(monkeypatch, action).error
    assert error is not None
    assert error.outcome_unknown
    assert error.message.endswith("it may have taken effect, or may still do so: run this customer again in a minute")


@pytest.mark.parametrize(
    ("kind", "retryable"), [("refused", False), ("throttled", True), ("server", True), ("lost", True)]
)
def test_a_role_that_cannot_be_assumed_is_an_authentication_failure(
    kind: Any, retryable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to look at; only what may pass by itself is retryable."""
    sts = Sts(AwsCallError("sts", "assume_role", kind, "AccessDenied", "text", 403))
    error = run(monkeypatch, sts=sts).error
    assert error is not None
    assert (error.category, error.retryable) == ("authentication", retryable)
    if kind == "refused":
        for hint in ("that the role exists", "trust policy", "no ExternalId", "worker's own policy"):
            assert hint in error.message


def test_another_accounts_answer_is_refused_before_any_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account in the answer must be the customer's."""
    called = []
    result = run(monkeypatch, lambda context, *_: called.append(context.ses), sts=Sts(assumed("999988887777")))
    assert result.error is not None
    assert (result.error.category, result.error.type) == ("authentication", "WrongAccount")
    assert called == []


@pytest.mark.parametrize(
    ("role", "kind"),
    [("nonsense", "InvalidRoleArn"), ("arn:aws:iam::999988887777:role/r", "RoleOfAnotherAccount")],
)
def test_the_work_item_is_checked_again(role: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is assumed for an item that the orchestrator should not have sent."""
    sts = Sts(assumed())
    error = run(monkeypatch, sts=sts, customer={"ses_role_arn": role}).error
    assert error is not None
    assert (error.category, error.type) == ("configuration", kind)
    assert sts.asked == {}


def test_the_session_is_named_cut_down_and_has_the_external_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the customer sees in CloudTrail, and all that the session may do."""
    sts = Sts(assumed())
    run(monkeypatch, sts=sts, customer={"customer_code": "c" * 50, "external_id": "ext-1"})
    assert sts.asked["RoleSessionName"] == ("ses-fleet-" + "c" * 50 + "-2026")[:64]
    assert sts.asked["ExternalId"] == "ext-1"
    assert len(sts.asked["Policy"]) <= 2048
    assert "arn:aws:ses:us-east-1:111122223333:contact-list/*" in sts.asked["Policy"]
    assert "ses:DeleteContactList" not in sts.asked["Policy"]


def test_nothing_of_an_exceptions_text_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold anything: its type and the line of ours are told."""

    def action(*_: Any) -> Any:
        raise ValueError('"bo.ek"@acme.example\nASIAABCDEFGHIJKLMNOP X-Amz-Signature=abcdef')

    result = run(monkeypatch, action)
    text = result.model_dump_json()
    for secret in ("bo.ek", "acme.example", "ASIAABC", "=abcdef", "SECRET", "TOKEN"):
        assert secret not in text
    assert result.error is not None
    assert result.error.message.startswith("the worker failed unexpectedly: ValueError at ses_fleet/worker/")


def test_an_event_that_is_no_work_item_is_told_without_its_values() -> None:
    """The runtime prints what is raised, and it goes to dead letters."""
    event = {"run_id": "ada@corp.example", "action": 5, "ada@corp.example": 1, "customer": {"customer_code": "?"}}
    with pytest.raises(NoWorkItemError) as error:
        service.run(event, Context(), SETTINGS)
    assert str(error.value) == (
        "the event is not a WorkItem: action, an unknown field, customer, params, run_id, slice_budget_seconds"
    )
    assert error.value.__cause__ is None


REGION_CODES = [
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "AuthFailure",
    "OptInRequired",
    "RegionDisabledException",
]


@pytest.mark.parametrize("code", REGION_CODES)
def test_a_region_that_is_not_enabled_is_said_to_be(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not to be a missing permission; which Region, and of which account."""

    def action(*_: Any) -> Any:
        raise AwsCallError("sesv2", "get_contact_list", "refused", code, "text", 403)

    error = run(monkeypatch, action, customer={"region": "ap-east-1"}).error
    assert error is not None
    assert "Region ap-east-1 may not be enabled in account 111122223333" in error.message
    assert "allows it" not in error.message
    assert (error.type, error.retryable) == (code, False)


def test_the_region_of_an_identity_center_is_named_where_it_is_that_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Account and Region of whom was asked."""

    def action(*_: Any) -> Any:
        raise AwsCallError("sso-admin", "list_instances", "refused", "UnrecognizedClientException", "text", 403)

    source = {"role_arn": "arn:aws:iam::400000000001:role/i", "region": "me-south-1"}
    error = run(monkeypatch, action, customer={"identity_center": source}).error
    assert error is not None
    assert "Region me-south-1 may not be enabled in account 400000000001" in error.message


@pytest.mark.parametrize("code", REGION_CODES)
def test_sts_says_so_too(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose Region it is, is not the trust policy's business."""
    sts = Sts(AwsCallError("sts", "assume_role", "refused", code, "text", 403))
    error = run(monkeypatch, sts=sts).error
    assert error is not None
    assert "may not be enabled in account 111122223333" in error.message
    assert "trust policy" not in error.message


def test_what_was_not_sent_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason: a host that nobody knows is a Region that is not there."""

    def action(*_: Any) -> Any:
        raise AwsCallError("sesv2", "get_contact_list", "unreachable", "EndpointConnectionError", "no host")

    error = run(monkeypatch, action).error
    assert error is not None
    assert "could not be reached (no host); nothing was sent" in error.message
    assert error.retryable


PLACE = "data/20260301T060000Z-abcdef/_personal/o.json"


class Results(AwsClient):
    """The results bucket, with what the orchestrator wrote apart."""

    def __init__(self, body: bytes | AwsCallError | None) -> None:
        super().__init__("s3", None)
        self.body = body
        self.leases = s3_store.Store()

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """GetObject of the one place; the lease of the list is free to take."""
        if parameters["Key"].startswith("leases/"):
            return self.leases.answer(operation, parameters)
        assert (operation, parameters["Key"]) == ("get_object", PLACE)
        if isinstance(self.body, AwsCallError):
            raise self.body
        if self.body is None:
            raise AwsCallError("s3", operation, "refused", "NoSuchKey", "no", 404)
        return {"ContentLength": len(self.body), "Body": io.BytesIO(self.body)}


def importing(monkeypatch: pytest.MonkeyPatch, body: Any, params: Any, place: str | None) -> tuple[Any, list[Any]]:
    """The result of an import that is handed its parameters so, and what the action saw of them."""
    seen: list[Any] = []

    def action(_context: Any, given: Any, _state: Any) -> Done:
        seen.append(given)
        return done_with({})

    monkeypatch.setitem(registry.REGISTRY, "import-aws-contact", action)
    item = {"params": params, "personal_params": place}
    return run_with_results(monkeypatch, Results(body), item), seen


def run_with_results(monkeypatch: pytest.MonkeyPatch, results: Results, item: dict[str, Any]) -> WorkResult:
    """One slice of an import whose S3 this is."""
    monkeypatch.setattr(access, "sts_client", lambda _: Sts(assumed()))
    kept_clients.forget()
    monkeypatch.setattr(clients, "client", lambda *_, **__: results)
    customer = {
        "customer_code": "acme",
        "customer_name": "Acme",
        "account_id": "111122223333",
        "region": "us-east-1",
        "ses_role_arn": ROLE,
    }
    event = {
        "run_id": "20260301T060000Z-abcdef",
        "action": "import-aws-contact",
        "customer": customer,
        "slice_budget_seconds": 60.0,
        **item,
    }
    return WorkResult.model_validate(_tuples(service.run(event, Context(), SETTINGS)))


def test_an_action_sees_what_the_run_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parameters are plain; the work item had a mask and the place."""
    masked = {"username": MASK, "sync_topics": True}
    result, seen = importing(monkeypatch, b'{"params": {"username": "ada@corp.example"}}', masked, PLACE)
    assert result.error is None
    assert seen == [ImportParams(username="ada@corp.example", sync_topics=True)]
    assert "ada" not in result.model_dump_json()


@pytest.mark.parametrize(
    ("body", "place", "kind", "retryable"),
    [
        (None, PLACE, "NoPersonalParams", False),
        (b'{"params": {}}', PLACE, "NoPersonalParams", False),
        (b'{"params": {"username": "ada"}}', None, "NoPersonalParams", False),
        (AwsCallError("s3", "get_object", "server", "InternalError", "x", 500), PLACE, "InternalError", True),
        (AwsCallError("s3", "get_object", "refused", "AccessDenied", "x", 403), PLACE, "AccessDenied", False),
    ],
)
def test_a_person_that_cannot_be_read_is_never_everybody(
    body: Any, place: str | None, kind: str, retryable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The customer fails before the action sees anything."""
    result, seen = importing(monkeypatch, body, {"username": MASK}, place)
    assert result.error is not None
    assert (result.error.type, result.error.retryable, seen) == (kind, retryable, [])


def test_parameters_that_are_wrong_are_told_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies apart is judged by the worker: its refusal goes to the record."""
    result, seen = importing(monkeypatch, b'{"params": {"username": ["ada@corp.example"]}}', {"username": MASK}, PLACE)
    assert result.error is not None
    assert (result.error.category, seen) == ("internal", [])
    assert "ada" not in result.model_dump_json()


def test_many_lines_are_cut_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 200 lines and 16 KiB a slice."""

    def action(context: Any, *_: Any) -> Any:
        for number in range(1000):
            context.log(f"line {number}")
        return done_with({})

    result = run(monkeypatch, action)
    assert len(result.logs) <= 200
    assert sum(len(line.encode()) + 1 for line in result.logs) <= 16 * 1024
    assert "more lines were cut" in result.logs[-1]


def test_a_slice_that_is_not_the_end_hands_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the pace, so that a new slice is no new burst; no data, no error, no "finished"."""
    result = run(monkeypatch, lambda context, *_: (context.ses, More({"at": 1}))[1])
    assert (result.data, result.error) == (None, None)
    assert result.continuation is not None
    assert result.continuation["state"] == {"at": 1}
    tokens, at = result.continuation["pace"]
    assert tokens <= 5
    assert at > 0
    assert not any("finished" in line for line in result.logs)

    def second(context: Any, _: Any, state: Any) -> Done:
        return done_with({"calls": context.ses.calls, **state})

    result = run(monkeypatch, second, continuation=result.continuation)
    assert result.data == {"calls": 0, "at": 1}
    assert not any("Starting" in line or "Assuming" in line for line in result.logs)


def test_slices_that_get_nothing_done_end_the_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget too small for anything must not invoke workers for ever."""
    continuation: dict[str, Any] | None = None
    slices = 0
    while True:
        slices += 1
        result = run(monkeypatch, lambda *_: More({"at": 1}), continuation=continuation)
        if result.error is not None:
            break
        continuation = result.continuation
    assert slices == 21
    assert result.error is not None
    assert (result.error.category, result.error.retryable) == ("timeout", True)
    assert "SLICE_BUDGET_SECONDS may be too small" in result.error.message


def test_a_failure_keeps_what_was_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """validate-access fails with its rows."""
    failure = CustomerError("authentication", "X", "no")
    result = run(monkeypatch, lambda *_: done_with({"checks": []}, failure=failure))
    assert result.data == {"checks": []}
    assert result.error is not None
    assert result.error.type == "X"


@pytest.mark.parametrize("value", [None, {}, "absent"])
@pytest.mark.parametrize(
    ("member", "type_"), [("AssumedRoleUser", "WrongAccount"), ("Credentials", "IncompleteAnswer")]
)
def test_a_session_that_sts_does_not_describe_is_not_used(
    member: str, type_: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows whose account it is, or there are no keys; nothing is called."""
    answer = {**assumed(), member: value}
    if value == "absent":
        del answer[member]
    error = run(monkeypatch, sts=Sts(answer)).error
    assert error is not None
    assert error.type == type_


@pytest.mark.parametrize(
    ("work", "dry_run", "failure", "differs"),
    [
        ("manage-topic", True, None, True),
        ("manage-topic", False, None, None),
        ("manage-topic", True, CustomerError("operation", "Some", "text"), None),
        ("describe-list", False, None, None),
    ],
)
def test_only_who_has_written_nothing_says_whether_something_differs(
    work: str, dry_run: bool, failure: CustomerError | None, differs: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run that came to its end. What was changed differs no more, and what failed is not known."""
    data = ManageTopicData(added=("a",)) if work == "manage-topic" else DescribeListData()

    def action(*_: Any) -> Done:
        return Done(data, failure=failure)

    monkeypatch.setitem(registry.REGISTRY, work, action)
    assert run(monkeypatch, action=action, dry_run=dry_run, work=work).differs is differs


def deciding(context: Any, *_: Any) -> Done:
    """An action on people that has one change to decide, and makes it if it may."""
    if context.guard.allows("main", "ana@x.example", None, {"unsubscribed_all": False}) and not context.dry_run:
        context.log("made")
    return Done(SetContactsData(created=1))


NOTHING = hashlib.blake2b(digest_size=limits.PLAN_DIGEST_BYTES).hexdigest()
PLAN = {"kind": "people", "prefix": "data/p/acme/", "parts": 0, "digest": NOTHING}


@pytest.fixture
def on_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """describe-list, if it were an action on people whose dry run saves a plan."""
    changed = replace(ACTIONS["describe-list"], mutates=True, saves_plan="people")
    monkeypatch.setitem(ACTIONS, "describe-list", changed)


@pytest.mark.usefixtures("on_people")
def test_a_dry_run_of_an_action_on_people_answers_with_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is none does not, and does what is to be done."""
    plan = run(monkeypatch, deciding, dry_run=True).plan
    assert isinstance(plan, PeoplePlan)
    assert (plan.created, plan.place, plan.parts) == (1, "main", 1)
    plain = run(monkeypatch, deciding)
    assert (plain.plan, "made" in plain.logs) == (None, True)


@pytest.mark.usefixtures("on_people")
def test_a_plan_that_is_sent_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does not have is left out, and said."""
    applied = run(monkeypatch, deciding, plan=PLAN)
    assert applied.data is not None
    assert (applied.error, applied.data["left_out"], "made" in applied.logs) == (None, 1, False)
    assert applied.warnings == (
        "1 more changes would be made now that the plan does not have: they were left out, too",
    )


@pytest.mark.parametrize("plan", [PLAN, {"contact_list": "main", "made_from": "d"}])
def test_a_plan_that_the_action_cannot_apply_is_not_passed_over(monkeypatch: pytest.MonkeyPatch, plan: Any) -> None:
    """Without it the run would do whatever is to be done."""
    refused = run(monkeypatch, plan=plan)
    assert refused.error is not None
    assert (refused.error.category, refused.error.type) == ("internal", "WrongPlan")


def test_one_that_could_not_begin_after_something_ran_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not started is only who never ran."""

    def refusing(*_: Any) -> Done:
        raise NotStartedError("a job is running")

    first = run(monkeypatch, refusing)
    assert (first.not_started, first.error) == ("a job is running", None)
    later = run(monkeypatch, refusing, continuation={"state": {}, "pace": None, "idle": 0})
    assert later.not_started is None
    assert later.error is not None
    assert (later.error.type, later.error.retryable) == ("ListInUse", True)
