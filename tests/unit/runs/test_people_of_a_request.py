"""A payload names whom it is for by the id of a people file, and never the people."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet.actions.catalogue import payload_names
from ses_fleet.errors import RequestError
from ses_fleet.runs import keys, request, summary
from ses_fleet.runs.help import help_answer
from ses_fleet.runs.models import CustomerResult
from ses_fleet.runs.record import comparable
from tests.unit.people_action import FIND, KEY, PEOPLE_ID, SET, declare


def refused(**payload: Any) -> list[str]:
    """The problems of a payload."""
    with pytest.raises(RequestError) as error:
        request.parse(payload)
    return [str(problem) for problem in error.value.problems]


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch)


@pytest.mark.parametrize("action", [f"{FIND}-all", f"{SET}-all"])
def test_an_action_for_people_needs_their_file(action: str) -> None:
    """For a dry run, too; null is none."""
    for more in ({}, {"people": None}, {"dry_run": True}):
        assert refused(action=action, **more) == [
            f"$.people: missing: {action} needs a people file, which says whom it is for: give its id"
        ]
    assert request.parse({"action": action, "people": PEOPLE_ID}).request.people == PEOPLE_ID


def test_any_other_action_takes_none() -> None:
    """It says which ones do."""
    (problem,) = refused(action="describe-list-all", people=PEOPLE_ID)
    takers = ", ".join(name for name, (one, _) in payload_names().items() if one.people is not None)
    assert takers.endswith("look-up-all, look-up, set-up-all, set-up, hold-back-all, hold-back")
    assert problem == f"$.people: describe-list-all takes no people file; {takers} does"
    assert request.parse({"action": "describe-list-all", "people": None}).request.people is None


@pytest.mark.parametrize(
    "people", ["", "x", PEOPLE_ID[1:], PEOPLE_ID + "0", PEOPLE_ID.upper(), "../" + PEOPLE_ID[3:], PEOPLE_ID + "\n", 5]
)
def test_an_id_has_one_form(people: Any) -> None:
    """No other leads to another object, or is taken to be one."""
    (problem,) = refused(action=f"{FIND}-all", people=people)
    assert problem.startswith("$.people: must be the id of a people file, 32 of 0-9 a-f, not ")
    if isinstance(people, str):
        with pytest.raises(ValueError, match="another form"):
            keys.people_file_key(people)


def test_a_persons_address_in_place_of_the_id_is_not_repeated() -> None:
    """Refusals are kept in the record."""
    (problem,) = refused(action=f"{FIND}-all", people="jane@corp.example")
    assert problem.endswith("not a text of 17 characters")


def test_a_people_file_lies_in_a_place_of_its_own() -> None:
    """No run has its data there, as people who upload files may write there."""
    assert keys.people_file_key(PEOPLE_ID) == KEY
    assert refused(action="describe-list-all", run_id="requests") == [
        "$.run_id: requests is where people files lie below data/: choose another id"
    ]
    assert request.parse({"action": "describe-list-all", "run_id": "requests-2"}).run_id == "requests-2"


def test_the_id_is_part_of_the_request() -> None:
    """A run's id with another people file is another request, and its resume names the same file."""
    asked = request.parse({"action": f"{FIND}-all", "people": PEOPLE_ID}).request
    assert comparable(asked)["people"] == PEOPLE_ID
    assert request.from_plan(comparable(asked)) == asked
    failed = CustomerResult(customer_code="a", customer_name="A", account_id=None, region=None, status="failed")
    resume = summary.resume_payload("r", asked, [failed])
    assert resume is not None
    assert resume["people"] == PEOPLE_ID
    assert "people" not in comparable(request.parse({"action": "describe-list-all"}).request)


def test_help_says_what_rows_an_action_takes() -> None:
    """With how many; null for one that takes none."""
    actions = {action["name"]: action for action in help_answer()["actions"]}
    assert actions["describe-list-all"]["people"] is None
    assert "people" not in actions["describe-list-all"]["fields"]
    assert "people" in actions[f"{SET}-all"]["fields"]
    told = actions[f"{SET}-all"]["people"]
    assert told["rows_at_most"] == 5
    assert set(told["row_schema"]["properties"]) == {
        *("email", "customers", "opt_in", "opt_out", "unsubscribe_all", "attributes")
    }
    json.dumps(told)
