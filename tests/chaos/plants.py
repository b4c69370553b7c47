"""Bugs to plant into the functions' package, so that every check is seen red: `python -m tests.chaos --plant NAME`."""

from __future__ import annotations

from typing import Any, NamedTuple


class Plant(NamedTuple):
    """A bug: `file` of the package has `text` replaced by `bug`. `red` is the check that finds it.

    Only scenarios whose first action is `verb` are carried out, if one is given, and stepwise ones with `stepwise`,
    ones that apply a plan with `plans`.
    """

    red: str
    file: str
    text: str
    bug: str
    verb: str | None = None
    with_: dict[str, Any] | None = None  # parts of the scenario, where chance would take long
    also: tuple[str, str, str] | None = None  # another file with its text and its bug
    stepwise: bool = False
    plans: bool = False

    def edits(self) -> list[tuple[str, str, str]]:
        """Return what is changed: the file, the text in it, and what comes in its place."""
        return [(self.file, self.text, self.bug), *([self.also] if self.also else [])]


_KILLED = {"do": "kill", "what": "orchestrator", "after": "ListContacts", "skip": 0}
_SLOW = {"fault": "delay", "operation": "ListContactLists", "seconds": 1.0}
_SLOW_RESULTS = {"fault": "delay", "service": "s3", "operation": "PutObject", "path": "/results/", "seconds": 0.5}
_MINDS = [
    {"code": f"f{number:02d}", "who": "stay0@corp.example", "do": "unsubscribe", "after": "GetContact", "skip": 0}
    for number in range(1, 7)
]


def _run(name: str, at: float, action: str) -> dict[str, Any]:
    payload = {"action": action, "max_customer_concurrency": 1}
    return {"name": name, "at": at, "start": "event", "named": True, "payload": payload}


def _everywhere(what: str, who: str = "stay0@corp.example") -> list[dict[str, Any]]:
    return [{"code": f"f{number:02d}", "who": who, "do": what} for number in range(1, 7)]


