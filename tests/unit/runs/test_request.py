"""The action payload: what is taken, and what is refused with every problem named."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet.actions.catalogue import payload_names
from ses_fleet.errors import RequestError
from ses_fleet.runs import events, personal_params, request
from ses_fleet.runs.models import RunRequest


def refused(payload: Any) -> list[str]:
    """The problems of a payload, as callers see them."""
    with pytest.raises(RequestError) as error:
        request.parse(payload)
    return str(error.value).splitlines()


@pytest.mark.parametrize("concurrency", [0, -1, 1, 5, 10**9])
def test_any_integer_is_a_concurrency(concurrency: int) -> None:
    """0, negative and more than there are customers are all valid."""
    start = request.parse({"action": "describe-list-all", "max_customer_concurrency": concurrency})
    assert start.request.max_customer_concurrency == concurrency


@pytest.mark.parametrize("concurrency", ["5", 1.0, 1.5, True, [1], {}])
def test_what_is_no_integer_is_no_concurrency(concurrency: Any) -> None:
    """Text, fractions and booleans are refused, and the message says what would be taken."""
    (problem,) = refused({"action": "describe-list-all", "max_customer_concurrency": concurrency})
    assert problem.startswith("$.max_customer_concurrency: must be an integer")


@pytest.mark.parametrize("allowed", [0, 3, "0%", "10%", "100%"])
def test_max_failures_is_a_number_or_a_percentage(allowed: int | str) -> None:
    """Both forms are taken as they are."""
    start = request.parse({"action": "describe-list-all", "max_failures": allowed})
    assert start.request.max_failures == allowed


@pytest.mark.parametrize("allowed", [-1, "10", "101%", "-1%", "ten%", 1.5, True, "1e1%"])
def test_a_bad_max_failures_is_refused(allowed: Any) -> None:
    """Anything else is a problem of its own field."""
    (problem,) = refused({"action": "describe-list-all", "max_failures": allowed})
    assert problem.startswith("$.max_failures: must be an integer of at least 0 or a percentage")


def test_an_unknown_action_gets_the_nearest_and_all() -> None:
    """A typo is answered with what was probably meant, and with everything there is."""
    (problem,) = refused({"action": "describe-lists-all"})
    assert 'unknown action "describe-lists-all"; did you mean "describe-list-all"?' in problem
    assert "help, describe-list-all, describe-list" in problem


@pytest.mark.parametrize("payload", [{}, {"action": None}])
def test_a_missing_action_is_said_to_be_missing(payload: dict[str, Any]) -> None:
    """No action is not an unknown action."""
    (problem,) = refused(payload)
    assert problem.startswith("$.action: missing")


@pytest.mark.parametrize("payload", [None, [], "describe-list-all", 5, True])
def test_a_payload_is_an_object(payload: Any) -> None:
    """Anything else gets an example of what would be taken."""
    assert refused(payload) == ['$: the payload must be a JSON object such as {"action": "help"}']


def test_all_takes_no_customer_and_no_role_and_says_what_to_use() -> None:
    """-all with customer_code or ses_role_arn is refused with the way to say it."""
    problems = refused({"action": "describe-list-all", "customer_code": "acme", "ses_role_arn": "arn"})
    assert [problem.split(":")[0] for problem in problems] == ["$.customer_code", "$.ses_role_arn"]
    assert all(
        'use "include" to select customers, or the action describe-list for one' in problem for problem in problems
    )


@pytest.mark.parametrize("field", ["include", "exclude", "environment", "max_failures", "max_customer_concurrency"])
def test_a_single_customer_action_takes_no_fleet_fields(field: str) -> None:
    """Selection and concurrency belong to -all."""
    values: dict[str, Any] = {"include": ["a"], "exclude": ["a"], "environment": "prod"}
    problems = refused({"action": "describe-list", "customer_code": "acme", field: values.get(field, 1)})
    assert problems == [
        f'$.{field}: describe-list runs on the one customer in "customer_code"; {field} is for describe-list-all'
    ]


def test_a_single_customer_action_needs_its_customer() -> None:
    """And says which action runs on every customer."""
    assert refused({"action": "describe-list"}) == [
        "$.customer_code: missing: describe-list runs on one customer; use describe-list-all for every customer"
    ]


def test_every_problem_is_named_at_once() -> None:
    """Nobody corrects one field only to hear of the next."""
    problems = refused(
        {
            "action": "describe-list-all",
            "dryrun": True,
            "max_failures": -1,
            "include": [],
            "params": {"count_contact": False},
            "on_deadline": "wait",
        }
    )
    assert [problem.split(":")[0] for problem in problems] == [
        "$.dryrun",
        "$.max_failures",
        "$.on_deadline",
        "$.params.count_contact",
        "$.include",
    ]
    assert 'did you mean "dry_run"?' in problems[0]
    assert 'did you mean "count_contacts"?' in problems[3]


@pytest.mark.parametrize("field", sorted(set(RunRequest.model_fields) - {"action", *request._NEVER_NULL}))
def test_null_is_the_same_as_absent(field: str) -> None:
    """Where leaving the field out lets a run do no more than giving it would."""
    payload = {"action": "describe-list-all", field: None}
    assert request.parse(payload).request == request.parse({"action": "describe-list-all"}).request


@pytest.mark.parametrize("action", ["import-aws-contact-all", "import-aws-contact"])
@pytest.mark.parametrize("field", request._NEVER_NULL)
def test_null_is_never_no_filter_by_accident(field: str, action: str) -> None:
    """A null that would reach more customers or people, or drop a dry run or a limit, is refused."""
    assert any(
        problem.startswith(f"$.{field}: must not be null") for problem in refused({"action": action, field: None})
    )


def test_every_field_that_selects_is_never_null() -> None:
    """Whoever adds a field that selects has to say what null means."""
    harmless = {"action", "customer_timeout_seconds", "on_deadline", "ses_role_arn", "run_id", "trigger", "resumes"}
    # These select nobody; an action for people is refused without their file. And without its number a prune is
    # refused, and no prune is the default.
    harmless |= {"notify", "people", "confirm_customers", "prune", "max_failures", "max_customer_concurrency"}
    assert set(RunRequest.model_fields) == harmless | set(request._NEVER_NULL)


@pytest.mark.parametrize(
    ("action", "name"), [(name, field) for name, (a, _) in payload_names().items() for field in a.params.model_fields]
)
def test_no_parameter_is_null(action: str, name: str) -> None:
    """Every filter of every action: null would mean everybody."""
    assert f"$.params.{name}: must not be null: leave the parameter out, or give a value" in refused(
        {"action": action, "params": {name: None}}
    )


def test_a_null_of_a_parameter_that_the_action_does_not_have_is_an_unknown_parameter() -> None:
    """What to mend is the name, not the value."""
    assert refused({"action": "list-contacts-all", "params": {"usernam": None}}) == [
        "$.params.usernam: unknown parameter of list-contacts"
    ]


def deep(levels: int) -> Any:
    """A list in a list in a list."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"params": {"topic": "\ud83d"}}, "$.params.topic"),
        ({"params": {"\ud83d": 1}}, "$.params.\\ud83d"),
        ({"include": ["acme", "a\udc00"]}, "$.include[1]"),
        ({"run_id": "\ud800"}, "$.run_id"),
        ({"environment": "\ud800"}, "$.environment"),
        ({"\ud800": 1}, "$.\\ud800"),
        ({"trigger": {"schedule_arn": "\ud800", "scheduled_time": "2026-01-01T00:00:00Z"}}, "$.trigger.schedule_arn"),
        ({"params": {"topic": deep(150)}}, "$"),
        ({"max_customer_concurrency": float("nan")}, "$.max_customer_concurrency"),
    ],
)
@pytest.mark.parametrize("bus", [False, True])
def test_what_could_not_be_stored_is_refused_before_anything_starts(payload: Any, path: str, bus: bool) -> None:
    """Keys and values, at any depth, whichever way the event came."""
    event: Any = {"action": "list-contacts-all", **payload}
    event = bus_event(event) if bus else event
    (problem,) = refused(event)
    assert problem.startswith(f"{path}: ")
    assert problem.isprintable()
    assert events.claimed_run_id(event) is None or payload.get("trigger")


