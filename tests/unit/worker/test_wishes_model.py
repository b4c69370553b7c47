"""What people want, and what sequences of runs make of it: no run subscribes anybody against their choice.

The model knows nothing of contacts. Of each person it knows what they refused last, and compares that with whether
they would get a topic's mail now. People choose by themselves between runs; runs set, remove, import and restore, some
of them are killed or hear no answer, and are run again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ses_fleet import limits
from ses_fleet.actions.params import BackupListParams, RestoreListParams
from ses_fleet.errors import AwsCallError
from ses_fleet.worker.actions import backup_list, restore_list
from tests.unit.worker.imports import contacts, importing, with_people
from tests.unit.worker.people_rows import removing, setting
from tests.unit.worker.world import ACCOUNT, REGION, Fault, KilledError, World

DEFAULTS = {"in": "OPT_IN", "out": "OPT_OUT"}
PEOPLE = [f"{name}@corp.example" for name in ("ana", "bob", "cleo", "dora")]
WHO = st.sampled_from(PEOPLE)
TOPIC = st.sampled_from(sorted(DEFAULTS))
# The call of the first attempt that breaks, how, and whether after its effect.
BREAKS = st.none() | st.tuples(st.integers(1, 16), st.sampled_from(["killed", "lost", "throttled"]), st.booleans())
SLICES: Any = st.sampled_from([{}, {"budget": 4.0, "per_second": 1}])
ROWS = st.lists(
    st.fixed_dictionaries(
        {"email": WHO},
        optional={
            "opt_in": st.lists(TOPIC, unique=True, max_size=2),
            "opt_out": st.lists(TOPIC, unique=True, max_size=2),
            "unsubscribe_all": st.just(True),
            "attributes": st.just({"a": 1}),
        },
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda row: str(row["email"]),
)


def fitting(row: dict[str, Any]) -> dict[str, Any]:
    """The row without what contradicts itself."""
    opt_in = [] if row.get("unsubscribe_all") else row.get("opt_in", [])
    opt_out = [topic for topic in row.get("opt_out", []) if topic not in opt_in]
    return {**row, "opt_in": opt_in, "opt_out": opt_out}


class Wishes(RuleBasedStateMachine):
    """Each person's last word, and one list."""

    spellings: tuple[Callable[[str], str], ...] = (str,)
    thorough = False

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.world.settings = self.world.settings.model_copy(update={"import_job_threshold": 1})
        self.refused: dict[str, set[str]] = {email: set() for email in PEOPLE}  # topics, and `everything`
        self.backups: list[str] = []
        self.runs = 0

    def spelled(self, email: str, data: st.DataObject) -> str:
        """The address as somebody writes it this time."""
        return data.draw(st.sampled_from(self.spellings))(email)

    def contacts_of(self, email: str) -> list[str]:
        """The person's contacts: only a restore makes a second one, under another case."""
        return [one for one in contacts(self.world) if one.casefold() == email]

    def gets(self, email: str, topic: str) -> bool:
        """Whether the person would get the topic's mail by any contact."""
        there = [contacts(self.world)[one] for one in self.contacts_of(email)]
        return any(not gone and said.get(topic, DEFAULTS[topic]) == "OPT_IN" for said, gone in there)

    def says_no(self, email: str, *topics: str) -> bool:
        """Whether some contact of the person refuses one of these topics; a restore may have brought that back."""
        there = [contacts(self.world)[one] for one in self.contacts_of(email)]
        return any(gone or "OPT_OUT" in map(said.get, topics) for said, gone in there)

    def does_not_want(self, email: str, topic: str) -> bool:
        """By the person's last word."""
        return bool(self.refused[email] & {"everything", topic})

    def run(self, act: Callable[[str], Any], breaks: Any) -> str:
        """Run an action, again if its first attempt breaks; the id of the run that came to its end."""
        self.runs += 1
        if breaks is not None:
            number, kind, after = breaks
            self.world.client.faults[len(self.world.asked) + number] = Fault(kind, after=after)
            try:
                act(f"broken-{self.runs}")
            except (KilledError, AwsCallError):
                self.check()
                self.world.time.now += 60  # an import job that is under way ends
            self.world.client.faults.clear()
        self.runs += 1
        done = act(f"run-{self.runs}")
        assert done.failure is None, done.failure
        return f"run-{self.runs}"

    @rule(email=WHO, topic=TOPIC, data=st.data())
    def chooses(self, email: str, topic: str, data: st.DataObject) -> None:
        """The person opts in or out, or unsubscribes, in all of their contacts; somebody who has none signs up."""
        what = data.draw(st.sampled_from(["in", "out", "everything"]))
        refused = self.refused[email] = set(self.refused[email])
        if what == "in":
            refused -= {"everything", topic}
        else:
            refused.add(topic if what == "out" else "everything")
        request: dict[str, Any] = {"ContactListName": "main", "UnsubscribeAll": "everything" in refused}
        if what != "everything":
            status = "OPT_IN" if what == "in" else "OPT_OUT"
            request["TopicPreferences"] = [{"TopicName": topic, "SubscriptionStatus": status}]
        found = self.contacts_of(email)
        for one in found or [self.spelled(email, data)]:
            operation = "UpdateContact" if found else "CreateContact"
            self.world.ses.call(ACCOUNT, REGION, operation, {**request, "EmailAddress": one})

    @rule(rows=ROWS, overwrite=st.booleans(), bucket=st.sampled_from(["b", None]), breaks=BREAKS, data=st.data())
    def sets(self, rows: list[dict[str, Any]], overwrite: bool, bucket: str | None, breaks: Any, data: Any) -> None:
        """By a file: what is refused holds, what is wanted only if it was not refused or that is overwritten."""
        rows = [fitting(row) for row in rows]
        before = dict(self.refused)
        after = before | {row["email"]: self.wanted_by(row, overwrite=overwrite) for row in rows}
        spelled = [{**row, "email": self.spelled(row["email"], data)} for row in rows]
        options = {"bucket": bucket, "overwrite": overwrite, "thorough": self.thorough, **data.draw(SLICES)}
        self.refused = {email: before[email] & after[email] for email in PEOPLE}  # a run that breaks may have set some
        self.run(lambda run_id: setting(self.world, *spelled, run_id=run_id, **options), breaks)
        self.refused = after
        for row in rows:
            assert self.contacts_of(row["email"])
            for topic in row["opt_in"]:
                assert self.gets(row["email"], topic) or self.says_no(row["email"], topic)

    def wanted_by(self, row: dict[str, Any], *, overwrite: bool) -> set[str]:
        """What the person refuses once the row is set."""
        refused = set(self.refused[row["email"]])
        if overwrite and row["opt_in"]:
            refused |= DEFAULTS.keys() if "everything" in refused else set()
            refused -= {"everything", *row["opt_in"]}
        return refused | {*row["opt_out"], *(["everything"] if row.get("unsubscribe_all") else [])}

    @rule(emails=st.lists(WHO, min_size=1, unique=True), breaks=BREAKS, data=st.data())
    def removes(self, emails: list[str], breaks: Any, data: Any) -> None:
        """By a file: whoever refused something stays, so that it is not forgotten."""
        refusing = {email for email in emails if self.says_no(email, *DEFAULTS)}
        assert refusing >= {email for email in emails if self.refused[email] and self.contacts_of(email)}
        spelled = [self.spelled(email, data) for email in emails]
        options = {"thorough": self.thorough, **data.draw(SLICES)}
        run_id = self.run(lambda run_id: removing(self.world, *spelled, run_id=run_id, **options), breaks)
        assert {email for email in emails if self.contacts_of(email)} == refusing
        if f"backups/acme/{run_id}/backup.json" in self.world.objects.written:
            self.backups.append(run_id)

    @rule(emails=st.lists(WHO, min_size=1, unique=True), roles=st.booleans(), sync=st.booleans(), data=st.data())
    def imports(self, emails: list[str], roles: bool, sync: bool, data: Any) -> None:
        """From Identity Center."""
        people = with_people(
            self.world,
            *(self.spelled(email, data) for email in emails),
            roles={"dba": [f"u{number}" for number in range(len(emails))]} if roles else None,
        )
        self.run(lambda run_id: importing(self.world, people, run_id=run_id, sync_topics=sync), None)

    @rule()
    def saves(self) -> None:
        """The whole list."""
        self.backups.append(
            self.run(lambda run_id: self.world.run(backup_list.run, BackupListParams(), run_id=run_id), None)
        )

    @precondition(lambda self: self.backups)
    @rule(data=st.data(), breaks=BREAKS)
    def restores(self, data: Any, breaks: Any) -> None:
        """Anything that was saved."""
        backup = data.draw(st.sampled_from(self.backups))
        params = RestoreListParams(backup=backup)
        self.run(lambda run_id: self.world.run(restore_list.run, params, run_id=run_id), breaks)

    @invariant()
    def check(self) -> None:
        """Nobody gets what they do not want, whatever ran, and however it broke."""
        for email in PEOPLE:
            for topic in DEFAULTS:
                assert not (self.gets(email, topic) and self.does_not_want(email, topic)), (email, topic)


class AnyCase(Wishes):
    """Everybody's address is written in every way, and the list is read whole."""

    spellings = (str, str.title, str.upper)
    thorough = True


@pytest.mark.parametrize("machine", [Wishes, AnyCase])
def test_no_sequence_of_runs_subscribes_anybody_against_their_choice(
    machine: type[Wishes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages hold two contacts, so that people are looked up in both ways."""
    monkeypatch.setattr(limits, "SES_PAGE_SIZE", 2)
    wanted = settings(
        max_examples=60,
        stateful_step_count=12,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(machine, settings=wanted)
