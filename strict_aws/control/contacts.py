"""Fill a contact list in bulk, with given contacts or with made-up ones."""

from __future__ import annotations

import json

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from strict_aws.control.problems import first_problem
from strict_aws.ses import bulk
from strict_aws.ses.service import StrictSes


class GeneratedContacts(BaseModel):
    """Made-up contacts: `{"generate": N, "seed": S, "opt_in": {topic: share}}`.

    `opt_in` gives for each topic the share of contacts, from 0 to 1, with an explicit OPT_IN; the others have an
    explicit OPT_OUT. The same numbers make the same contacts.
    """

    model_config = ConfigDict(extra="forbid")

    generate: int = Field(ge=0, le=5_000_000)
    seed: int = 0
    opt_in: dict[str, float] = Field(default_factory=dict)


def put_contacts(ses: StrictSes, place: tuple[str, str], list_name: str, body: bytes) -> int:
    """Fill a list of an (account, Region) from import-job NDJSON, or from a document of `GeneratedContacts`.

    Return how many contacts were put; raise AwsError 400 that says what is wrong with the body.
    """
    generated = _generated(body)
    if generated is None:
        return ses.fill(*place, list_name, bulk.parse_import_lines(body))
    return generate_contacts(ses, place, list_name, generated)


def generate_contacts(ses: StrictSes, place: tuple[str, str], list_name: str, wanted: GeneratedContacts) -> int:
    """Fill a list of an (account, Region) with made-up contacts, and return how many there are."""
    topics = ses.topics(*place, list_name)
    contacts = bulk.generate(count=wanted.generate, seed=wanted.seed, opt_in=wanted.opt_in, topics=topics)
    return ses.fill(*place, list_name, contacts)


def _generated(body: bytes) -> GeneratedContacts | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    if not isinstance(document, dict) or "emailAddress" in document:
        return None
    try:
        return GeneratedContacts.model_validate(document)
    except ValidationError as error:
        raise first_problem(error) from None
