"""What an action is given: one customer, its SES, and a place for its log lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.models import Customer
from worker.ses import PacedSes


@dataclass(frozen=True)
class Job:
    """One customer's slice of work. Lives for one invocation, like the credentials inside `ses`."""

    customer: Customer
    ses: PacedSes
    log: Callable[[str], None]

    @property
    def code(self) -> str:
        """The customer's code."""
        return self.customer.customer_code
