"""What people want, and what sequences of runs make of it: no run subscribes anybody against their choice.

The model knows nothing of contacts. Of each person it knows what they refused last, and compares that with whether
they would get a topic's mail now. People choose by themselves between runs; runs set, remove, import, restore and
erase, some of them are killed or hear no answer, and are run again.

Who was erased is in no list until they are un-erased, whatever runs; unless they sign up by themselves. That is a new
wish: what they refused before is forgotten, and what they say now is theirs alone. So no run but one that removes or
erases them changes anything of it. Who signs up while they are erased is erased, or has come back if it was too late.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ses_fleet import limits
from ses_fleet.actions.params import BackupListParams, EraseContactParams, RestoreListParams, UnEraseParams
from ses_fleet.aws import secrets
from ses_fleet.errors import AwsCallError
from ses_fleet.worker.actions import backup_list, erase_contact, restore_list, un_erase
from ses_fleet.worker.context import ActionContext, More, Outcome, State
from tests.unit.worker.imports import contacts, importing, meanwhile, with_people
from tests.unit.worker.people_rows import give, removing, setting
from tests.unit.worker.world import ACCOUNT, REGION, Fault, Finished, KilledError, World, done_with

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


States = dict[str, tuple[dict[str, str], bool]]
LEDGER = "backups/identity/acme.json"


class Secret:
    """The secret by whose keys erased people are remembered; the last key is the current one."""

    keys: tuple[str, ...] = ()

    @classmethod
    def text(cls, _region: str, _secret: str) -> str:
        """What Secrets Manager answers."""
        made = {key: base64.b64encode(key.encode().ljust(32)).decode() for key in cls.keys}
        return json.dumps({"current": cls.keys[-1], "keys": made})


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
        changes = {"import_job_threshold": 1, "erasure_secret": "ses-fleet/erasure"}
        self.world.settings = self.world.settings.model_copy(update=changes)
        Secret.keys = ("k0",)
        meanwhile(self.world, self.somebody_signs_up)
        self.refused: dict[str, set[str]] = {email: set() for email in PEOPLE}  # topics, and `everything`
        self.erased: dict[str, States] = {}  # and the contacts with which they have come back by themselves
        self.suppressed: set[str] = set()
        self.found: tuple[list[str], State] | None = None  # an erasure whose first phase is over
        self.signs_up: tuple[int, str] | None = None  # who does so after how many calls from now
        self.backups: list[str] = []
        self.runs = 0

    def spelled(self, email: str, data: st.DataObject) -> str:
        """The address as somebody writes it this time."""
        return data.draw(st.sampled_from(self.spellings))(email)

    def contacts_of(self, email: str) -> list[str]:
        """The person's contacts: only a restore makes a second one, under another case."""
        return [one for one in contacts(self.world) if one.casefold() == email]

    def states_of(self, email: str) -> States:
        """The same with what they say."""
        there = contacts(self.world)
        return {one: there[one] for one in self.contacts_of(email)}

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

    def run(self, act: Callable[[str], Finished], breaks: Any, *, deletes: bool = False) -> Finished:
        """Run an action, again if its first attempt breaks; how the run ended that came to its end."""
        before = {email: self.states_of(email) for email in self.erased}
        done = self.attempts(act, breaks)
        assert done.failure is None, done.failure
        assert deletes or before == {email: self.states_of(email) for email in self.erased}
        return done

    def attempts(self, act: Callable[[str], Finished], breaks: Any) -> Finished:
        """The same without a look at what it did."""
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
        return act(f"run-{self.runs}")

    @initialize(emails=st.lists(WHO, unique=True), data=st.data())
    def begins(self, emails: list[str], data: st.DataObject) -> None:
        """These are there and saved, and want everything; one of them complains."""
        wanted = [{"TopicName": topic, "SubscriptionStatus": "OPT_IN"} for topic in DEFAULTS]
        for email in emails:
            request = {"ContactListName": "main", "TopicPreferences": wanted}
            spelled = self.spelled(email, data)
            self.world.ses.call(ACCOUNT, REGION, "CreateContact", {**request, "EmailAddress": spelled})
        if emails:
            self.saves()
            self.complains(emails[0], data)

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
        self.note_who_came_back(email)

    def note_who_came_back(self, *emails: str) -> None:
        """What an erased person's contacts say now is what they want."""
        self.erased |= {email: self.states_of(email) for email in emails if email in self.erased}

    @rule(rows=ROWS, overwrite=st.booleans(), bucket=st.sampled_from(["b", None]), breaks=BREAKS, data=st.data())
    def sets(self, rows: list[dict[str, Any]], overwrite: bool, bucket: str | None, breaks: Any, data: Any) -> None:
        """By a file: what is refused holds, what is wanted only if it was not refused or that is overwritten."""
        rows = [fitting(row) for row in rows]
        before = dict(self.refused)
        heard = [row for row in rows if row["email"] not in self.erased]
        after = before | {row["email"]: self.wanted_by(row, overwrite=overwrite) for row in heard}
        spelled = [{**row, "email": self.spelled(row["email"], data)} for row in rows]
        options = {"bucket": bucket, "overwrite": overwrite, "thorough": self.thorough, **data.draw(SLICES)}
        self.refused = {email: before[email] & after[email] for email in PEOPLE}  # a run that breaks may have set some
        done = self.run(lambda run_id: setting(self.world, *spelled, run_id=run_id, **options), breaks)
        assert done.data["erased_before"] == len(rows) - len(heard)
        self.refused = after
        for row in heard:
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
        self.run(lambda run_id: removing(self.world, *spelled, run_id=run_id, **options), breaks, deletes=True)
        assert {email for email in emails if self.contacts_of(email)} == refusing
        self.note_who_came_back(*emails)
        if f"backups/acme/run-{self.runs}/backup.json" in self.world.objects.written:
            self.backups.append(f"run-{self.runs}")

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
        self.run(lambda run_id: self.world.run(backup_list.run, BackupListParams(), run_id=run_id), None)
        self.backups.append(f"run-{self.runs}")

    @precondition(lambda self: self.backups)
    @rule(data=st.data(), breaks=BREAKS)
    def restores(self, data: Any, breaks: Any) -> None:
        """Anything that was saved."""
        backup = data.draw(st.sampled_from(self.backups))
        params = RestoreListParams(backup=backup)
        self.run(lambda run_id: self.world.run(restore_list.run, params, run_id=run_id), breaks)

    @rule(email=WHO, data=st.data())
    def complains(self, email: str, data: st.DataObject) -> None:
        """About mail to one of their contacts: SES puts that address on the suppression list."""
        there = self.contacts_of(email)
        if there:
            request = {"EmailAddress": data.draw(st.sampled_from(there)), "Reason": "COMPLAINT"}
            self.world.ses.call(ACCOUNT, REGION, "PutSuppressedDestination", request)
            self.suppressed = self.on_suppression_list()

    @rule(emails=st.lists(WHO, min_size=1, max_size=3, unique=True), data=st.data())
    def finds(self, emails: list[str], data: Any) -> None:
        """The first phase of an erasure, which writes nothing; the second one comes some time later, or never."""
        spelled = [self.spelled(email, data) for email in emails]
        kept: State = {}

        def first_phase(context: ActionContext, params: EraseContactParams, state: State) -> Outcome:
            outcome = erase_contact.run(context, params, state)
            if not (isinstance(outcome, More) and outcome.phase_over):
                return outcome
            kept.update(json.loads(json.dumps(outcome.state)))
            return done_with({})

        give(self.world, "person", *spelled)
        before = dict(self.world.objects.written), contacts(self.world)
        options = data.draw(SLICES)
        self.run(lambda run_id: self.world.run(first_phase, EraseContactParams(), run_id=run_id, **options), None)
        assert before == (self.world.objects.written, contacts(self.world))
        self.found = spelled, kept

    @precondition(lambda self: self.found)
    @rule(
        suppression=st.sampled_from(["keep", "erase"]),
        breaks=BREAKS,
        signs_up=st.none() | st.tuples(st.integers(1, 24), WHO),
        data=st.data(),
    )
    def erases(self, suppression: Any, breaks: Any, signs_up: Any, data: Any) -> None:
        """The second phase; if it breaks, a run of both. Somebody may sign up meanwhile, whoever it is."""
        assert self.found is not None
        (spelled, kept), self.found = self.found, None
        emails = [email.casefold() for email in spelled]
        were_there = {email for email in emails if self.contacts_of(email)}
        options, states = data.draw(SLICES), [kept]
        give(self.world, "person", *spelled)

        def act(run_id: str) -> Finished:
            begun = states.pop() if states else {}

            def both_phases(context: ActionContext, params: EraseContactParams, state: State) -> Outcome:
                return erase_contact.run(context, params, state or begun)

            return self.world.run(both_phases, EraseContactParams(suppression=suppression), run_id=run_id, **options)

        self.signs_up = None if signs_up is None else (len(self.world.asked) + signs_up[0], signs_up[1])
        done = self.run(act, breaks, deletes=True)
        self.signs_up = None
        for email, person in zip(emails, done.data["people"], strict=True):
            came_back = signs_up is not None and signs_up[1] == email
            assert came_back or not self.contacts_of(email), email
            if breaks is None and not came_back:
                assert person["outcome"] == ("erased" if email in were_there else "was_absent")
            if not self.contacts_of(email):
                self.refused = {**self.refused, email: set()}
        self.erased |= {email: {} for email in emails}
        self.note_who_came_back(*emails)
        assert self.kept_out() == len(emails)
        before, self.suppressed = self.suppressed, self.on_suppression_list()
        if suppression == "keep":
            assert self.suppressed == before
        else:
            asked = {f"{email.partition('@')[0]}@corp.example" for email in spelled}  # domains have no case there
            assert not self.suppressed & asked
            assert {one for one in before if one.casefold() not in emails} <= self.suppressed

    def on_suppression_list(self) -> set[str]:
        """Every address of it."""
        listed = self.world.ses.call(ACCOUNT, REGION, "ListSuppressedDestinations", {})
        return {one["EmailAddress"] for one in listed["SuppressedDestinationSummaries"]}

    def somebody_signs_up(self, _operation: str) -> None:
        """After the call that was chosen, unless they are in the list: without a contact there is no earlier wish."""
        if self.signs_up is None or len(self.world.asked) < self.signs_up[0]:
            return
        (_, email), self.signs_up = self.signs_up, None
        if self.contacts_of(email):
            return
        self.world.ses.call(ACCOUNT, REGION, "CreateContact", {"ContactListName": "main", "EmailAddress": email})
        self.refused = {**self.refused, email: set()}
        self.note_who_came_back(email)

    @precondition(lambda self: self.erased)
    @rule(emails=st.lists(WHO, min_size=1, unique=True), data=st.data())
    def un_erases(self, emails: list[str], data: Any) -> None:
        """They may be added again; nobody comes back by that."""
        give(self.world, "person", *(self.spelled(email, data) for email in emails))
        lifted = [email for email in emails if email in self.erased]
        params = UnEraseParams(ticket="T-1")
        done = self.run(lambda run_id: self.world.run(un_erase.run, params, run_id=run_id), None)
        assert done.data == {"lifted": len(lifted), "was_not_erased": len(emails) - len(lifted)}
        self.erased = {email: states for email, states in self.erased.items() if email not in lifted}
        assert self.kept_out() == 0

    def kept_out(self) -> int:
        """How many of the people who were just given are kept out of the list."""
        params = UnEraseParams(ticket="T-1")
        done = self.run(lambda run_id: self.world.run(un_erase.run, params, run_id=run_id, dry_run=True), None)
        return int(done.data["lifted"])

    @rule()
    def gets_another_key(self) -> None:
        """Who was erased under an earlier one stays erased."""
        Secret.keys = (*Secret.keys, f"k{len(Secret.keys)}")

    @invariant()
    def check(self) -> None:
        """Nobody gets what they do not want or comes back once they are erased, whatever ran, and however it broke."""
        remembered = json.loads(self.world.objects.written.get(LEDGER, b'{"addresses": []}'))["addresses"]
        for email, came_back in self.erased.items():
            assert all(came_back.get(one) == state for one, state in self.states_of(email).items()), email
            assert email not in remembered
        for email in PEOPLE:
            for topic in DEFAULTS:
                assert not (self.gets(email, topic) and self.does_not_want(email, topic)), (email, topic)


class AnyCase(Wishes):
    """Everybody's address is written in every way, and the list is read whole."""

    spellings = (str, str.title, str.upper)
    thorough = True


@pytest.mark.parametrize("machine", [Wishes, AnyCase])
@pytest.mark.parametrize(
    ("examples", "steps"),
    [(80, 14), pytest.param(300, 40, marks=[pytest.mark.matrix, pytest.mark.timeout(1_800)])],
)
def test_no_sequence_of_runs_subscribes_anybody_against_their_choice_or_brings_back_who_was_erased(
    machine: type[Wishes], examples: int, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages hold two contacts, so that people are looked up in both ways."""
    monkeypatch.setattr(limits, "SES_PAGE_SIZE", 2)
    monkeypatch.setattr(secrets, "read", Secret.text)
    wanted = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(machine, settings=wanted)
