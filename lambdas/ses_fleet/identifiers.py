"""The grammars of names: customer codes, run ids, topics."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from ses_fleet import limits

CODE_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}"
RUN_ID_PATTERN = r"[A-Za-z0-9_-]{1,40}"
# SES's own grammar: what is no name of a topic may be somebody's, and must not get into a run's record.
TOPIC_PATTERN = rf"[A-Za-z0-9_-]{{1,{limits.SES_NAME_CHARACTERS}}}"

CustomerCode = Annotated[str, StringConstraints(pattern=f"^{CODE_PATTERN}$")]
RunId = Annotated[str, StringConstraints(pattern=f"^{RUN_ID_PATTERN}$")]
