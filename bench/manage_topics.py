"""Compare 50 customers at once with one, when every SES call takes a second. `python -m bench.manage_topics`"""

from __future__ import annotations

from typing import Any

from bench import figures
from bench.fleet import fleet

CUSTOMERS, SECONDS = 50, 1.0


def main() -> None:
    """Print the wall-clock seconds of both runs, and their ratio."""
    with fleet(CUSTOMERS, environments=CUSTOMERS) as made:
        made.put_ses_config(wanted("A"))
        made.run(action="manage-topic-all")  # every environment has worked once
        made.put_faults({"service": "sesv2", "fault": "delay", "seconds": SECONDS})
        walls = {}
        for number, selection in enumerate(({"include": ["c0000"]}, {})):
            made.put_ses_config(wanted("BC"[number]))
            summary, walls[number] = made.run(action="manage-topic-all", **selection)
            assert all(result["data"]["updated"] for result in summary["results"])
            assert summary["concurrency"]["peak"] == summary["total_customers"]
    figures.tell(
        "manage_topics",
        f"manage-topic, {SECONDS:g} s an SES call, warm: one customer {walls[0]:.2f} s, "
        f"{CUSTOMERS} at once {walls[1]:.2f} s, {walls[1] / walls[0]:.2f} times as long",
    )


def wanted(name: str) -> dict[str, Any]:
    """Return a SESConfig.json with one topic of this display name."""
    topic = {"TopicName": "topic-0", "DisplayName": name, "DefaultSubscriptionStatus": "OPT_OUT"}
    return {"topics": [topic]}


if __name__ == "__main__":
    main()
