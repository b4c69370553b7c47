"""The keys of the results bucket, for those who write a run's record and for those who read it."""

from __future__ import annotations

import re

from ses_fleet.identifiers import CODE_PATTERN, PEOPLE_ID_PATTERN, PeopleId


def plan_key(run_id: str) -> str:
    """Return the key of plan.json, which is written first and once: from then on the run exists."""
    return f"runs/{run_id}/plan.json"


def summary_key(run_id: str) -> str:
    """Return the key of summary.json, which is written last: the run is over."""
    return f"runs/{run_id}/summary.json"


def results_prefix(run_id: str) -> str:
    """Return the prefix of the results, one object for each customer."""
    return f"runs/{run_id}/results/"


def result_key(run_id: str, customer_code: str, index: int) -> str:
    """Return the key of one customer's result.

    `index` is its place in plan.json, which names the object when the code breaks the grammar of codes.
    """
    return f"{results_prefix(run_id)}{_name(customer_code, index)}.json"


def _name(customer_code: str, index: int) -> str:
    valid = re.fullmatch(CODE_PATTERN, customer_code) is not None
    return customer_code if valid else f"_{index:04d}"


def results_file_key(run_id: str) -> str:
    """Return the key of results.jsonl.gz: every result with data and log lines, one a line."""
    return f"runs/{run_id}/results.jsonl.gz"


def fleet_key(run_id: str) -> str:
    """Return the key of fleet.json: the comparison of all customers, when it is too large for the Summary."""
    return f"runs/{run_id}/fleet.json"


def hop_claim_key(run_id: str, hop: int) -> str:
    """Return the key of the claim that the n-th further invocation writes once, as its event may arrive twice."""
    return f"{hops_prefix(run_id)}{hop}/claim.json"


def hop_end_key(run_id: str, hop: int) -> str:
    """Return the key of what follows the n-th invocation, the first being 0: another one, or the end of the run."""
    return f"{hops_prefix(run_id)}{hop}/end.json"


def hops_prefix(run_id: str) -> str:
    """Return the prefix of the claims and ends of the orchestrator's invocations of one run."""
    return f"runs/{run_id}/hops/"


def cancel_key(run_id: str) -> str:
    """Return the key of the request to cancel the run: no further customer and no further slice is started."""
    return f"runs/{run_id}/cancel.json"


def refusals_prefix(run_id: str) -> str:
    """Return the prefix of the starts of this id that were refused."""
    return f"runs/{run_id}/refusals/"


def refusal_key(run_id: str, request_id: str) -> str:
    """Return the key of a refused start's Summary; `request_id` is that of the invocation that refused it."""
    return f"{refusals_prefix(run_id)}{request_id}.json"


def pinned_key(run_id: str, owner: str, name: str) -> str:
    """Return the key of a configuration file as the run read it, kept where the config bucket has no versions.

    `owner` is the token of the start, which plan.json names: two starts of one id may have read different files.
    """
    return f"runs/{run_id}/pinned/{owner}-{name}.json"


def continuations_prefix(run_id: str) -> str:
    """Return the prefix of where customers stopped between two slices, one object for each."""
    return f"runs/{run_id}/continuations/"


def continuation_key(run_id: str, customer_code: str, index: int) -> str:
    """Return the key of where one customer stopped between two slices; `index` is as for `result_key`."""
    return f"{continuations_prefix(run_id)}{_name(customer_code, index)}.json"


def source_key(run_id: str, source: str, hop: int) -> str:
    """Return the key of where the reading of an Identity Center stopped; `hop` is as for `people_prefix`."""
    return f"{continuations_prefix(run_id)}_people-{hop}-{source}.json"


def resumed_key(run_id: str, customer_code: str, index: int) -> str:
    """Return the key of which run goes on where this customer stopped; `index` is as for `result_key`."""
    return f"runs/{run_id}/resumed/{_name(customer_code, index)}.json"


def receipt_key(run_id: str) -> str:
    """Return the key of the receipt of a run that erased people; by default nothing ever removes it."""
    return f"{RECEIPTS}{run_id}.json"


def barrier_key(run_id: str) -> str:
    """Return the key of what says that the second phase of a run has begun."""
    return f"runs/{run_id}/barrier.json"


