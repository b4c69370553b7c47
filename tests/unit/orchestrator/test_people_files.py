"""A run for people: their file is checked whole before anything starts, pinned, and the same for all invocations."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import pytest

from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.actions.params import ConfirmPeopleParams
from ses_fleet.errors import AwsCallError, ConfigurationError, RequestError
from tests.unit.memory_s3 import Before
from tests.unit.orchestrator.deployed import (
    RUN,
    Deployed,
    Json,
    code_of,
    customers,
    fine,
    of,
    slices,
    statuses,
    time_passes,
)
from tests.unit.orchestrator.killed import die, reap
from tests.unit.people_action import FIND, KEY, PEOPLE_ID, SET, declare, lines, upload

WHO = "jane.doe@corp.example"


def deployed(monkeypatch: pytest.MonkeyPatch, *rows: Any, worker: Any = fine, codes: str = "abc") -> Deployed:
    """A deployment with customers a, b and c, and a people file of these rows."""
    declare(monkeypatch)
    there = Deployed(monkeypatch, customers(*codes), worker)
    upload(there.s3, *rows)
    return there


def run(there: Deployed, action: str = f"{FIND}-all", **payload: Any) -> Json:
    """The Summary of a run for those people."""
    return there.run(action, people=PEOPLE_ID, **payload)


def refused(there: Deployed, action: str = f"{FIND}-all", **payload: Any) -> list[str]:
    """Why there is no run; nothing was started, and no plan was written."""
    with pytest.raises(RequestError) as error:
        run(there, action, **payload)
    assert there.lambda_.items == []
    assert ("results", f"runs/{RUN}/plan.json") not in there.s3.stored
    return [str(problem) for problem in error.value.problems]


def kept(there: Deployed) -> str:
    """Everything that is in the record, as text."""
    return "".join(there.s3.stored["results", key].body.decode(errors="replace") for key in there.s3.keys("runs/"))


def pinned(*rows: Any) -> Json:
    """What plan.json and a worker are told of the people file of these rows."""
    body = lines(*rows)
    version = f"v{hashlib.md5(body, usedforsecurity=False).hexdigest()}"
    return {
        "id": PEOPLE_ID,
        "version_id": version,
        "sha256": hashlib.sha256(body).hexdigest(),
        "rows": len(body.splitlines()),
    }


def test_a_run_pins_its_people_and_tells_its_workers_which_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Version, digest and number of rows; no address is in the record, in what is sent, or in the log."""
    there = deployed(monkeypatch, WHO, "other@corp.example")
    assert statuses(run(there)) == dict.fromkeys("abc", "successful")
    assert there.kept("plan.json")["people"] == pinned(WHO, "other@corp.example")
    assert [item["people_file"] for item in there.lambda_.items] == [pinned(WHO, "other@corp.example")] * 3
    assert "corp.example" not in kept(there) + json.dumps(there.lambda_.items) + there.written.getvalue()
    assert there.s3.asked.count(("get_object", KEY)) == 1


def test_a_run_for_nobody_in_particular_has_no_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in its plan nor in what is sent."""
    there = deployed(monkeypatch, WHO)
    there.run()
    assert there.kept("plan.json")["people"] is None
    assert {item["people_file"] for item in there.lambda_.items} == {None}


def test_everything_that_is_wrong_with_the_file_refuses_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """By line, without repeating anything, in the answer and in the record; who uploads need not have checked it."""
    there = deployed(monkeypatch, WHO, {"email": WHO.upper()}, {"email": "jane doe"}, {"mail": WHO})
    assert refused(there) == [
        "$.people: line 2: email: is the address of line 1, too: one row a person",
        "$.people: line 3: email: is no address: it must be one name, an @ and a domain with a dot, without blanks",
        '$.people: line 4: mail: unknown field; did you mean "email"?',
        "$.people: line 4: email: missing: the address; blanks around it do not count, nor does upper or lower case",
    ]
    assert "line 3" in kept(there)
    assert "jane" not in (kept(there) + there.written.getvalue()).lower()


def test_a_file_that_is_not_there_refuses_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have expired."""
    there = deployed(monkeypatch, WHO)
    del there.s3.stored["results", KEY]
    (problem,) = refused(there)
    assert problem.startswith(f"$.people: s3://results/{KEY} does not exist (NoSuchKey): a people file lives 7 days")


