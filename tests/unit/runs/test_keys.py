"""Where things lie in the results bucket: other programs, lifecycle rules and policies name these places."""

from __future__ import annotations

import pytest

from ses_fleet.runs import keys

RUN = "20260301T060000Z-abcdef"


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (keys.plan_key(RUN), f"runs/{RUN}/plan.json"),
        (keys.summary_key(RUN), f"runs/{RUN}/summary.json"),
        (keys.results_prefix(RUN), f"runs/{RUN}/results/"),
        (keys.result_key(RUN, "acme", 7), f"runs/{RUN}/results/acme.json"),
        (keys.result_key(RUN, "Not A Code/..", 7), f"runs/{RUN}/results/_0007.json"),
        (keys.results_file_key(RUN), f"runs/{RUN}/results.jsonl.gz"),
        (keys.fleet_key(RUN), f"runs/{RUN}/fleet.json"),
        (keys.hop_claim_key(RUN, 2), f"runs/{RUN}/hops/2/claim.json"),
        (keys.hop_end_key(RUN, 0), f"runs/{RUN}/hops/0/end.json"),
        (keys.hops_prefix(RUN), f"runs/{RUN}/hops/"),
        (keys.cancel_key(RUN), f"runs/{RUN}/cancel.json"),
        (keys.refusals_prefix(RUN), f"runs/{RUN}/refusals/"),
        (keys.refusal_key(RUN, "q1"), f"runs/{RUN}/refusals/q1.json"),
        (keys.pinned_key(RUN, "t1", "config"), f"runs/{RUN}/pinned/t1-config.json"),
        (keys.continuations_prefix(RUN), f"runs/{RUN}/continuations/"),
        (keys.continuation_key(RUN, "acme", 7), f"runs/{RUN}/continuations/acme.json"),
        (keys.continuation_key(RUN, "Not A Code/..", 7), f"runs/{RUN}/continuations/_0007.json"),
        (keys.source_key(RUN, "0123", 2), f"runs/{RUN}/continuations/_people-2-0123.json"),
        (keys.resumed_key(RUN, "acme", 7), f"runs/{RUN}/resumed/acme.json"),
        (keys.OPEN_RUNS, "open/"),
        (keys.signs_prefix(RUN), f"open/{RUN}/"),
        (keys.sign_key(RUN, 2, "t1"), f"open/{RUN}/2-t1.json"),
        (keys.data_prefix(RUN, "acme"), f"data/{RUN}/acme/"),
        (keys.people_prefix(RUN, "0123", 2), f"data/{RUN}/_people/0123-2/"),
        (keys.personal_params_key(RUN, "t1"), f"data/{RUN}/_personal/t1.json"),
        (keys.erased_prefix("111122223333", "eu-west-1"), "erased/111122223333-eu-west-1/"),
        (keys.tombstone_key("111122223333", "eu-west-1", "k1", "ab"), "erased/111122223333-eu-west-1/k1/ab.json"),
        (keys.import_ledger_key("acme"), "backups/identity/acme.json"),
        (keys.backups_prefix("acme"), "backups/acme/"),
        (keys.backup_prefix("acme", RUN), f"backups/acme/{RUN}/"),
        (keys.backup_manifest_key("acme", RUN), f"backups/acme/{RUN}/backup.json"),
        (keys.backup_manifest_key("acme", RUN, 2), f"backups/acme/{RUN}/backup-2.json"),
        (keys.part_name(1), "contacts-00001.jsonl.gz"),
        (keys.part_name(123, "users"), "users-00123.jsonl.gz"),
        (keys.walk_prefix("data/x/", 0), "data/x/"),
        (keys.walk_prefix("data/x/", 2), "data/x/again-2/"),
    ],
)
def test_a_place_is_where_it_is_documented_to_be(key: str, place: str) -> None:
    """The record, the data, the backups; a code that breaks the grammar names no object."""
    assert key == place
