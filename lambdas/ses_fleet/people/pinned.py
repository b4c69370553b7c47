"""Which people file a run uses, in its plan and in what its workers are sent."""

from __future__ import annotations

from ses_fleet.identifiers import PeopleId
from ses_fleet.model_bases import Stored


class PinnedPeople(Stored):
    """The people file as the run's start read it.

    `version_id` is S3's, None in a bucket without versions. `sha256` is the digest of its bytes in hexadecimal digits,
    `rows` how many rows it has.
    """

    id: PeopleId
    version_id: str | None
    sha256: str
    rows: int
