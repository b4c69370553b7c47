"""What is said of a model's field beside its type: `Annotated[str, VOLATILE]`."""

from __future__ import annotations

from enum import Enum


class Mark(Enum):
    """How a field counts when the results of two runs are compared."""

    VOLATILE = "two runs may differ in the field although nothing has changed: a time, a duration, where a file lies"
    KEY = "the field tells an entry of a list from the others of that list, so that the same one is compared"


VOLATILE, KEY = Mark.VOLATILE, Mark.KEY