def test_a_file_that_s3_does_not_give_refuses_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no fault of the payload."""
    there = deployed(monkeypatch, WHO)

    def fails(operation: str, key: str, done: bool) -> None:
        if (operation, key, done) == ("get_object", KEY, False):
            raise AwsCallError("s3", "get_object", "server", "SlowDown", "slow", 503)

    there.s3.hook = Before(fails)
    with pytest.raises(ConfigurationError, match=r"\$\.people: .* could not be read \(SlowDown\), so nothing was star"):
        run(there)


def test_an_action_says_how_many_rows_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """And of which kind."""
    there = deployed(monkeypatch, *(f"p{number}@corp.example" for number in range(6)))
    assert refused(there, f"{SET}-all") == ["$.people: line 6: is one row more than the 5 that the action takes"]
    upload(there.s3, {"email": WHO, "opt_in": ["news"]})
    assert refused(there) == ["$.people: line 1: opt_in: unknown field"]


def test_a_row_for_a_customer_that_does_not_exist_refuses_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest one is named, and not what stands there, which may be anything."""
    there = deployed(monkeypatch, {"email": WHO, "customers": ["acme", "acmee", "hans-muster"]}, codes="")
    there.put("config.json", customers("acme", "globex"))
    assert refused(there) == [
        '$.people: line 1: customers[1]: config.json has no such customer; did you mean "acme"?',
        "$.people: line 1: customers[2]: config.json has no such customer",
    ]


def test_a_row_for_a_customer_that_is_not_selected_refuses_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it wants would silently not be done."""
    there = deployed(monkeypatch, {"email": WHO, "customers": ["a", "c"]})
    told = "is not selected, so nothing would be done for it: select it, or leave it out of the row"
    assert refused(there, exclude=["c"]) == [f"$.people: line 1: customers[1]: c {told}"]
    assert refused(there, FIND, customer_code="c") == [f"$.people: line 1: customers[0]: a {told}"]
    assert statuses(run(there, include=["a", "c"])) == {"a": "successful", "c": "successful"}


def test_whom_no_row_is_for_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent for it; its result says why, and the run as a whole does not."""
    there = deployed(monkeypatch, {"email": WHO, "customers": ["b"]}, {"email": "x@corp.example", "customers": ["b"]})
    answer = run(there)
    assert statuses(answer) == {"a": "skipped", "b": "successful", "c": "skipped"}
    assert of(answer, "a")["warnings"] == ["no row of the people file names it"]
    assert (answer["warnings"], answer["exit_code"]) == ([], 0)
    assert [code_of(item) for item in there.lambda_.items] == ["b"]


def test_whom_config_json_skips_is_skipped_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a row is for it or not: a resume must know who has left config.json."""
    there = deployed(monkeypatch, {"email": WHO, "customers": ["b"]})
    config = customers("a", "b")
    for code in "ab":
        config["customer_mappings"][code]["ses_role_arn"] = ""
    there.put("config.json", config)
    answer = run(there)
    assert [of(answer, code)["warnings"] for code in "ab"] == [["no ses_role_arn in config.json"]] * 2


def test_a_dry_run_checks_the_file_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """And skips the same customers."""
    there = deployed(monkeypatch, {"email": WHO, "customers": ["b"]})
    assert statuses(run(there, dry_run=True)) == {"a": "skipped", "b": "successful", "c": "skipped"}
    wrong = deployed(monkeypatch, "nobody")
    assert "line 1: email: is no address" in refused(wrong, dry_run=True)[0]


def long_run(there: Deployed) -> None:
    """A run that has to go on in another invocation, with customer a between two slices and b not started."""
    time_passes(there, 50.0, slices)
    answer = run(there, f"{SET}-all", on_deadline="continue", max_customer_concurrency=1)
    assert answer["exit_code"] is None
    time_passes(there, 900.0, slices)
    there.lambda_.items.clear()


def test_a_hop_uses_the_file_that_the_run_began_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was uploaded over it meanwhile."""
    there = deployed(monkeypatch, {"email": WHO, "customers": ["a", "b"]})
    long_run(there)
    upload(there.s3, "other@corp.example")
    answer = there.go_on()
    assert statuses(answer) == {"a": "successful", "b": "successful", "c": "skipped"}
    used = {json.dumps(item["people_file"]) for item in there.lambda_.items}
    assert used == {json.dumps(pinned({"email": WHO, "customers": ["a", "b"]}))}


def test_a_hop_whose_people_file_is_gone_leaves_it_to_the_workers_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Summary says why; whom no row is for is skipped still, as it was at the start."""
    there = deployed(monkeypatch, {"email": WHO, "customers": ["a", "b"]})
    long_run(there)
    there.s3.versions = {place: one for place, one in there.s3.versions.items() if place[1] != KEY}
    answer = there.go_on()
    assert [code_of(item) for item in there.lambda_.items] == ["a", "b", "b"]
    assert of(answer, "c")["status"] == "skipped"
    (warning,) = answer["warnings"]
    assert warning.startswith("the people file cannot be read again, so whoever is left fails: s3://results/")


def test_a_hop_after_a_kill_skips_the_same_customers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the first invocation could not store that they are skipped."""
    there = deployed(monkeypatch, {"email": WHO, "customers": ["a", "b", "d"]}, codes="abcd")
    payload = {"action": f"{SET}-all", "people": PEOPLE_ID, "run_id": RUN, "max_customer_concurrency": 1}
    die(monkeypatch, there, "a", {**payload, "on_deadline": "continue"})
    there.s3.stored.pop(("results", f"runs/{RUN}/results/c.json"), None)
    reap(there)
    there.lambda_.items.clear()
    answer = there.go_on()
    assert statuses(answer) == {"a": "failed", "b": "failed", "c": "skipped", "d": "successful"}
    assert [code_of(item) for item in there.lambda_.items] == ["d"]


