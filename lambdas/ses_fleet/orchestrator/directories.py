"""The first phase of an import: every Identity Center is read once, for all customers that share it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ses_fleet.actions.catalogue import READ_IDENTITY_CENTER
from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.orchestrator import fan_out, identity_sources
from ses_fleet.orchestrator.customer_run import CustomerRun
from ses_fleet.orchestrator.fan_out import Finished, Outcome, Paused
from ses_fleet.orchestrator.identity_sources import Source
from ses_fleet.orchestrator.plan import PlannedCustomer
from ses_fleet.orchestrator.result_store import ResultStore
from ses_fleet.orchestrator.signs import Unnamed
from ses_fleet.orchestrator.start_rules import StartRules
from ses_fleet.orchestrator.task import Task
from ses_fleet.runs.keys import people_prefix
from ses_fleet.runs.work import WorkItem


@dataclass(frozen=True)
class Directories:
    """What was read: `people` by the name of the source, and how the reading ended; `outcome.left` are sources."""

    people: Mapping[str, DirectoryFiles] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)
    sources: tuple[Source, ...] = ()

    def of(self, customer: PlannedCustomer) -> DirectoryFiles | None:
        """Return what was read for this customer, or None when its Identity Center was not read."""
        return self.people.get(identity_sources.name_of(customer))

    def given_up(self) -> Iterator[Finished]:
        """Yield results for the customers of the sources that no other invocation will go on reading."""
        for source in fan_out.given_up(self.outcome.left):
            yield from self.sources[source.customer.index].without_people(source.result)


def read(task: Task, customers: Sequence[PlannedCustomer], store: ResultStore) -> Directories:
    """Read the Identity Centers of these customers that no earlier invocation has read.

    A customer whose Identity Center cannot be read gets its result here.
    """
    people = dict(task.before.people) if task.before is not None else {}
    open_sources = tuple(one for one in identity_sources.sources(customers) if one.name not in people)
    if not open_sources:
        return Directories(people)
    task.logger.info(f"reading {len(open_sources)} Identity Center(s) for {len(customers)} customer(s)")
    intent = Unnamed(task.signs)
    reading = task.fan_out(len(open_sources), _make_item(task), intent, writes=False, carry_over=task.may_continue)
    progress = {} if task.before is None else task.hops.sources(task.reading)
    runs = [
        CustomerRun.taken_over(source.as_customer(index), progress.get(source.name))
        for index, source in enumerate(open_sources)
    ]
    outcome = Outcome()
    for event in reading.run(runs, StartRules()):
        if isinstance(event, Outcome):
            outcome = event
        elif isinstance(event, Paused):
            store.keep_source(event.progress)
        elif (found := identity_sources.read(event.result)) is not None:
            people[event.customer.code] = found
        else:
            store.keep(open_sources[event.customer.index].without_people(event.result))
    return Directories(people, outcome, open_sources)


def _make_item(task: Task) -> fan_out.MakeItem:
    def make(source: PlannedCustomer, budget: float, continuation: dict[str, Any] | None) -> WorkItem:
        """Return the item that has one Identity Center read, for all who share it; the code is the source's name."""
        prefix = people_prefix(task.record.run_id, source.code, task.reading)
        made = task.planless_item(source, budget, continuation)
        return made.model_copy(update={"action": READ_IDENTITY_CENTER.name, "people_prefix": prefix})

    return make
