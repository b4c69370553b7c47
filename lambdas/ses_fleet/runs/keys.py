"""Where a run's record lies in the results bucket; what writes it and what follows it agree here."""

from __future__ import annotations

import re

from ses_fleet.identifiers import CODE_PATTERN


def plan_key(run_id: str) -> str:
    """Written first, once: the run exists."""
    return f"runs/{run_id}/plan.json"


def summary_key(run_id: str) -> str:
    """Written last: the run is over."""
    return f"runs/{run_id}/summary.json"


def results_prefix(run_id: str) -> str:
    """Below it, one object a customer."""
    return f"runs/{run_id}/results/"


def result_key(run_id: str, customer_code: str, index: int) -> str:
    """One customer's result. `index` is its place in plan.json: a code that breaks the grammar names no object."""
    valid = re.fullmatch(CODE_PATTERN, customer_code) is not None
    return f"{results_prefix(run_id)}{customer_code if valid else f'_{index:04d}'}.json"


def results_file_key(run_id: str) -> str:
    """Every customer's result whole, a line each, compressed."""
    return f"runs/{run_id}/results.jsonl.gz"


def fleet_key(run_id: str) -> str:
    """The comparison of all customers, where it is too large for the Summary."""
    return f"runs/{run_id}/fleet.json"


def hop_key(run_id: str, hop: int) -> str:
    """Written by the hop before: what is left for this one."""
    return f"{hops_prefix(run_id)}{hop}.json"


def hop_claim_key(run_id: str, hop: int) -> str:
    """Written by the hop itself, once: an Event may arrive twice."""
    return f"{hops_prefix(run_id)}{hop}.claimed.json"


def hops_prefix(run_id: str) -> str:
    """Below it, what passes between the orchestrator's invocations of one run."""
    return f"runs/{run_id}/hops/"


def data_prefix(run_id: str, customer_code: str) -> str:
    """Below it, data that holds contact addresses; readers need a policy of their own."""
    return f"data/{run_id}/{customer_code}/"


def people_prefix(run_id: str, source: str) -> str:
    """Below it, what a run read of one Identity Center; no customer's code begins with an underscore."""
    return f"data/{run_id}/_people/{source}/"


# Where the orchestrator may write and read below data/, as IAM has it.
PERSONAL_PARAMS = "data/*/_personal/*"


def personal_params_key(run_id: str, owner: str) -> str:
    """What a start of the run was given that is personal; `owner` is the token of the start that plan.json names."""
    return f"data/{run_id}/_personal/{owner}.json"


def known_people_key(customer_code: str) -> str:
    """Every address that Identity Center ever had for a customer, and may be pruned when it has it no more."""
    return f"backups/identity/{customer_code}.json"


def backups_prefix(customer_code: str) -> str:
    """Below it, a customer's backups, each in a folder that is called like its run."""
    return f"backups/{customer_code}/"


def backup_prefix(customer_code: str, run_id: str) -> str:
    """Below it, what a run saved of a customer's list before or instead of changing it; kept longer than data/."""
    return f"{backups_prefix(customer_code)}{run_id}/"


def backup_manifest_key(customer_code: str, run_id: str, generation: int = 1) -> str:
    """Written last: the backup is complete. `generation` above 1: it was made anew, and the newest one counts."""
    number = "" if generation == 1 else f"-{generation}"
    return f"{backup_prefix(customer_code, run_id)}backup{number}.json"


CONTACTS = "contacts"


def part_name(number: int, name: str = CONTACTS) -> str:
    """The n-th part of what is called `name`, from 1."""
    return f"{name}-{number:05d}.jsonl.gz"


def walk_prefix(prefix: str, walk: int) -> str:
    """Where the parts of a listing lie that was begun again so many times: the first time right below `prefix`."""
    return f"{prefix}again-{walk}/" if walk else prefix
