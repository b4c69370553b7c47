"""Measure a run of 200 customers at concurrency 10 in warm environments. `python -m bench.fan_out`"""

from __future__ import annotations

from bench.fleet import fleet

CUSTOMERS, CONTACTS, CONCURRENCY, RUNS = 200, 100, 10, 3


def main() -> None:
    """Print the seconds that each run took, and the best of them."""
    with fleet(CUSTOMERS) as made:
        made.fill(CONTACTS)
        made.run(max_customer_concurrency=CONCURRENCY)
        seconds = [made.run(max_customer_concurrency=CONCURRENCY)[1] for _ in range(RUNS)]
    shown = ", ".join(f"{value:.2f}" for value in seconds)
    print(
        f"{CUSTOMERS} customers of {CONTACTS} contacts, concurrency {CONCURRENCY}: {shown} s; best {min(seconds):.2f} s"
    )


if __name__ == "__main__":
    main()
