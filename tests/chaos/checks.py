"""What must hold of every scenario, checked against what really happened and never against what ses-fleet says.

Each check yields a line for every promise that it finds broken.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from strict_aws.journal import Entry
from tests.chaos import deeds, plan_checks
from tests.chaos.cloud import LEAVING, NEW, STAYING, account
from tests.chaos.run import Evidence, Look, RunSeen
from tests.chaos.witness import JOB, PERSON, WRITES, Contents, Invocation, Person, SesCall, Stored
from tests.local_cloud.conftest import WORKER

MUTATING = ("manage-topic", "restore-list", "restore-topics", "import-aws-contact", "set-contacts")
LOST = "OrchestratorLost"
FINAL = ("successful", "failed", "skipped")


def violations(seen: Evidence) -> list[str]:
    """Return every promise that this scenario broke."""
    found = list(seen.problems)
    for run in seen.runs.values():
        for check in _OF_A_RUN:
            found += [f"{check.__name__}: {run.run_id}: {text}" for text in check(seen, run)]
    for whole in (their_word, topics_of_others, no_write_twice, dry_runs, one_more_run, shown, commands, one_writer):
        found += [f"{whole.__name__}: {text}" for text in whole(seen)]
    return [*dict.fromkeys(found), *plan_checks.violations(seen)]


# --- accounting


def accounted_once(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """One Summary; every selected customer once in it, in the plan's order; every stored result is the same."""
    writes = sum(one.method == "PUT" and one.key == f"runs/{run.run_id}/summary.json" for one in seen.stored)
    if run.summary is None:
        return
    if writes != 1:
        yield f"summary.json was written {writes} times"
    results = run.summary["results"]
    selected = [one["customer_code"] for one in run.plan["customers"]]
    if [one["customer_code"] for one in results] != selected:
        yield f"its results are of {[one['customer_code'] for one in results]}, selected were {selected}"
    yield from _counts(run.summary)
    told = "\n".join(run.summary["warnings"])
    for result in results:
        code = result["customer_code"]
        stored = run.results.get(code)
        if stored is None and f"the result of {code} could not be stored" not in told:
            yield f"{code} has no stored result and no warning says so"
        elif stored is not None and (stored["status"], stored["error"]) != (result["status"], result["error"]):
            yield f"{code} is {result['status']} {result['error']}, stored is {stored['status']} {stored['error']}"


def _counts(summary: dict[str, Any]) -> Iterator[str]:
    counts = Counter(result["status"] for result in summary["results"])
    for status in ("successful", "failed", "skipped", "not_started", "under_way"):
        if summary[f"{status}_count"] != counts[status]:
            yield f"{status}_count is {summary[f'{status}_count']}, not {counts[status]}"
    bad = counts["failed"] + counts["not_started"]
    if summary["exit_code"] != (1 if bad else 0) or counts["under_way"]:
        yield f"exit_code {summary['exit_code']} with {dict(counts)}"


