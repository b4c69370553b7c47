"""From a checked request to its plan: everything is read and checked that could refuse the run, and nothing written."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ses_fleet.orchestrator import applying, config_files, people_files, plan
from ses_fleet.orchestrator.config_files import ConfigFiles
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.orchestrator.people_files import People
from ses_fleet.orchestrator.plan import Plan
from ses_fleet.people.erasure import PlannedErasure
from ses_fleet.runs.models import RunRequest


@dataclass(frozen=True)
class Planned:
    """The plan of a run, and the files that it was made of."""

    plan: Plan
    files: ConfigFiles


def planned(asked: RunRequest, environment: Environment) -> Planned:
    """Return the plan of a run that would begin now; `asked` has a mask in place of personal values.

    RequestError and ConfigurationError when it cannot begin. Whether the run that it resumes can be gone on with is a
    question of its own.
    """
    applied = applying.read(environment, asked)
    wanted = asked if applied is None else applied.request
    files = config_files.read(environment, wanted)
    selected = plan.select(wanted, files.config)
    if applied is None:
        codes = {entry.code for entry in selected}
        people = people_files.read(environment, wanted, known=files.config.entries, selected=codes)
    else:
        people = people_files.of_plan(environment, applied)
    made = plan.make(wanted, files, selected, people, applied)
    if made.action.receipts and people is not None:
        made = replace(made, erasure=_planned_erasure(environment, people, len(selected)))
    return Planned(made, files)


def _planned_erasure(environment: Environment, people: People, customers: int) -> PlannedErasure:
    # Imported here: no other action needs the keys.
    from ses_fleet.orchestrator import receipts

    return receipts.planned(environment, people, customers)
