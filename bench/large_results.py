"""Measure the orchestrator with 2,000 customers that answer 50 KB each. `python -m bench.large_results`"""

from __future__ import annotations

from bench import figures
from bench.fleet import fleet
from ses_fleet_local.accounts import ORCHESTRATOR, WORKER

CUSTOMERS, ANSWER_KB = 2_000, 50

# No action answers so much of itself; what is measured is the orchestrator, so its worker may be made up.
_ANSWERING = f"""
import random, string
_TEXT = "".join(random.Random(1).choices(string.ascii_letters, k={ANSWER_KB} * 1024))
def handler(event, context):
    customer = event["customer"]
    return {{"run_id": event["run_id"], "customer_code": customer["customer_code"],
            "account_id": customer["account_id"], "data": {{"text": _TEXT}}}}
"""


def main() -> None:
    """Print the orchestrator's peak memory and the size of its response."""
    with fleet(CUSTOMERS) as made:
        made.replace_code(WORKER, "ses_fleet/worker/handler.py", _ANSWERING)
        (idle,) = (now for now, _ in made.memory_mb(ORCHESTRATOR).values())
        summary, seconds = made.run()
        (peak,) = (most for _, most in made.memory_mb(ORCHESTRATOR).values())
        inline = sum(result["data"] is not None for result in summary["results"])
        figures.tell(
            "large_results",
            f"{CUSTOMERS:,} customers of {ANSWER_KB} KB: {seconds:.0f} s; orchestrator's peak {peak:.0f} MB "
            f"(idle {idle:.0f} MB); response {made.response_bytes / 2**20:.2f} MiB with {inline} customers' data "
            "inline",
        )


if __name__ == "__main__":
    main()
