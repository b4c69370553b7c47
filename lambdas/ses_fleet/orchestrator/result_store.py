"""Everything that is done with a customer's result: it is logged, stored in the run's record, and collected."""

from __future__ import annotations

from collections.abc import Iterable

from ses_fleet.actions.catalogue import DESCRIBE_TOPICS
from ses_fleet.errors import AwsCallError
from ses_fleet.orchestrator import report
from ses_fleet.orchestrator.collect import Collector
from ses_fleet.orchestrator.fan_out import Finished
from ses_fleet.orchestrator.task import Task
from ses_fleet.orchestrator.topic_comparison import TopicComparison
from ses_fleet.runs import results
from ses_fleet.runs.models import CustomerResult
from ses_fleet.text import printable


class ResultStore:
    """Takes results as they come; `collector` holds what is returned, `warnings` what could not be done."""

    def __init__(self, task: Task) -> None:
        plan = task.plan
        compares = plan.request.worker_action == DESCRIBE_TOPICS.name and not plan.request.dry_run
        self.collector = Collector(
            len(plan.customers), task.result_location, TopicComparison(plan.topics) if compares else None
        )
        self.warnings: list[str] = []
        self._task = task

    def close(self) -> None:
        """Remove the temporary file of the collected results."""
        self.collector.close()

    def keep(self, finished: Iterable[Finished]) -> None:
        """Log, store and collect these results; a result that cannot be stored is a warning of the run."""
        for one in finished:
            self._keep(one)

    def load(self, indexes: Iterable[int]) -> int:
        """Collect the results that earlier invocations stored. Return how many started customers failed.

        A result that could not be stored is lost, and does not count: nobody knows whether its customer failed.
        """
        failures = 0
        for index, body in self._task.record.stored_results(self._task.document, indexes):
            if body is None:
                lost = results.not_stored(self._task.document.customers[index], writes=self._task.plan.action.mutates)
                body = lost.model_dump_json().encode()
            result = CustomerResult.model_validate_json(body)
            failures += result.status == "failed" and result.attempts > 0
            self.collector.add(index, result, body)
        return failures

    def results_so_far(self) -> list[CustomerResult]:
        """Return a result for every selected customer, in config order: "no result yet" for those without one."""
        return [
            self.collector.result(index) or results.no_result_yet(customer)
            for index, customer in enumerate(self._task.document.customers)
        ]

    def warn(self, text: str) -> None:
        """Add a warning to the run's, and log it."""
        self.warnings.append(text)
        self._task.logger.warning(text)

    def _keep(self, finished: Finished) -> None:
        index, code = finished.customer.index, finished.result.customer_code
        lines = report.customer_lines(finished.result)
        report.log_customer(self._task.logger, finished.result, lines)
        result = finished.result.model_copy(update={"logs": lines})
        body = result.model_dump_json().encode()
        try:
            self._task.record.write_result(index, code, body)
        except AwsCallError as failure:
            self.warn(f"the result of {printable(code)} could not be stored ({failure.code})")
        self.collector.add(index, result, body)