OPEN_RUNS = "open/"
RECEIPTS = "receipts/"


def signs_prefix(run_id: str) -> str:
    """Return the prefix of the signs of life of one run, which is open as long as there are any."""
    return f"{OPEN_RUNS}{run_id}/"


def sign_key(run_id: str, hop: int, owner: str) -> str:
    """Return the key of the sign of life of one invocation; `owner` is its token."""
    return f"{signs_prefix(run_id)}{hop}-{owner}.json"


def data_prefix(run_id: str, customer_code: str) -> str:
    """Return the prefix of a customer's data with contacts' addresses; reading it takes a policy of its own."""
    return f"data/{run_id}/{customer_code}/"


def people_prefix(run_id: str, source: str, hop: int) -> str:
    """Return the prefix of what a run read of one Identity Center; no customer's code begins with an underscore.

    `hop` is the number of the hop that began the reading: one that was lost may still write.
    """
    return f"data/{run_id}/_people/{source}-{hop}/"


# Where the orchestrator may write and read below data/, as a resource of an IAM policy.
PERSONAL_PARAMS = "data/*/_personal/*"


def personal_params_key(run_id: str, owner: str) -> str:
    """Return the key of a start's personal values; `owner` is the token of the start, which plan.json names."""
    return f"data/{run_id}/_personal/{owner}.json"


# Where people files lie, as a resource of an IAM policy. A run of this id would have its data there.
PEOPLE_FILES = "data/requests/*"
RESERVED_RUN_ID = "requests"


def people_file_key(people_id: PeopleId) -> str:
    """Return the key of a people file, which names whom a run is for; ValueError for an id of another form."""
    if re.fullmatch(PEOPLE_ID_PATTERN, people_id) is None:
        raise ValueError("the id of a people file has another form")
    return f"{PEOPLE_FILES.removesuffix('*')}{people_id}.jsonl"


def lease_key(account_id: str, region: str) -> str:
    """Return the key of the lease on the contact list of an account and Region."""
    return f"leases/{account_id}-{region}.json"


ERASED = "erased/"


def erased_prefix(account_id: str, region: str) -> str:
    """Return the prefix of the tombstones of the contact list of an account and Region; nothing there expires."""
    return f"{ERASED}{account_id}-{region}/"


def tombstone_key(account_id: str, region: str, key_id: str, address_hash: str) -> str:
    """Return the key of one person's tombstone: `address_hash` is the address's, with the key of this id."""
    return f"{erased_prefix(account_id, region)}{key_id}/{address_hash}.json"


def import_ledger_key(customer_code: str) -> str:
    """Return the key of the addresses that imports have seen for a customer, and that a prune may remove."""
    return f"backups/identity/{customer_code}.json"


BACKUPS = "backups/"


def backups_prefix(customer_code: str) -> str:
    """Return the prefix of a customer's backups, each in a folder with the id of its run."""
    return f"{BACKUPS}{customer_code}/"


def backup_prefix(customer_code: str, run_id: str) -> str:
    """Return the prefix of what a run saved of a customer's list; it is kept longer than data/."""
    return f"{backups_prefix(customer_code)}{run_id}/"


def backup_manifest_key(customer_code: str, run_id: str, generation: int = 1) -> str:
    """Return the key of a backup's manifest, which is written last: the backup is complete.

    With a `generation` above 1 the backup was made again, and the newest one counts.
    """
    number = "" if generation == 1 else f"-{generation}"
    return f"{backup_prefix(customer_code, run_id)}backup{number}.json"


CONTACTS = "contacts"
# Of a plan of people: the files with its changes, and, in a folder of their own, those with whom it was not applied to.
PLAN_FILES, LEFT_OUT_FILES, COMPARED_FOLDER = "plan", "left-out", "compared/"


def part_name(number: int, name: str = CONTACTS) -> str:
    """Return the file name of the n-th part, from 1, of the records called `name`."""
    return f"{name}-{number:05d}.jsonl.gz"


def walk_prefix(prefix: str, walk: int) -> str:
    """Return the prefix of the parts of a listing that was begun again `walk` times; 0 = right below `prefix`."""
    return f"{prefix}again-{walk}/" if walk else prefix
