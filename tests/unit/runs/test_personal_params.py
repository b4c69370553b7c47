"""Parameters that say something of a person, as the catalogue declares them."""

from __future__ import annotations

from pydantic import Field

from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.actions.params import PERSONAL, ImportParams, Params
from ses_fleet.runs import personal_params


class Example(Params):
    """Two of its parameters are personal."""

    name: str | None = Field(default=None, json_schema_extra=PERSONAL)
    email: str | None = Field(default=None, json_schema_extra=PERSONAL)
    deep: bool = False


def test_what_is_personal_is_declared_in_the_catalogue() -> None:
    """And nowhere else: `help` shows it, too."""
    declared = {name: personal_params.names(action.params) for name, action in ACTIONS.items()}
    assert {name: found for name, found in declared.items() if found} == {
        "import-aws-contact": {"username"},
        "read-identity-center": {"username"},
    }
    assert ImportParams.model_json_schema()["properties"]["username"]["personal"] is True


def test_what_was_given_is_masked_and_kept_apart() -> None:
    """Nothing else is touched; what was not given is not made up."""
    given = {"name": "ada", "deep": True}
    assert personal_params.values(Example, given) == {"name": "ada"}
    masked = personal_params.masked(Example, given)
    assert masked == {"name": personal_params.MASK, "deep": True}
    assert personal_params.hidden(Example, masked) == ["name"]
    assert personal_params.hidden(Example, given) == []


def test_the_mask_is_no_name() -> None:
    """User names of Identity Center have no blanks, so that none is ever taken for a mask."""
    assert " " in personal_params.MASK
