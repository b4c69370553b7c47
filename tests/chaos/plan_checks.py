"""What must hold where saved plans are applied: what was written, compared with the plan's own files, and what was not.

Each check yields a line for every promise that it finds broken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.chaos import deeds
from tests.chaos.cloud import STALE_PERCENT, account
from tests.chaos.run import STALE, Evidence, RunSeen
from tests.chaos.saved_plans import PlannedPerson, Saved, State, topics_of
from tests.chaos.witness import JOB, Contents, Invocation, Person, SesCall

_OF_CONTACTS = ("CreateContact", "UpdateContact", "DeleteContact")
_OF_LISTS = ("CreateContactList", "UpdateContactList")
_GIVEN = "OPT_IN"


def violations(seen: Evidence) -> list[str]:
    """Return every promise about saved plans that this scenario broke."""
    found = [f"applied_once: {text}" for text in applied_once(seen)]
    found += [f"undisturbed: {text}" for text in undisturbed(seen)]
    for run in _applying(seen):
        for check in (keeps_to_the_plan, written_once, left_out_is_told, left_out_for_a_reason, stale, as_planned):
            found += [f"{check.__name__}: {run.run_id}: {text}" for text in check(seen, run)]
    return list(dict.fromkeys(found))


# --- what was written


def keeps_to_the_plan(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """Each write is a change of the plan, whole, and made from the state that the plan was made from."""
    owners = deeds.owners(seen)
    for call in seen.calls:
        who = owners.get(call.caller)
        if who is None or who[1] != run.run_id or not (call.wrote or call.operation == JOB):
            continue
        saved = _saved(seen, run, who[0])
        if saved is None:
            found: Iterator[str] = iter(["the plan has nothing for this customer"])
        elif saved.kind == "topics":
            found = _topics_beside(seen, call, saved)
        elif call.operation in _OF_CONTACTS:
            found = _contact_beside(seen, call, saved, who)
        elif call.operation == JOB:
            found = _job_beside(seen, call, saved, who)
        else:
            found = iter(() if call.operation == "CreateImportJob" else ["a plan of people changes no list"])
        for text in found:
            yield f"{who[0]}: {call.operation}: {text}"


def _topics_beside(seen: Evidence, call: SesCall, saved: Saved) -> Iterator[str]:
    if call.operation not in _OF_LISTS:
        yield "a plan of topics changes no contacts"
        return
    sent = topics_of({one["TopicName"]: one for one in call.params["Topics"]})
    if sent != saved.after:
        yield f"the plan has {saved.after}, written were {sent}"
    if saved.before not in [topics_of(one.topics) for one in _as_read(seen, call, "GetContactList")]:
        yield f"the plan was made from {saved.before}, and the list was {topics_of(call.before.topics)}"


def _contact_beside(seen: Evidence, call: SesCall, saved: Saved, who: tuple[str, str]) -> Iterator[str]:
    email = call.params["EmailAddress"]
    planned = saved.changes.get(email)
    if planned is None:
        yield f"the plan lacks {email}"
        return
    after = _state(call.after.people.get(email))
    bases = [_state(one.people.get(email)) for one in _as_read(seen, call, "GetContact", email)]
    if call.operation == "CreateContact":
        bases = [{}]
        yield from _given_more(seen, saved, who, call.seq, email)
    if not any(_is_planned(planned, call.operation, before, after) for before in bases):
        yield f"the plan has {planned} for {email}, who was {bases[0]} when read and became {after}"


def _job_beside(seen: Evidence, call: SesCall, saved: Saved, who: tuple[str, str]) -> Iterator[str]:
    """Compare whom an import job made. Who came after the last reading before its start may be overwritten by it."""
    before, after = call.before.people, call.after.people
    made = [one for one in seen.calls if one.seq < call.seq and one.operation == "CreateImportJob"]
    start = next(one for one in reversed(made) if one.caller == call.caller and one.wrote)
    for email in {*before, *after}:
        if before.get(email) == after.get(email):
            continue
        planned = saved.changes.get(email)
        if planned is None or not _is_planned(planned, "CreateContact", {}, _state(after.get(email))):
            yield f"the plan has {planned} for {email}, who was {before.get(email)} and became {after.get(email)}"
        if email in before and all(email in one.people for one in _as_read(seen, start, "ListContacts")):
            yield f"{email} was in the list when it was read, and was overwritten"
        yield from _given_more(seen, saved, who, start.seq, email)


def _is_planned(planned: PlannedPerson, operation: str, before: State, after: State) -> bool:
    """Return whether this is the planned change, or what of it was left to do."""
    kinds = {"CreateContact": "create", "UpdateContact": "update", "DeleteContact": "remove"}
    differs = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    if planned.kind == "remove" and "attributes" not in planned.what:
        differs.discard("attributes")
    return (
        kinds[operation] == planned.kind
        and all(planned.what.get(name) == (before.get(name), after.get(name)) for name in differs)
        and _is_made(planned, after)
    )


def _is_made(planned: PlannedPerson, now: State) -> bool:
    if planned.kind == "remove" or not now:
        return not now and planned.kind == "remove"
    return all(now.get(name) == after for name, (_, after) in planned.what.items())


def _given_more(seen: Evidence, saved: Saved, who: tuple[str, str], seq: int, email: str) -> Iterator[str]:
    """Look whether somebody is created in a list that gave more topics to all than the plan shows, when it was read."""
    owners = deeds.owners(seen)
    reads = [
        one
        for one in seen.calls
        if one.operation == "GetContactList" and one.seq < seq and owners.get(one.caller) == who
    ]
    shown = [_given(one) for one in _shown(seen, reads[-1])] if reads else []
    if shown and not any(given <= saved.given_to_all for given in shown):
        yield f"{email} gets {sorted(shown[-1])}, and the plan shows {sorted(saved.given_to_all)}"


def _given(now: Contents) -> set[str]:
    return {name for name, topic in now.topics.items() if topic["DefaultSubscriptionStatus"] == _GIVEN}


def written_once(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """No run makes a change of its plan twice."""
    calls = [call for call in deeds.writes(seen, run) if call.operation in (*_OF_CONTACTS, *_OF_LISTS)]
    times = Counter((deeds.code_of(call), call.params.get("EmailAddress")) for call in calls)
    for (code, email), found in times.items():
        if found > 1:
            yield f"{email or 'the list'} of {code} was written {found} times"


def applied_once(seen: Evidence) -> Iterator[str]:
    """One run applies a plan, each such run is resumed by one, and nobody gets again what is done."""
    starts = Counter((run.plan["request"]["plan"], run.plan["request"].get("resumes")) for run in _applying(seen))
    for (plan, resumes), times in starts.items():
        if times > 1:
            yield f"{plan} is applied by {times} runs{f' that resume {resumes}' if resumes else ''}"
    done: set[tuple[str, str]] = set()
    for run in _applying(seen):
        plan = run.plan["request"]["plan"]
        for code in sorted(
            {str(one.customer) for one in seen.invocations if one.run_id == run.run_id and one.customer}
        ):
            if (plan, code) in done:
                yield f"{run.run_id} was for {code}, for whom {plan} was applied"
        done |= {(plan, one["customer_code"]) for one in deeds.results(run) if one["status"] == "successful"}


# --- what was not written


def left_out_is_told(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """Who at no moment of the run is as the plan leaves them is counted as left out, or was refused by SES."""
    for result in deeds.results(run):
        code = result["customer_code"]
        saved, told = _saved(seen, run, code), (result["data"] or {}).get("left_out")
        if saved is None or saved.kind != "people" or told is None:
            continue
        states = _meanwhile(seen, code, _slices(seen, run, result))
        unmade = {
            email
            for email, planned in saved.changes.items()
            if not any(_is_made(planned, _state(now.people.get(email))) for now in states)
        }
        named, refused = run.left_out[code], run.refused[code]
        if forgotten := sorted(unmade - named - refused):
            yield f"{forgotten} of {code} were left out, and nobody says so: named are {sorted(named)}"
        if told < len(unmade - refused) or told < len(named - refused):
            yield f"{code} says that {told} were left out; it were {sorted(unmade)}, named are {sorted(named)}"


def left_out_for_a_reason(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """Only who was changed by others since the plan was made, or whose list's topics were, is left out."""
    for code, emails in run.left_out.items():
        others = _others_since_plan(seen, run, code)
        if any(call.operation in (*_OF_LISTS, JOB) for call in others):
            continue
        touched = {call.params.get("EmailAddress") for call in others}
        if wrongly := sorted(emails - touched - _of_unknown_age(seen, _saved(seen, run, code))):
            yield f"{wrongly} of {code} were left out, and nobody changed them"


