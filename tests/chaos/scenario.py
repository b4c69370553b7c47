"""Scenarios, drawn from a seed, as plain JSON: what runs, what breaks, who is killed, and who changes their mind."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from tests.chaos.cloud import EVERYBODY, LIST_BACKUP, MOST_CUSTOMERS, NEW, SHAPES, TOPICS_BACKUP, account

Scenario = dict[str, Any]

_ACTIONS = {
    "describe-list": 1,
    "describe-topics": 1,
    "list-contacts": 2,
    "validate-access": 1,
    "backup-list": 2,
    "manage-topic": 6,
    "restore-list": 3,
    "restore-topics": 3,
    "import-aws-contact": 8,
}
_READ_LIST = ("ListContactLists", "GetContactList")
_CONTACTS = (*_READ_LIST, "ListContacts", "GetContact", "UpdateContact", "UpdateContact")
_JOBS = ("CreateImportJob", "CreateImportJob", "GetImportJob", "ListImportJobs")
# The operations of SES that faults are drawn for, by the action of the first run; None is any of them.
_SES: dict[str, tuple[str | None, ...]] = {
    "manage-topic": (*_READ_LIST, "UpdateContactList", "UpdateContactList", "CreateContactList", "ListContacts", None),
    "restore-list": (*_CONTACTS, "CreateContact", "CreateContact", "UpdateContactList", "CreateContactList", None),
    "restore-topics": (*_CONTACTS, "UpdateContactList", None),
    "import-aws-contact": (*_CONTACTS, *_JOBS, "CreateContact", "CreateContact", "DeleteContact", None),
    "set-contacts": (*_CONTACTS, *_JOBS, "CreateContact", "CreateContact", None),
}
_READING: tuple[str | None, ...] = (*_READ_LIST, "ListContacts", None)
# The same of the other services.
_OPERATIONS: dict[str, tuple[str | None, ...]] = {
    "s3": ("PutObject", "PutObject", "GetObject", "ListObjectsV2", "DeleteObject", None),
    "sts": ("AssumeRole",),
    "lambda": ("Invoke",),
    "identitystore": ("ListUsers", "ListGroups", "ListGroupMemberships", None),
    "sso-admin": ("ListInstances",),
}
# Parts of S3 keys of which a run's fate hangs, and the functions that are invoked.
_PATHS = {
    "s3": (
        *("/plan.json", "/open/", "/open/", "/end.json", "/claim.json", "/summary.json", "/results", "/results/f0"),
        *("/leases/", "/leases/", "/continuations/", "/backups/", "/data/", "/config.json", "/SESConfig.json"),
    ),
    "lambda": ("ses-fleet-worker", "ses-fleet-orchestrator"),
}
_WEIGHTS = {"s3": 6, "sesv2": 8, "lambda": 3, "sts": 2, "identitystore": 1, "sso-admin": 1}
_KINDS = (
    *("throttle", "delay", "drop_before", "drop_after", "drop_after", "error_500", "deny"),
    *("kill_before", "kill_after", "kill_after"),
)
_CHOICES = ("unsubscribe", "unsubscribe", "opt_out", "opt_out", "delete", "add", "opt_in", "add_topic")
# The actions whose plans are applied, and what becomes of lists that somebody has planned for.
_PLANNED = {"manage-topic": 3, "import-aws-contact": 4, "set-contacts": 4}
_EDITS = (*_CHOICES, "unsubscribe", "add", "rename_topic", "drop_topic", "widen")
_OF_PLANS = (
    "/plan-0",
    "/compared/",
    "/compared/",
    "/left-out-",
    "-plan/results/",
    "-plan/plan.json",
    "-apply/plan.json",
)


def draw(seed: int, *, stepwise: bool = False, plans: bool = False) -> Scenario:
    """Return the scenario of this seed.

    With `stepwise` it is one whose run is in stages, strict or both, with `plans` one in which a saved plan is applied.
    """
    luck = random.Random(seed)  # noqa: S311  # repeatable, not secret
    customers = luck.randint(2, 6)
    codes = [f"f{number:02d}" for number in range(1, customers + 1)]
    aws = luck.random() < 0.15
    first = _run(luck, "a", codes, 0.0)
    verb = str(first["payload"]["action"]).removesuffix("-all")
    runs = [first]
    if luck.random() < 0.2:
        runs.append(_run(luck, "b", codes, round(luck.uniform(0, 1.5), 2)))
    shapes = list(SHAPES)
    made = {
        "seed": seed,
        "orchestrator_seconds": 6,
        "customers": customers,
        "conditions": {"preset": "aws", "read_lag_seconds": 0.5, "seed": seed} if aws else {"preset": "kind"},
        "lists": {code: luck.choices(shapes, (6, 4, 2, 1))[0] for code in codes},
        "import_jobs": {
            "created_seconds": luck.choice((0, 0, 0.2)),
            "processing_seconds": luck.choice((0, 0, 0.3)),
        },
        "runs": runs,
        "faults": _faults(luck, verb),
        "acts": _acts(luck, codes, verb),
        "people": [_choice(luck, codes) for _ in range(luck.choice((0, 0, 2, 4, 8)))],
        "reaper_faults": [_fault(luck, verb, ("s3", "lambda")) for _ in range(luck.choice((0, 0, 0, 1, 2)))],
    }
    is_silent = luck.random() < 0.12
    if stepwise or (not is_silent and luck.random() < 0.15):
        _in_steps(luck, made)
    if is_silent:
        _silence(luck, made)
    if plans or (not stepwise and luck.random() < 0.1):
        _with_plan(luck, made)
    return made


def _in_steps(luck: random.Random, made: Scenario) -> None:
    """Have a run on six customers in stages, strict or both, some of whom fail, that is killed and goes on."""
    codes = [f"f{number:02d}" for number in range(1, MOST_CUSTOMERS + 1)]
    made["customers"], made["orchestrator_seconds"], made["conditions"] = len(codes), 5, {"preset": "kind"}
    made["lists"] = {code: luck.choice(("full", "small")) for code in codes}
    run = _run(luck, "a", codes, 0.0)
    while (
        not run["payload"]["action"].endswith("-all") or {"include", "exclude", "environment"} & run["payload"].keys()
    ):
        run = _run(luck, "a", codes, 0.0)
    made["runs"] = [run]
    payload = run["payload"]
    payload.update(_steps(luck))
    # One import after the other would take longer than is waited for.
    payload["max_customer_concurrency"] = luck.choice((2, 5, 0) if "import" in payload["action"] else (1, 2, 5, 0))
    payload.pop("customer_timeout_seconds", None)
    payload["on_deadline"] = luck.choices(("continue", "stop"), (9, 1))[0]
    made["faults"] = [*_faults_in_steps(luck, codes), *luck.sample(made["faults"], min(1, len(made["faults"])))]
    made["acts"] = luck.sample(made["acts"], min(1, len(made["acts"])))
    for _ in range(luck.choice((0, 1, 1, 2))):
        kill = {
            "do": "kill",
            "what": luck.choice(("orchestrator", "orchestrator", "worker")),
            "after": "ListContactLists",
        }
        made["acts"].append({**kill, "skip": luck.randint(0, 5)})
    made["acts"] += [{"do": "reap", "at": at} for at in luck.choice(((), (4.0, 5.5), (4.5, 8.0, 9.5)))]


def _steps(luck: random.Random) -> dict[str, Any]:
    ramp = {"ramp": luck.choice(([1, "40%", "100%"], [1, 2, 4, "100%"], [2, "100%"]))}
    strict = {"failure_mode": "strict", "max_failures": luck.choice((1, 2, 3, "40%"))}
    return luck.choice((ramp, ramp, {**ramp, "max_failures": luck.choice((1, 2))}, strict, {**ramp, **strict}))


def _faults_in_steps(luck: random.Random, codes: list[str]) -> list[dict[str, Any]]:
    """Return what makes a run long, some of its customers fail, and somebody die while results are stored."""
    slow = luck.choice(("ListContactLists", "AssumeRole"))
    faults: list[dict[str, Any]] = [{"fault": "delay", "operation": slow, "seconds": luck.choice((0.3, 0.6, 0.9))}]
    for code in luck.sample(codes, luck.choice((0, 0, 1, 2))):
        fault = luck.choice(("deny", "deny", "kill_before", "drop_before"))
        faults.append({"fault": fault, "operation": "GetContactList", "account": account(code)})
    if luck.random() < 0.4:
        at = luck.choice(("/results/f0", "/results/f0", "/open/", "/end.json", "/claim.json", "/continuations/"))
        fault = luck.choice(("kill_before", "kill_after", "kill_after", "drop_after", "delay", "deny"))
        stored = {"fault": fault, "service": "s3", "operation": "PutObject", "path": at, "skip": luck.randint(0, 4)}
        faults.append({**stored, "times": 1, **({"seconds": 1.0} if fault == "delay" else {})})
    return faults


def _silence(luck: random.Random, made: Scenario) -> None:
    """Have the signs of life not stored for a while, so that the reaper ends a run whose orchestrator lives."""
    made["orchestrator_seconds"] = 14
    fault = luck.choice(("throttle", "error_500", "drop_before", "deny", "delay"))
    silent = {"fault": fault, "service": "s3", "operation": "PutObject", "path": "/open/", "skip": luck.randint(1, 6)}
    made["faults"] = [silent if fault != "delay" else {**silent, "seconds": luck.choice((2.0, 5.0))}]
    slow = luck.choice(("ListContactLists", "GetContactList", "ListContacts"))
    made["faults"].append({"fault": "delay", "operation": slow, "seconds": luck.choice((0.6, 1.0, 2.0))})
    made["acts"] = [{"do": "reap", "at": at} for at in (5.0, 6.0, 7.0, 8.5)]


def _with_plan(luck: random.Random, made: Scenario) -> None:
    """Have a dry run made first; then others edit the lists, and its plan is applied, maybe from two places at once.

    `plan` has the dry run's payload and the rows of its people file, if it has one, `edits` what others do before the
    plan is applied. The runs' payloads lack the plan's id, which is known once it is made.
    """
    codes = [f"f{number:02d}" for number in range(1, luck.randint(2, 4) + 1)]
    verb = luck.choices(list(_PLANNED), list(_PLANNED.values()))[0]
    single = luck.random() < 0.15
    payload: dict[str, Any] = {"action": verb if single else verb + "-all", "params": _params(luck, verb)}
    if single:
        payload["customer_code"] = codes[0]
    _prune(luck, verb, payload, len(codes), single=single)
    rows = _rows(luck) if verb == "set-contacts" else []
    who = [*EVERYBODY, *(row["email"] for row in rows for _ in range(3))]
    shapes = luck.choices(list(SHAPES), (6, 4, 2, 1), k=len(codes) - 1)
    made |= {
        "customers": len(codes),
        "orchestrator_seconds": luck.choice((6, 6, 10)),
        "lists": dict(zip(codes, ["full", *shapes], strict=True)),
        "plan": {"payload": payload, "rows": rows},
        "edits": [_edit(luck, codes, who) for _ in range(luck.choice((0, 1, 2, 4)))],
        "runs": [_applying(luck, "a", payload["action"], 0.0)],
        "faults": [*_faults(luck, verb), *_faults_of_plans(luck)],
        "acts": _acts(luck, codes, verb),
        "people": [_choice(luck, codes, _EDITS, who) for _ in range(luck.choice((0, 2, 4, 8)))],
    }
    if luck.random() < 0.6:
        made["runs"].append(_applying(luck, "b", payload["action"], luck.choice((0.0, 0.0, 0.05, 0.4, 1.5))))


def _rows(luck: random.Random) -> list[dict[str, Any]]:
    """Return the rows of a people file."""
    wishes: tuple[dict[str, Any], ...] = (
        *({"opt_in": ["calendar"]}, {"opt_in": ["calendar"]}, {"opt_in": ["calendar"], "attributes": {"from": "file"}}),
        *({"opt_out": ["calendar"]}, {"unsubscribe_all": True}),
    )
    return [{"email": email, **luck.choice(wishes)} for email in luck.sample(EVERYBODY, luck.randint(3, 8))]


def _applying(luck: random.Random, name: str, action: str, at: float) -> dict[str, Any]:
    """Return the start of a run that applies a plan, whose id its payload does not have yet."""
    payload: dict[str, Any] = {"action": action}
    if luck.random() < 0.85:
        payload["on_deadline"] = "continue"
    if action.endswith("-all") and luck.random() < 0.5:
        payload["max_customer_concurrency"] = luck.choice((1, 1, 2, 3))
    if action.endswith("-all") and luck.random() < 0.2:
        payload |= luck.choice(
            (
                {"max_failures": 0},
                {"max_failures": 1},
                {"max_failures": 1, "failure_mode": "strict"},
                {"ramp": [1, "100%"]},
            )
        )
    start = luck.choices(("sync", "event", "twice", "command"), (5, 4, 2, 2))[0]
    return {"name": name, "at": at, "start": start, "named": False, "payload": payload}


def _edit(luck: random.Random, codes: list[str], who: list[str]) -> dict[str, Any]:
    """Return what somebody, or another run, does to the lists between a plan and its run."""
    kind = luck.choices(("choice", "run", "config"), (8, 1, 1))[0]
    if kind == "config":
        return {"do": "config", "how": "ses_changed"}
    if kind == "run":
        return {"do": "run", "payload": {"action": luck.choice(("manage-topic-all", "import-aws-contact-all"))}}
    return {"code": luck.choice(codes), "who": luck.choice(who), "do": luck.choice(_EDITS)}


def _faults_of_plans(luck: random.Random) -> list[dict[str, Any]]:
    """Return what is in the way of whoever reads or writes a plan, or what was found different from it."""
    if luck.random() < 0.6:
        return []
    fault = luck.choice(("error_500", "drop_after", "deny", "delay", "kill_before", "kill_after"))
    stored = {"fault": fault, "service": "s3", "path": luck.choice(_OF_PLANS), "skip": luck.choice((0, 0, 1, 2))}
    return [{**stored, "times": luck.choice((1, 1, 3)), **({"seconds": 1.0} if fault == "delay" else {})}]


def _run(luck: random.Random, name: str, codes: list[str], at: float) -> dict[str, Any]:
    action = luck.choices(list(_ACTIONS), list(_ACTIONS.values()))[0]
    single = action.startswith("restore-") or luck.random() < 0.12
    payload: dict[str, Any] = {"action": action if single else action + "-all"}
    if single:
        payload["customer_code"] = luck.choice(codes)
    selected = codes if single else _select(luck, codes, payload)
    if luck.random() < 0.1:
        payload["dry_run"] = True
    if luck.random() < 0.45:
        payload["on_deadline"] = "continue"
    if luck.random() < 0.12:
        payload["customer_timeout_seconds"] = luck.choice((1, 2, 4))
    _prune(luck, action, payload, len(selected), single=single)
    params = _params(luck, action)
    if params:
        payload["params"] = params
    start = luck.choices(("sync", "event", "twice", "command", "schedule"), (5, 4, 2, 2, 2))[0]
    return {"name": name, "at": at, "start": start, "named": luck.random() < 0.75, "payload": payload}


def _select(luck: random.Random, codes: list[str], payload: dict[str, Any]) -> list[str]:
    selected = codes
    kind = luck.choices(("all", "include", "exclude", "environment"), (7, 2, 1, 1))[0]
    if kind == "include":
        selected = payload["include"] = luck.sample(codes, luck.randint(1, len(codes)))
    elif kind == "exclude":
        payload["exclude"] = [luck.choice(codes)]
        selected = [code for code in codes if code not in payload["exclude"]]
    elif kind == "environment":
        payload["environment"] = "prod"
        selected = [code for code in codes if int(code[1:]) % 2]
    if luck.random() < 0.6:
        payload["max_customer_concurrency"] = luck.choice((1, 1, 2, 3))
    if luck.random() < 0.25:
        payload["max_failures"] = luck.choice((0, 1, "50%"))
        if payload["max_failures"] != 0 and luck.random() < 0.5:
            payload["failure_mode"] = "strict"
    if luck.random() < 0.25:
        payload["ramp"] = luck.choice(([1, "100%"], [2, "50%", "100%"]))
    return selected


def _prune(luck: random.Random, action: str, payload: dict[str, Any], selected: int, *, single: bool) -> None:
    if action in ("manage-topic", "import-aws-contact") and luck.random() < 0.5:
        payload["prune"] = True
        if not single:
            payload["confirm_customers"] = selected


def _params(luck: random.Random, action: str) -> dict[str, Any]:
    if action == "import-aws-contact":
        return {"sync_topics": True} if luck.random() < 0.6 else {}
    if action == "set-contacts":
        return {"overwrite_unsubscribes": True} if luck.random() < 0.4 else {}
    if action == "restore-topics":
        return {"backup": TOPICS_BACKUP}
    if action == "restore-list":
        return {"backup": LIST_BACKUP}
    return {}


def _faults(luck: random.Random, verb: str) -> list[dict[str, Any]]:
    services = tuple(_WEIGHTS) if verb == "import-aws-contact" else ("s3", "sesv2", "lambda", "sts")
    faults = [_fault(luck, verb, services) for _ in range(luck.choice((0, 1, 1, 2, 2, 3)))]
    if luck.random() < 0.35:  # a run that needs more than one invocation
        slow = luck.choice(("ListContactLists", "ListContacts", "GetContactList"))
        faults.append({"fault": "delay", "operation": slow, "seconds": luck.choice((0.3, 0.6, 1.0))})
    return faults


def _fault(luck: random.Random, verb: str, services: tuple[str, ...]) -> dict[str, Any]:
    service = luck.choices(services, [_WEIGHTS[one] for one in services])[0]
    fault: dict[str, Any] = {"fault": luck.choice(_KINDS), "service": service}
    operation = luck.choice(_SES.get(verb, _READING) if service == "sesv2" else _OPERATIONS[service])
    if operation is not None:
        fault["operation"] = operation
    if service in _PATHS and luck.random() < 0.6:
        fault["path"] = luck.choice(_PATHS[service])
        if luck.random() < 0.5:
            fault.pop("operation", None)
    most = {"s3": 20, "lambda": 6}.get(service, 8)
    fault["skip"] = luck.choice((0, 1, 2, luck.randint(0, 4 if "path" in fault else most)))
    fault["times"] = luck.choice((1, 1, 1, 2, 3, 10))
    if fault["fault"] == "delay":
        fault["seconds"] = luck.choice((0.2, 1.0, 2.5))
    if fault["fault"] == "throttle" and luck.random() < 0.1:
        fault["times"] = None
    return fault


def _acts(luck: random.Random, codes: list[str], verb: str) -> list[dict[str, Any]]:
    acts = []
    for _ in range(luck.choice((0, 1, 1, 1, 2, 3))):
        act: dict[str, Any] = {"at": round(luck.triangular(0.1, 3.5, 0.6), 2)}
        act["do"] = luck.choices(
            ("kill", "config", "hold", "again", "cancel", "show", "reap", "resume", "hop"), (6, 3, 1, 2, 2, 3, 2, 1, 2)
        )[0]
        if act["do"] == "kill":
            act["what"] = luck.choices(("orchestrator", "worker", "command"), (7, 3, 1))[0]
            operation = luck.choice(_SES.get(verb, _READING))
            if luck.random() < 0.6 and operation is not None:  # while a worker is busy
                act["after"] = operation
                act["skip"] = luck.choice((0, 0, 1, 2, luck.randint(0, 12)))
                del act["at"]
        if act["do"] == "config":
            act["how"] = luck.choice(("broken", "changed", "ses_broken", "ses_changed", *codes[:2]))
        if act["do"] == "hold":
            act["seconds"] = luck.choice((1.0, 2.5))
        acts.append(act)
    return acts


def _choice(
    luck: random.Random,
    codes: list[str],
    kinds: Sequence[str] = _CHOICES,
    who: Sequence[str] = (*EVERYBODY, *NEW),
) -> dict[str, Any]:
    """Return somebody's change of mind, at a time or right after a call of SES, seen from the scenario's start."""
    choice: dict[str, Any] = {"code": luck.choice(codes), "who": luck.choice(who), "do": luck.choice(kinds)}
    if luck.random() < 0.6:
        choice["after"] = luck.choice(
            ("GetContact", "ListContacts", "CreateContact", "UpdateContact", "GetContactList", "ListImportJobs")
        )
        choice["skip"] = luck.randint(0, 3)
    else:
        choice["at"] = round(luck.uniform(0.0, 3.0), 2)
    return choice