def never_begun(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """not_started and skipped are only those for whom nothing was done: at most a worker found the list in use.

    Whether an import job uses it only SES can say, so looking for one is no work on the list.
    """
    for result in deeds.results(run):
        if result["status"] not in ("not_started", "skipped"):
            continue
        code = result["customer_code"]
        begun = [one for one in deeds.sent_to(seen, run, code) if not deeds.only_waited(one)]
        # In its own account: what reads people of an Identity Center has the name of the first customer.
        calls = [one for one in seen.journal if one.account == account(code) and one.operation != "ListImportJobs"]
        called = [entry for entry in calls if deeds.owner(entry.principal) == (code, run.run_id)]
        if begun or called:
            yield f"{code} is {result['status']}: {len(begun)} workers ran for it, {len(called)} calls were made"


def sent_once(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """No slice is sent to a worker again, and a customer has one worker at a time."""
    for customer in run.plan["customers"]:
        sent = deeds.sent_to(seen, run, customer["customer_code"])
        slices = Counter(json.dumps(one.event.get("continuation"), sort_keys=True) for one in sent)
        for times in slices.values():
            if times > 1:
                yield f"a slice of {customer['customer_code']} was sent {times} times"
        for one, other in itertools.pairwise(sent):
            if other.began < (one.ended or float("inf")) - 0.05:
                yield f"two workers ran for {customer['customer_code']} at once"


def nothing_after_the_end(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """No worker starts after the Summary. Only one of whom nobody heard may still write, or be on its way to Lambda."""
    end = next(
        (one for one in seen.stored if one.method == "PUT" and one.key.endswith(f"{run.run_id}/summary.json")), None
    )
    if end is None:
        return
    unknown = {one["customer_code"] for one in deeds.results(run) if (one["error"] or {}).get("outcome_unknown")}
    late = [one for one in deeds.workers(seen, run) if one.seq > end.seq]
    on_their_way = _on_their_way(seen, end)
    for number, sent in enumerate(late, 1):
        if sent.customer not in unknown or number > on_their_way:
            yield f"a worker was sent for {sent.customer} after the Summary"
    for call in deeds.writes(seen, run):
        if call.seq > end.seq and deeds.code_of(call) not in unknown:
            yield f"{call.operation} for {deeds.code_of(call)} after the Summary, which does not say that it may"


def _on_their_way(seen: Evidence, end: Stored) -> int:
    """Return how many requests of orchestrators, of any run, had not reached a worker when this was stored."""
    at = deeds.iso(end.at)
    sent = [one for one in seen.journal if one.operation == "Invoke" and one.environment is not None]
    asked = [one for one in sent if one.started_at < at < one.ended_at]
    busy = [one for one in seen.invocations if one.seq < end.seq and (one.ended or float("inf")) > end.at]
    return len(asked) - sum(one.function == WORKER for one in busy)


# --- failures that are borne, and stages


def bounded(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """In a strict run those who failed and those who still may are never more than are allowed to fail."""
    if not run.plan["strict"]:
        return
    allowed = run.plan["failures_allowed"]
    sent = deeds.workers(seen, run)
    for one in sent:
        at_risk = _at_risk(seen, run, sent, one)
        if len(at_risk) > allowed:
            yield f"{one.customer} was started with {sorted(at_risk)} at risk, and {allowed} may fail"
    started = {one.customer for one in sent}
    failed = [
        one["customer_code"]
        for one in deeds.results(run)
        if one["status"] == "failed" and (one["customer_code"] in started or one["error"]["type"] == LOST)
    ]
    if len(failed) > allowed:
        yield f"{failed} failed, and {allowed} may"


def _at_risk(seen: Evidence, run: RunSeen, sent: list[Invocation], now: Invocation) -> set[str]:
    """Return who was sent until now, or lost without being sent, and has no stored result that is no failure."""
    stored = _stored_before(seen, run, now.seq)
    lost = {code for code, one in stored.items() if (one["error"] or {}).get("type") == LOST}
    begun = {
        str(one.customer)
        for one in sent
        if one.seq <= now.seq and not (deeds.only_waited(one) and (one.ended or float("inf")) < now.began)
    }
    return lost | {code for code in begun if code not in stored or stored[code]["status"] == "failed"}


def in_stages(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """Nobody is sent before all of the stages before have their stored results, which are good enough."""
    stages = _stages(run)
    for one in deeds.workers(seen, run):
        number = next((number for number, stage in enumerate(stages) if one.customer in stage), 0)
        stored = _stored_before(seen, run, one.seq)
        missed = 0
        for stage in stages[:number]:
            statuses = [stored[code]["status"] if code in stored else None for code in stage]
            missed += sum(status in ("failed", "not_started") for status in statuses)
            if None in statuses or "successful" not in statuses or missed > run.plan["failures_allowed"]:
                yield f"{one.customer} of stage {number + 1} was sent, and {list(stage)} were {statuses}"


def told_where(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """The Summary and `runs show` say at which stage the run is: that of whoever was sent last, never less."""
    stages = _stages(run)
    looks = [one for one in seen.looks if one.run_id == run.run_id]
    said = [(one.seq, one.at_stage) for one in looks]
    if run.summary is not None:
        said.append((seen.last_seq, (run.summary["ramp"] or {}).get("at")))
    for (_, before), (_, after) in itertools.pairwise(said):
        if (before or 0) > (after or 0):
            yield f"it was shown at stage {before}, and is at {after} later"
    for seq, at in said:
        codes = {one.customer for one in deeds.workers(seen, run) if one.seq <= seq}
        reached = max((number for number, stage in enumerate(stages, 1) if codes & {*stage}), default=0)
        if (at is None) != (not stages) or (at is not None and not reached <= at <= len(stages)):
            yield f"it is said to be at stage {at} of {len(stages)}, and has reached {reached}"
    if run.summary is not None and stages:
        yield from _stage_wrong(run, stages, run.summary["ramp"]["at"])


def _stage_wrong(run: RunSeen, stages: list[tuple[str, ...]], at: int) -> Iterator[str]:
    """Look whether a run ended at the first stage that did not succeed, or in the last one."""
    statuses = {one["customer_code"]: one["status"] for one in deeds.results(run)}
    missed, expected = 0, len(stages)
    for number, stage in enumerate(stages[:-1], 1):
        found = [statuses[code] for code in stage]
        missed += sum(status in ("failed", "not_started") for status in found)
        if "successful" not in found or missed > run.plan["failures_allowed"]:
            expected = number
            break
    if at != expected:
        yield f"it ended at stage {expected}, and says {at}"


def _stages(run: RunSeen) -> list[tuple[str, ...]]:
    codes = [one["customer_code"] for one in run.plan["customers"]]
    return [tuple(codes[index] for index in stage) for stage in run.plan["ramp"]]


def _stored_before(seen: Evidence, run: RunSeen, seq: int) -> dict[str, dict[str, Any]]:
    """Return the results, by customer, that S3 had before this moment. A result is written once."""
    prefix = f"runs/{run.run_id}/results/"
    there = {one.key for one in seen.stored if one.seq < seq and one.method == "PUT" and one.key.startswith(prefix)}
    return {code: result for code, result in run.results.items() if f"{prefix}{code}.json" in there}


# --- statuses


def true_failures(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """A failure says that its outcome is unknown wherever something was written and nobody heard of it."""
    if deeds.verb(run) not in MUTATING or run.plan["request"]["dry_run"]:
        return
    for result in deeds.results(run):
        code, error = result["customer_code"], result["error"] or {}
        if result["status"] != "failed" or error.get("outcome_unknown"):
            continue
        for sent in deeds.sent_to(seen, run, code):
            wrote = [call for call in deeds.writes(seen, run, sent) if call.account == account(code)]
            if wrote and not _heard(sent, error):
                yield f"{code} failed ({error.get('type')}) as if it was known, and wrote {deeds.named(wrote)}"
        for lost in _lost_writes(seen, run, code):
            yield f"{code} failed ({error.get('type')}) as if it was known; the answer to {lost.operation} was lost"


def _heard(sent: Invocation, error: dict[str, Any]) -> bool:
    """Whether what the worker answered can be what the result says."""
    if not isinstance(sent.answer, dict):
        return False
    if sent.answer.get("continuation") is not None:
        return True
    answered = sent.answer.get("error") or {}
    return bool(answered.get("type") == error.get("type") and answered.get("message") == error.get("message"))


def _lost_writes(seen: Evidence, run: RunSeen, code: str) -> list[Entry]:
    """Return the writing calls for this customer that may have landed, as no answer tells."""
    return [
        entry
        for entry in seen.journal
        if entry.operation in WRITES and deeds.owner(entry.principal) == (code, run.run_id) and _is_unknown(entry)
    ]


def _is_unknown(entry: Entry) -> bool:
    return entry.http_status == 0 or entry.error_code in ("InternalFailure", "InternalError")


def true_successes(seen: Evidence, run: RunSeen) -> Iterator[str]:
    """A customer is successful only when its list is as the action says, apart from what others changed meanwhile."""
    verb = deeds.verb(run)
    if run.plan["request"]["dry_run"]:
        return
    for result in deeds.results(run):
        code = result["customer_code"]
        sent = deeds.sent_to(seen, run, code)
        if result["status"] != "successful":
            continue
        if not sent or sent[-1].after is None:
            yield f"{code} is successful, and no worker ran for it"
            continue
        if not isinstance(sent[-1].answer, dict) or sent[-1].answer.get("error"):
            yield f"{code} is successful, and its worker answered {sent[-1].answer or sent[-1].failed}"
        if run.plan["request"].get("plan"):
            continue  # its list is as the plan says
        others = _others(seen, run, code, sent)
        if verb == "manage-topic":
            yield from _topics_wrong(run, code, sent[-1].after, others)
        elif verb == "import-aws-contact":
            yield from _people_wrong(run, sent[-1].after, others, code, _came_by_themselves(seen, code))
        elif verb in ("list-contacts", "backup-list") and not others:
            yield from _total_wrong(result, sent[-1].after)


def _topics_wrong(run: RunSeen, code: str, after: Contents, others: list[SesCall]) -> Iterator[str]:
    if run.ses_config is None or any(call.operation.endswith("List") for call in others):
        return
    wanted = {one["TopicName"]: one for one in run.ses_config["topics"]}
    for name, topic in wanted.items():
        have = after.topics.get(name)
        fields = ("DisplayName", "DefaultSubscriptionStatus")
        if have is None or any(have[field] != topic[field] for field in fields):
            yield f"{code} is successful, and topic {name} is {have}"
    if run.plan["request"].get("prune") and set(after.topics) - set(wanted):
        yield f"{code} is successful with prune, and has {sorted(after.topics)}"


def _came_by_themselves(seen: Evidence, code: str) -> set[str]:
    """Return who registered in this list without an import, which leaves the topics of those who are there alone."""
    return {
        call.params["EmailAddress"]
        for call in seen.calls
        if call.account == account(code) and call.caller == "person" and call.operation == "CreateContact"
    }


def _people_wrong(
    run: RunSeen, after: Contents, others: list[SesCall], code: str, themselves: set[str]
) -> Iterator[str]:
    touched = {call.params.get("EmailAddress") for call in others}
    if any("Contact" not in call.operation or call.operation.endswith("List") for call in others):
        return  # another run's import job, or a list that was made anew
    missing = [email for email in (*NEW, *STAYING) if email not in after.people and email not in touched]
    if missing:
        yield f"{code} is successful, and {missing} are not in its list"
    new = after.people.get(NEW[0])
    opted = new is None or new.unsubscribed or "calendar" in new.preferences or "calendar" not in after.topics
    if not opted and NEW[0] not in touched | themselves:
        yield f"{code} is successful, and {NEW[0]}, who has the role, is {new}"
    left = after.people.get(LEAVING[0])
    chose = left is None or left.unsubscribed or "OPT_OUT" in left.preferences.values()
    if run.plan["request"].get("prune") and not chose and LEAVING[0] not in touched:
        yield f"{code} is successful with prune, and {LEAVING[0]} is {left}"


def _total_wrong(result: dict[str, Any], after: Contents) -> Iterator[str]:
    total = (result["data"] or {}).get("total")
    if total is not None and total != len(after.people):
        yield f"{result['customer_code']} is successful with {total} contacts, and has {len(after.people)}"


def _others(seen: Evidence, run: RunSeen, code: str, sent: list[Invocation]) -> list[SesCall]:
    """Return what others wrote to the list between the customer's first slice and its last."""
    own = deeds.keys(seen, code, run.run_id)
    first, last = sent[0].began, sent[-1].ended or float("inf")
    lag = deeds.lag(seen)
    return [
        call
        for call in seen.calls
        if call.account == account(code)
        and (call.wrote or call.operation == JOB)
        and call.caller not in own
        and first - lag <= call.at <= last
    ]


# --- people


def their_word(seen: Evidence) -> Iterator[str]:
    """No write of ses-fleet takes back a refusal that it could have seen.

    What somebody decides between the read that decides a write and that write, about one round trip, cannot be seen.
    A write that was sent before without success is no such write: its read is older than a round trip. What was refused
    before a plan was made that overwrites it was reviewed.
    """
    for call in seen.calls:
        if call.caller == PERSON or (call.operation not in WRITES and call.operation != JOB):
            continue
        for email, before in call.before.people.items():
            if not (lost := _taken_back(call, before, call.after.people.get(email))):
                continue
            if not (_was_in_window(seen, call, email) or plan_checks.reviewed(seen, call, email)):
                owner = deeds.owner_of(seen, call)
                yield f"{deeds.code_of(call)}: {call.operation} of {owner} took back {lost} of {email}"


def _taken_back(call: SesCall, before: Person, after: Person | None) -> str:
    """Return which refusal the write took back, or nothing. Who is removed is forgotten, and may be added again."""
    if call.operation == "DeleteContactList":
        return ""
    refused = [
        topic for topic, status in before.preferences.items() if status == "OPT_OUT" and topic in call.after.topics
    ]
    if after is None:
        return "unsubscribing, by removing" if before.unsubscribed else "opting out, by removing" if refused else ""
    if before.unsubscribed and not after.unsubscribed:
        return "unsubscribing"
    changed = [topic for topic in refused if after.preferences.get(topic) != "OPT_OUT"]
    return f"opting out of {changed}" if changed else ""


def _was_in_window(seen: Evidence, call: SesCall, email: str) -> bool:
    """Whether the refusal came after the last read that decided the write, and nothing was sent in between."""
    made = call
    if call.operation == JOB:
        earlier = [one for one in seen.calls if one.seq < call.seq and one.account == call.account]
        made = next((one for one in reversed(earlier) if one.operation == "CreateImportJob" and one.wrote), call)
    reads = [
        one for one in seen.calls if one.seq < made.seq and one.caller == made.caller and one.account == made.account
    ]
    wanted = "ListContacts" if made.operation == "CreateImportJob" else "GetContact"
    reads = [one for one in reads if one.operation == wanted and one.params.get("EmailAddress", email) == email]
    if not reads:
        return False
    read = reads[-1]
    acts = [one for one in seen.calls if one.seq < call.seq and one.caller == PERSON and one.account == call.account]
    word = next((one for one in reversed(acts) if one.params.get("EmailAddress") == email and one.wrote), None)
    if word is None or (word.seq < read.seq and word.at < read.at - deeds.lag(seen)):
        return False
    return not any(
        entry.operation == made.operation and deeds.iso(read.at) < entry.ended_at < deeds.iso(made.at)
        for entry in seen.journal
        if entry.access_key_id == made.caller
    )


def topics_of_others(seen: Evidence) -> Iterator[str]:
    """Without prune no topic is removed, unless it came between the read and the write of one unit."""
    prunes = {run.run_id for run in seen.runs.values() if plan_checks.prunes(seen, run)}
    for call in seen.calls:
        if call.caller == PERSON or call.operation != "UpdateContactList" or call.error:
            continue
        owner = deeds.owner_of(seen, call)
        gone = set(call.before.topics) - set(call.after.topics)
        if not gone or (owner is not None and owner[1] in prunes):
            continue
        reads = [one for one in seen.calls if one.caller == call.caller and one.operation == "GetContactList"]
        last = [one for one in reads if one.seq < call.seq][-1:]
        came = [
            one
            for one in seen.calls
            if last and last[0].at - deeds.lag(seen) <= one.at <= call.at and one.caller == PERSON
        ]
        if not any(one.account == call.account and one.operation == "UpdateContactList" for one in came):
            yield f"{owner} removed {sorted(gone)} without prune"


def no_write_twice(seen: Evidence) -> Iterator[str]:
    """After a write whose outcome nobody knows, the same run writes nothing more to that list."""
    unknown: dict[tuple[str, str], Entry] = {}
    for entry in sorted(seen.journal, key=lambda one: one.started_at):
        owner = deeds.owner(entry.principal)
        if owner is None or entry.operation not in WRITES:
            continue
        before = unknown.get(owner)
        if before is not None and entry.started_at > before.ended_at:
            yield f"{owner}: {entry.operation} after {before.operation}, of which nobody knows whether it took effect"
        if _is_unknown(entry):
            unknown.setdefault(owner, entry)


def one_writer(seen: Evidence) -> Iterator[str]:
    """No two slices send writes to one list in turns, whether SES takes them or not."""
    spans: dict[str, dict[str, list[Entry]]] = {}
    for entry in seen.journal:
        if entry.operation in WRITES and deeds.owner(entry.principal) is not None:
            spans.setdefault(str(entry.account), {}).setdefault(str(entry.access_key_id), []).append(entry)
    for place, of_keys in spans.items():
        ordered = sorted(of_keys.values(), key=lambda entries: min(one.started_at for one in entries))
        for one, other in itertools.pairwise(ordered):
            if min(entry.started_at for entry in other) < max(entry.ended_at for entry in one):
                yield f"{place}: {deeds.owner(one[0].principal)} and {deeds.owner(other[0].principal)} write in turns"


# --- the rest


def dry_runs(seen: Evidence) -> Iterator[str]:
    """A dry run writes nothing to any list."""
    for run in seen.runs.values():
        if run.plan["request"]["dry_run"] and (wrote := deeds.writes(seen, run)):
            yield f"{run.run_id} is a dry run and wrote {deeds.named(wrote)}"


def one_more_run(seen: Evidence) -> Iterator[str]:
    """When everybody is done, one more run of the same request writes nothing."""
    for run_id in seen.again:
        run = seen.runs.get(run_id)
        if run is not None and (wrote := deeds.writes(seen, run)):
            yield f"{run_id} wrote {deeds.named(wrote)}"


def shown(seen: Evidence) -> Iterator[str]:
    """What `runs show` says is so: who has a result keeps it, and a run is finished only when it is."""
    for look in seen.looks:
        run = seen.runs[look.run_id]
        if run.summary is None:
            continue
        final = {one["customer_code"]: one["status"] for one in run.summary["results"]}
        if set(look.statuses) != set(final):
            yield f"{look.run_id} was shown with {sorted(look.statuses)}, it has {sorted(final)}"
        for code, status in look.statuses.items():
            if status in FINAL and final.get(code) != status:
                yield f"{look.run_id}: {code} was shown as {status} and became {final.get(code)}"
        yield from _shown_too_early(seen, look)


def _shown_too_early(seen: Evidence, look: Look) -> Iterator[str]:
    sent = {
        one.customer
        for one in seen.invocations
        if one.run_id == look.run_id and one.customer and one.seq <= look.seq and not deeds.only_waited(one)
    }
    for code, status in look.statuses.items():
        if status in ("not_started", "skipped") and code in sent:
            yield f"{look.run_id}: {code} was shown as {status} after a worker ran for it"
        if look.exit_code is not None and status == "under_way":
            yield f"{look.run_id}: {code} was shown as under way in a run that is over"


def commands(seen: Evidence) -> Iterator[str]:
    """The command never ends with a traceback, and its exit code is that of the run that it followed."""
    for command in seen.commands:
        if "Traceback" in command.errors or "Traceback" in command.output:
            yield f"{command.arguments} ended with a traceback: {command.errors[-300:]}"
        if command.killed or command.arguments[0] not in ("invoke", "apply"):
            continue
        if "there is nothing to apply" in command.errors:
            continue  # it started nothing; a program may have applied the plan all the same
        run = seen.runs.get(_run_of(command.output) or command.run_id or "")
        summary = None if run is None else run.summary
        if summary is not None and command.given_up:
            yield f"{command.arguments} did not end with its run {summary['run_id']}: {command.errors[-200:]}"
        elif summary is not None and command.code in (0, 1) and command.code != summary["exit_code"]:
            yield f"{command.arguments} ended with {command.code}, {summary['run_id']} with {summary['exit_code']}"


def _run_of(output: str) -> str | None:
    try:
        return str(json.loads(output)["run_id"])
    except (ValueError, KeyError, TypeError):
        return None


_OF_A_RUN = (
    *(accounted_once, never_begun, sent_once, nothing_after_the_end, true_failures, true_successes),
    *(bounded, in_stages, told_where),
)
