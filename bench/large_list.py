"""Measure a worker's memory and CPU with a list of a million contacts, unpaced. `python -m bench.large_list`"""

from __future__ import annotations

from bench import figures
from bench.fleet import fleet
from ses_fleet_local.accounts import WORKER

CONTACTS, EXPLICIT = 1_000_000, 3


def main() -> None:
    """Print memory above idle, and CPU for each 100,000 contacts, of each action that reads them all."""
    with fleet(1) as made:
        made.run()
        made.fill(CONTACTS, EXPLICIT)
        # Not cold: a list of this size is what is measured, not the start.
        for action in ("describe-list-all", "list-contacts-all"):
            idle = {name: now for name, (now, _) in made.memory_mb(WORKER).items()}
            before = made.cpu_seconds(WORKER)
            summary, seconds = made.run(action=action)
            (result,) = summary["results"]
            peak = max(most - idle[name] for name, (_, most) in made.memory_mb(WORKER).items())
            spent = sum(value - before[name] for name, value in made.cpu_seconds(WORKER).items())
            figures.tell(
                "large_list",
                f"{action} of {CONTACTS:,} contacts, {EXPLICIT} explicit preferences each: {seconds:.0f} s in "
                f"{result['attempts']} slices; peak {peak:.0f} MB above idle; "
                f"{spent / (CONTACTS / 100_000):.2f} s of worker CPU per 100,000",
            )


if __name__ == "__main__":
    main()
