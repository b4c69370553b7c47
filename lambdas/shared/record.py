"""Where a run's record lies in the results bucket; what writes it and what follows it agree here."""

from __future__ import annotations

import re

from shared.models import CODE_PATTERN


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