def test_a_time_that_no_calendar_has_in_utc_is_refused() -> None:
    """The first day of the calendar in a zone ahead of UTC."""
    payload = trigger(time="0001-01-01T00:00:00+14:00")
    assert refused(payload) == ['$.trigger.scheduled_time: "0001-01-01T00:00:00+14:00" is not an ISO 8601 time']


def test_params_are_typed() -> None:
    """A parameter of the wrong type is a problem of that parameter."""
    (problem,) = refused({"action": "describe-list-all", "params": {"count_contacts": "no"}})
    assert problem.startswith("$.params.count_contacts: ")


def test_prune_is_for_actions_that_remove_something() -> None:
    """A reading action has nothing to prune, and confirm_customers belongs to prune."""
    problems = refused({"action": "describe-list-all", "prune": True})
    assert problems == ["$.prune: describe-list removes nothing, so there is nothing to prune"]
    assert refused({"action": "describe-list-all", "confirm_customers": 3}) == [
        '$.confirm_customers: is only for a run with "prune": true'
    ]


def test_help_takes_nothing_else() -> None:
    """`help` with other fields is a mistake, not a run."""
    assert events.is_help({"action": "help"})
    assert events.is_help({"action": "help", "include": None})
    assert not events.is_help({"action": "help", "include": ["a"]})
    assert refused({"action": "help", "include": ["a"]}) == ["$: help takes no other fields, not include"]


@pytest.mark.parametrize("run_id", ["", "a" * 41, "a/b", "a b", "../x", "é", "a\n"])
def test_a_bad_run_id_is_refused(run_id: str) -> None:
    """Nothing else becomes part of an S3 key."""
    (problem,) = refused({"action": "describe-list-all", "run_id": run_id})
    assert problem.startswith("$.run_id: must be 1 to 40")
    assert events.claimed_run_id({"action": "describe-list-all", "run_id": run_id}) is None