def stopped(monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """A run that is over: a was successful, b failed between two slices, no row was for c."""
    there = deployed(monkeypatch, {"email": WHO, "customers": ["a", "b"]})

    def worker(item: Json) -> Json:
        there.context.seconds = 900.0 if code_of(item) == "a" else 50.0
        return fine(item) if code_of(item) == "a" else slices(item)

    there.lambda_.worker = worker
    answer = run(there, f"{SET}-all", max_customer_concurrency=1)
    assert statuses(answer) == {"a": "successful", "b": "failed", "c": "skipped"}
    assert answer["resume"]["people"] == PEOPLE_ID
    time_passes(there, 900.0, slices)
    there.lambda_.items.clear()
    return there


def resume(there: Deployed, **changes: Any) -> Json:
    """The Summary of the run that its `resume` starts."""
    return there.invoke({**there.kept("summary.json")["resume"], "run_id": "r2", **changes})


def test_a_resume_goes_on_for_the_same_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although fewer customers are selected than its rows name; another upload of the same file will do."""
    there = stopped(monkeypatch)
    other = "f" * 32
    there.s3.put("results", f"data/requests/{other}.jsonl", there.s3.stored["results", KEY].body)
    assert statuses(resume(there, people=other)) == {"b": "successful"}
    assert [item["continuation"] for item in there.lambda_.items] == [{"state": {"at": 1}}]


def test_a_resume_for_other_people_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """One run's people are not the other's."""
    there = stopped(monkeypatch)
    upload(there.s3, {"email": WHO, "customers": ["b"]})
    with pytest.raises(RequestError, match=rf"\$\.people: is another people file than the one that run {RUN} began"):
        resume(there)
    assert there.lambda_.items == []


def test_a_resume_whose_people_file_is_gone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how long one lives."""
    there = stopped(monkeypatch)
    del there.s3.stored["results", KEY]
    with pytest.raises(RequestError, match="a people file lives 7 days, upload it again"):
        resume(there)


def removing(monkeypatch: pytest.MonkeyPatch, *rows: Any) -> Deployed:
    """The same, with an action that wants the numbers of people and of customers to be confirmed."""
    there = deployed(monkeypatch, *rows)
    changed: Json = {"params": ConfirmPeopleParams, "confirms_people": True, "confirms_customers": True}
    monkeypatch.setitem(ACTIONS, SET, dataclasses.replace(ACTIONS[SET], **changed))
    return there


def test_an_action_may_want_the_number_of_people_to_be_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Left out or another number, and nothing starts; the right one runs, whatever each customer has of the rows."""
    there = removing(monkeypatch, {"email": WHO, "customers": ["a"]}, "other@corp.example")
    three: Json = {"action": f"{SET}-all", "confirm_customers": 3}
    assert refused(there, **three) == ["$.params.confirm_people: missing, but the people file has 2 rows"]
    assert refused(there, **three, params={"confirm_people": 3}) == [
        "$.params.confirm_people: says 3, but the people file has 2 rows"
    ]
    assert statuses(run(there, **three, params={"confirm_people": 2})) == dict.fromkeys("abc", "successful")


def test_a_number_of_people_that_nobody_asked_for_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gives it wants it to be right."""
    there = deployed(monkeypatch, WHO)
    monkeypatch.setitem(ACTIONS, FIND, dataclasses.replace(ACTIONS[FIND], params=ConfirmPeopleParams))
    assert refused(there, params={"confirm_people": 2}) == [
        "$.params.confirm_people: says 2, but the people file has 1 row"
    ]
    assert statuses(run(there, params={"confirm_people": 1})) == dict.fromkeys("abc", "successful")


def test_an_action_that_removes_wants_the_number_of_customers_without_prune(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a prune does; on one customer there is nothing to confirm but its people."""
    there = removing(monkeypatch, WHO)
    people: Json = {"params": {"confirm_people": 1}}
    assert refused(there, f"{SET}-all", **people) == [
        f"$.confirm_customers: missing, but 3 customers are selected for {SET}-all"
    ]
    assert refused(there, f"{SET}-all", **people, confirm_customers=2) == [
        f"$.confirm_customers: says 2, but 3 customers are selected for {SET}-all"
    ]
    assert statuses(run(there, SET, **people, customer_code="b")) == {"b": "successful"}
