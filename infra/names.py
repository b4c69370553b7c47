"""Names that must not change, as callers, schedules and customers' trust policies rely on them."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT = "ses-fleet"
# Whatever a customer's role trusts: the part of the worker role's name that follows the deployment's.
WORKER_SUFFIX = "-worker"


@dataclass(frozen=True)
class Names:
    """The fixed names of one deployment, each of which begins with its `name`: an account holds several deployments."""

    name: str = DEFAULT

    @property
    def stack(self) -> str:
        """Return the stack's name, which is also that of the dashboard and of the group of schedules."""
        return self.name

    @property
    def orchestrator(self) -> str:
        """Return the name of the orchestrator function and of its role."""
        return f"{self.name}-orchestrator"

    @property
    def worker(self) -> str:
        """Return the name of the worker function and of its role, which customers' trust policies name."""
        return f"{self.name}{WORKER_SUFFIX}"

    @property
    def reaper_schedule(self) -> str:
        """Return the name of the schedule that has lost runs ended."""
        return f"{self.name}-reaper"

    def policy(self, who: str) -> str:
        """Return the name of the policy for people: `invoker`, `configurer`, `requester` or `data-reader`."""
        return f"{self.name}-{who}"

    def alarm(self, what: str) -> str:
        """Return the name of an alarm."""
        return f"{self.name}-{what}"
