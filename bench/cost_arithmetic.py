"""What AWS's prices and its rule of CPU per MB make of measured figures. Nothing is measured here."""

from __future__ import annotations

MB_OF_ONE_CPU = 1_769  # Lambda developer guide, "Memory and computing power": one vCPU at 1,769 MB, in proportion below


def cpus_of(memory_mb: int) -> float:
    """Return the CPUs that a function of so much memory has."""
    return memory_mb / MB_OF_ONE_CPU