PLANTS = {
    "a-result-is-missing": Plant(
        "accounted_once",
        "orchestrator/ending.py",
        "    results = store.collector.results()\n",
        "    results = store.collector.results()[1:]\n",
    ),
    "names-are-forgotten": Plant(
        "never_begun",
        "runs/standing.py",
        "    in_doubt = [index for index, _ in others if named.get(index, 0) > _slices(progress.get(index))]",
        "    in_doubt: list[int] = []\n    assert named is not None",
        "import-aws-contact",
        {"acts": [_KILLED], "faults": [], "people": []},
    ),
    "a-late-hop-runs": Plant(
        "sent",
        "orchestrator/run.py",
        "if before.next != start.hop or not hops.claim(claim) or hops.end_of(start.hop) is not None:",
        "hops.claim(claim)\n    if False:",
        "describe-list",
        {"acts": [{"do": "hop", "at": 3.0}], "faults": [_SLOW], "people": []},
    ),
    "nobody-sees-the-end": Plant(
        "nothing_after_the_end",
        "orchestrator/signs.py",
        "end.owner != self.owner",
        "end.owner == 'nobody'",
        "manage-topic",
        {
            "orchestrator_seconds": 14,
            "runs": [_run("a", 0.0, "manage-topic-all")],
            "customers": 6,
            "lists": {f"f{number:02d}": "full" for number in range(1, 7)},
            "people": [],
            "faults": [_SLOW],
            "acts": [{"do": "reap", "at": at} for at in (1.0, 1.6, 2.2, 3.0)],
        },
        (  # the reaper ends runs that live
            "runs/position.py",
            'return "alive"\n    return "silent" if age < dead_after + limits.CLOCK_SECONDS else "dead"',
            'return "dead"\n    return "dead"',
        ),
    ),
    "strict-counts-only-failures": Plant(
        "bounded",
        "orchestrator/start_rules.py",
        "{index, *self._failed, *self._under_way, *self._undecided()}",
        "{index, *self._failed}",
        stepwise=True,
    ),
    "all-stages-begin-at-once": Plant(
        "in_stages",
        "orchestrator/start_rules.py",
        "            and (len(self._ramp) == 0 or self._is_its_turn(customer.index))\n",
        "",
        stepwise=True,
    ),
    "a-stage-begins-before-results-are-stored": Plant(
        "in_stages",
        "orchestrator/start_rules.py",
        "if stage > at or any(self._ramp.stage_of(one) < at for one in self._undecided()):",
        "if stage > at:",
        with_={"acts": [], "people": [], "faults": [_SLOW_RESULTS]},
        stepwise=True,
    ),
    "the-next-stage-is-told": Plant(
        "told_where",
        "runs/ramp.py",
        "at=ramp.at + 1)",
        "at=min(ramp.at + 2, len(totals)))",
        stepwise=True,
    ),
    "lost-writes-are-known": Plant(
        "true_failures",
        "worker/paced_client.py",
        'failure.outcome_unknown = failure.kind in ("server", "lost")',
        "failure.outcome_unknown = False",
    ),
    "lost-workers-are-known": Plant(
        "true_failures", "runs/function_errors.py", "outcome_unknown=writes)", "outcome_unknown=False)"
    ),
    "nothing-is-added": Plant(
        "true_successes",
        "worker/actions/manage_topic.py",
        "        return planned.desired\n",
        "        return now.topics\n",
        "manage-topic",
    ),
    "nobody-stays-unsubscribed": Plant(
        "their_word",
        "worker/contact_changes.py",
        '"UnsubscribeAll": wish.unsubscribed_all,',
        '"UnsubscribeAll": False,',
        "restore-topics",
    ),
    "throttled-writes-are-stale": Plant(
        "their_word",
        "worker/contact_changes.py",
        '        now = None if self._absent else self._get(client, self._place["EmailAddress"])\n',
        "        if not hasattr(self, '_read'):\n"
        '            self._read = None if self._absent else self._get(client, self._place["EmailAddress"])\n'
        "        now = self._read\n",
        "restore-topics",
        {"people": _MINDS, "acts": [], "faults": [{"fault": "throttle", "operation": "UpdateContact", "times": 1}]},
    ),
    "topics-of-others-go": Plant(
        "topics_of_others",
        "worker/topic_plan.py",
        "if name not in want and name in removable]",
        "if name not in want]",
        "manage-topic",
    ),
    "lost-writes-are-sent-again": Plant(
        "no_write_twice",
        "worker/paced_client.py",
        'return failure.kind in ("conflict", "unreachable")',
        'return failure.kind in ("conflict", "unreachable", "lost", "server")',
        "manage-topic",
        {"faults": [{"fault": "drop_after", "operation": "UpdateContactList", "times": 1}], "acts": []},
    ),
    "dry-runs-write": Plant(
        "dry_runs", "worker/context.py", "return self.item.dry_run", "return False", "import-aws-contact"
    ),
    "everything-is-written-again": Plant(
        "one_more_run",
        "worker/list_changes.py",
        "elif now is None or same(now.topics, wish):",
        "elif now is None:",
        "manage-topic",
    ),
    "leases-are-for-everybody": Plant(
        "one_writer",
        "worker/lease.py",
        "    return Holder(who, left) if left >= 0 else None",
        "    return None if left >= 0 else Holder(who, left)",
        "import-aws-contact",
        {
            "runs": [_run("a", 0.0, "import-aws-contact-all"), _run("b", 0.4, "import-aws-contact-all")],
            "faults": [{"fault": "delay", "operation": "CreateContact", "seconds": 0.4}],
            "people": [],
            "acts": [],
        },
    ),
    "the-reaper-sleeps": Plant(
        "no end after", "orchestrator/reaper.py", "quiet = positions.phase(", "quiet = False and positions.phase("
    ),
    "a-resume-forgets-somebody": Plant(
        "left",
        "runs/summary.py",
        '    payload["include"] = codes\n',
        '    payload["include"] = codes[:1]\n',
        "manage-topic",
        {
            "runs": [_run("a", 0.0, "manage-topic-all")],
            "faults": [{"fault": "deny", "operation": "AssumeRole", "times": 2}],
            "acts": [],
        },
    ),
    "the-plan-lets-everything-through": Plant(
        "keeps_to_the_plan",
        "worker/planned_people.py",
        "        if planned is None and email in self._known:\n            return False\n",
        "        return True\n",
        plans=True,
    ),
    "people-are-changed-without-their-plan": Plant(
        "keeps_to_the_plan",
        "worker/service.py",
        '        if action.saves_plan != "people" or (plan is None and not self._item.dry_run):\n',
        '        if action.saves_plan != "people" or not self._item.dry_run:\n',
        plans=True,
    ),
    "topics-are-changed-whatever-they-are": Plant(
        "keeps_to_the_plan",
        "worker/planned_topics.py",
        "    if wrote or not is_as_before(plan, now) or not same(plan.after, desired):\n",
        "    if wrote:\n",
        "manage-topic",
        plans=True,
    ),
    "more-is-given-to-new-contacts": Plant(
        "keeps_to_the_plan",
        "worker/planned_people.py",
        '    if widened and planned.kind == "create" and before is None and after is not None:\n',
        "    if False:\n",
        "import-aws-contact",
        {"edits": _everywhere("widen")},
        plans=True,
    ),
    "a-plan-is-applied-by-each-start": Plant(
        "applied_once",
        "runs/events.py",
        '        return applying_run_id(plan, payload.get("resumes"))\n',
        "        return None\n",
        plans=True,
    ),
    "nobody-counts-who-is-left-out": Plant(
        "left_out_is_told",
        "worker/planned_run.py",
        '{"left_out": found.differing + found.added}',
        '{"left_out": found.added}',
        plans=True,
    ),
    "each-difference-makes-a-plan-stale": Plant(
        "stale",
        "worker/planned_people.py",
        "    return differing * 100 > context.settings.plan_stale_percent * plan.changes\n",
        "    return differing > 0\n",
        plans=True,
    ),
    "topics-stay-as-they-are": Plant(
        "as_planned",
        "worker/list_changes.py",
        "elif now is None or same(now.topics, wish):",
        "elif True:",
        "manage-topic",
        plans=True,
    ),
    "changes-are-made-twice": Plant(
        "written_once",
        "worker/contact_changes.py",
        '        client.write("create_contact" if now is None else "update_contact", **request)\n',
        '        client.write("create_contact" if now is None else "update_contact", **request)\n'
        '        client.write("update_contact", **request)\n',
        "set-contacts",
        plans=True,
    ),
    "everybody-is-left-out": Plant(
        "left_out_for_a_reason",
        "worker/planned_people.py",
        '    if widened and planned.kind == "create" and before is None and after is not None:\n',
        '    if planned.kind == "create" and before is None and after is not None:\n',
        plans=True,
    ),
    "refusals-since-the-plan-are-overwritten": Plant(
        "their_word",
        "people/person_change.py",
        "        return not overwrites_refusal(now.what) or (now.since is not None and now.since == self.since)\n",
        "        return True\n",
        "set-contacts",
        {
            "plan": {
                "payload": {"action": "set-contacts-all", "params": {"overwrite_unsubscribes": True}},
                "rows": [{"email": "gone@corp.example", "opt_in": ["calendar"]}],
            },
            "edits": _everywhere("unsubscribe", "gone@corp.example"),
            "runs": [{**_run("a", 0.0, "set-contacts-all"), "named": False}],
        },
        plans=True,
    ),
}
