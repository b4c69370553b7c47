"""Measure the worker's CPU (user and system) for a warm describe-list. `python -m bench.worker_cpu`"""

from __future__ import annotations

from bench.fleet import fleet
from ses_fleet_local.accounts import WORKER

CUSTOMERS = 200


def main() -> None:
    """Print the mean over 200 customers with lists of one page."""
    with fleet(CUSTOMERS) as made:
        made.run(max_customer_concurrency=10)
        for contacts in (0, 100, 1000):
            made.fill(contacts)
            before = made.cpu_seconds(WORKER)
            made.run(max_customer_concurrency=10)
            spent = sum(seconds - before[name] for name, seconds in made.cpu_seconds(WORKER).items())
            mean = 1000 * spent / CUSTOMERS
            print(f"describe-list of {contacts} contacts: {mean:.1f} ms of worker CPU, mean of {CUSTOMERS}")


if __name__ == "__main__":
    main()