def stale(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """A customer fails with PlanStale only where much was changed by others, and what it says of its writes is true."""
    for result in deeds.results(run):
        code, error = result["customer_code"], result["error"] or {}
        saved = _saved(seen, run, code)
        if error.get("type") != STALE or saved is None:
            continue
        wrote = [call for call in deeds.writes(seen, run) if call.account == account(code)]
        if wrote and "nothing was written" in error["message"]:
            yield f"{code} says that nothing was written, and wrote {deeds.named(wrote)}"
        if not (_others_since_plan(seen, run, code) or _of_unknown_age(seen, saved)):
            yield f"{code} is stale, and nobody changed its list: {error['message']}"
        differing = len(run.left_out[code] & saved.changes.keys())
        if saved.kind == "people" and differing * 100 <= STALE_PERCENT * len(saved.changes):
            yield f"{code} is stale with {differing} of {len(saved.changes)} changes left out"


def as_planned(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """A list whose customer is successful has the topics of its plan, unless others changed them meanwhile."""
    for result in deeds.results(run):
        code = result["customer_code"]
        saved = _saved(seen, run, code)
        if saved is None or saved.kind != "topics" or result["status"] != "successful":
            continue
        slices = _slices(seen, run, result)
        after = slices[-1].after if slices else None
        others = [call for call in _others_since_plan(seen, run, code) if call.operation in _OF_LISTS]
        if not others and (after is None or topics_of(after.topics) != saved.after):
            yield f"{code} is successful with {after and after.topics}, and the plan has {saved.after}"


def undisturbed(seen: Evidence) -> Iterator[str]:
    """Where nobody else does anything, a plan is applied whole, and another dry run has nothing left to do."""
    if seen.undisturbed is None:
        return
    applying, dry_run = (seen.runs.get(run_id) for run_id in seen.undisturbed)
    if applying is None or dry_run is None:
        yield f"{seen.undisturbed} did not begin"
        return
    for result in deeds.results(applying):
        code = result["customer_code"]
        if _of_unknown_age(seen, _saved(seen, applying, code)):
            continue
        if result["status"] != "successful" or (result["data"] or {}).get("left_out"):
            yield f"{applying.run_id}: {code} is {result['status']} {result['error'] or result['data']}"
        if code in dry_run.saved and not dry_run.saved[code].is_empty:
            yield f"{dry_run.run_id} has left for {code}: {dry_run.saved[code]}"


# --- whose, and when


def reviewed(seen: Evidence, call: SesCall, email: str) -> bool:
    """Whether a plan shows that this write overwrites a refusal, and nobody changed the contact since."""
    who = deeds.owner_of(seen, call)
    run = None if who is None else seen.runs.get(who[1])
    if who is None or run is None or not run.plan["request"].get("plan"):
        return False
    saved = _saved(seen, run, who[0])
    if saved is None or email not in saved.changes or not _asked(seen, run)["params"].get("overwrite_unsubscribes"):
        return False
    others = [one for one in _others_since_plan(seen, run, who[0]) if one.seq < call.seq]
    return email not in [one.params.get("EmailAddress") for one in others]


def _of_unknown_age(seen: Evidence, saved: Saved | None) -> set[str]:
    """Return whose refusals a plan overwrites where SES does not always say when they were said: then nobody does."""
    if saved is None or seen.scenario["conditions"]["preset"] == "kind":
        return set()
    return {email for email, planned in saved.changes.items() if _overwrites(planned)}


def _overwrites(planned: PlannedPerson) -> bool:
    return any(
        before == "OPT_OUT" != after or (name == "unsubscribed_all" and before and not after)
        for name, (before, after) in planned.what.items()
    )


def prunes(seen: Evidence, run: RunSeen) -> bool:
    """Return whether a run removes what is not wanted: it says so itself, or the plan that it applies."""
    return bool(_asked(seen, run).get("prune"))


def _asked(seen: Evidence, run: RunSeen) -> dict[str, Any]:
    """Return the request that says what is done: that of the dry run where a plan is applied."""
    plan = run.plan["request"].get("plan")
    return dict((run if plan is None else seen.runs[plan]).plan["request"])


def _applying(seen: Evidence) -> list[RunSeen]:
    """Return the runs that apply plans, in their order."""
    return [run for run in seen.runs.values() if run.plan["request"].get("plan")]


def _saved(seen: Evidence, run: RunSeen, code: str) -> Saved | None:
    return seen.runs[run.plan["request"]["plan"]].saved.get(code)


def _state(person: Person | None) -> State:
    if person is None:
        return {}
    topics = {f"topic:{name}": status for name, status in person.preferences.items()}
    return {**topics, "unsubscribed_all": person.unsubscribed, "attributes": person.attributes}


def _as_read(seen: Evidence, call: SesCall, operation: str, email: str | None = None) -> list[Contents]:
    """Return the list as whoever made this call may have read it last, and as it was from then until the call."""
    reads = [
        one
        for one in seen.calls
        if one.seq < call.seq
        and one.caller == call.caller
        and one.account == call.account
        and one.operation == operation
        and one.params.get("EmailAddress") == email
    ]
    if not reads:
        return [call.before]
    later = [one for one in seen.calls if one.account == call.account and reads[-1].seq < one.seq <= call.seq]
    return [*_shown(seen, reads[-1]), *(one.before for one in later)]


def _shown(seen: Evidence, read: SesCall) -> list[Contents]:
    """Return the list as this read may have shown it: as it was then, or so much earlier as reads may lag."""
    since = read.at - deeds.lag(seen)
    earlier = [one for one in seen.calls if one.account == read.account and since <= one.at and one.seq < read.seq]
    return [read.after, *(one.before for one in earlier)]


def _slices(seen: Evidence, run: RunSeen, result: dict[str, Any]) -> list[Invocation]:
    """Return the workers that this result is of, also of the run that it went on with."""
    began = seen.runs.get(result["work_of"] or "", run)
    runs = [one for one in _applying(seen) if one.plan["request"]["plan"] == run.plan["request"]["plan"]]
    names = [one.run_id for one in runs]
    mine = names[names.index(began.run_id) : names.index(run.run_id) + 1]
    return [one for one in seen.invocations if one.customer == result["customer_code"] and one.run_id in mine]


def _meanwhile(seen: Evidence, code: str, slices: list[Invocation]) -> list[Contents]:
    """Return all that a customer's list was while these workers ran."""
    if not slices:
        return []
    first, last = slices[0].began - deeds.lag(seen), slices[-1].ended or float("inf")
    calls = [one for one in seen.calls if one.account == account(code) and first <= one.at <= last]
    ends = [one.after for one in slices if one.after is not None]
    return [*(one.before for one in calls), *(one.after for one in calls), *ends]


def _others_since_plan(seen: Evidence, run: RunSeen, code: str) -> list[SesCall]:
    """Return what others wrote to a customer's list since the plan that this run applies was made from it."""
    plan = run.plan["request"]["plan"]
    family = {one.run_id for one in _applying(seen) if one.plan["request"]["plan"] == plan}
    owners = deeds.owners(seen)
    made = [one.began for one in deeds.sent_to(seen, seen.runs[plan], code)]
    since = min(made, default=0.0) - deeds.lag(seen)
    return [
        call
        for call in seen.calls
        if call.account == account(code)
        and call.at >= since
        and (call.wrote or call.operation == JOB)
        and owners.get(call.caller, ("", ""))[1] not in family
    ]