def trigger(arn: str = "arn:aws:scheduler:us-east-1:1:schedule/g/n", time: str = "2026-03-01T06:00:00Z") -> Any:
    """A payload as EventBridge Scheduler sends it."""
    return {"action": "describe-list-all", "trigger": {"schedule_arn": arn, "scheduled_time": time}}


def test_a_trigger_needs_a_time() -> None:
    """A time that is none would make an id that means nothing."""
    assert refused(trigger(time="yesterday")) == ['$.trigger.scheduled_time: "yesterday" is not an ISO 8601 time']


def test_a_trigger_and_a_run_id_contradict() -> None:
    """One run has one id."""
    (problem,) = refused({**trigger(), "run_id": "mine"})
    assert problem.startswith("$.run_id: a run with a trigger gets its id from the trigger")


def bus_event(detail: dict[str, Any]) -> dict[str, Any]:
    """An event as an event bus delivers it."""
    return {"version": "0", "id": "e1", "time": "2026-03-01T06:00:00Z", "detail-type": "x", "detail": detail}


FORMS = ["ada@corp.example", '"bo.ek"@acme.example', "ana,lee", "ada%40x.example", "ada\uff20x.example", "ada lovelace"]
PLACES: list[dict[str, Any]] = [
    {"params": {"username": ["?"]}},
    {"params": {"username": {"?": "?"}}},
    {"params": {"user": "?"}},
    {"params": {"?": "?"}},
    {"params": {"sync_topics": "?"}},
    {"params": "?"},
    {"params": ["?"]},
    {"?": "?"},
    {"action": "?"},
    {"action": {"?": "?"}},
    {"action": "help", "?": 1},
    {"include": "?"},
    {"include": ["a", 5, "?"]},
    {"exclude": {"?": 1}},
    {"max_failures": "?"},
    {"max_customer_concurrency": "?"},
    {"on_deadline": "?"},
    {"run_id": "?"},
    {"dry_run": "?"},
    {"environment": ["?"]},
    {"trigger": {"?": "?"}},
    {"trigger": {"schedule_arn": "?", "scheduled_time": "?"}},
    {"hop": "?"},
]


def filled(value: Any, form: str) -> Any:
    """The value with this in every place of a question mark."""
    if isinstance(value, dict):
        return {filled(key, form): filled(inner, form) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, form) for inner in value]
    return form if value == "?" else value


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_no_address_and_no_name_is_in_a_refusal(place: dict[str, Any], form: str) -> None:
    """Refusals are stored, logged, and printed by the runtime: wrong values are told by their kind and size."""
    said = " ".join(refused({"action": "import-aws-contact-all", **filled(place, form)}))
    assert form not in said
    assert not any(part in said for part in ("corp.example", "acme.example", "x.example", "lovelace", "ana,"))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (4915112345678, "must be a string, not a number"),
        (0.5, "must be a string, not a number"),
        (True, "must be a string, not a boolean"),
        (["ada"], "must be a string, not a list"),
        ({"ada": 1}, "must be a string, not an object"),
        ("", "must not be empty"),
        ("ada" * 50, "must have at most 128 characters, not a text of 150 characters"),
    ],
)
def test_of_a_personal_parameter_no_value_is_told(value: Any, told: str) -> None:
    """Not even a number, which may be a telephone's: what it is, and how large."""
    problems = refused({"action": "import-aws-contact-all", "params": {"username": value}})
    assert problems == [f"$.params.username: {told}"]


def test_a_topic_that_is_no_name_is_refused() -> None:
    """plan.json would keep it: what breaks SES's grammar may be somebody's address."""
    problems = refused({"action": "list-contacts-all", "params": {"topic": "ada@corp.example"}})
    assert [problem.split(":")[0] for problem in problems] == ["$.params.topic"]
    assert "corp" not in problems[0]


def test_a_harmless_value_is_told() -> None:
    """It helps, and can be nobody's."""
    assert refused({"action": "describe-list-all", "on_deadline": "wait"}) == [
        '$.on_deadline: must be "stop" or "continue", not "wait"'
    ]
    assert refused({"action": "describe-list-all", "max_failures": 1.5})[0].endswith("not 1.5")


def test_a_resume_without_its_person_is_refused() -> None:
    """As it is, `resume` has a mask where the name was: never does it widen to everybody."""
    payload = {"action": "import-aws-contact-all", "params": {"username": personal_params.MASK, "sync_topics": True}}
    assert refused(payload) == [
        "$.params.username: is personal, so the run that this resumes did not keep it: give it again"
    ]
    payload["params"]["username"] = "ada"  # type: ignore[index]
    assert request.parse(payload).request.params == {"username": "ada", "sync_topics": True}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*RunRequest.model_fields, "detail", "x"]) | st.text(), json_values))
def test_no_payload_breaks_the_reading_of_it(payload: dict[str, Any]) -> None:
    """Whatever comes, it is taken or refused in printable lines: nothing forges a log line."""
    problems: tuple[Any, ...] = ()
    run_id = "refused"
    try:
        run_id = request.parse(payload).run_id
    except RequestError as error:
        problems = error.problems
    assert bool(problems) == (run_id == "refused")
    assert all(str(problem).isprintable() for problem in problems)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", run_id)
