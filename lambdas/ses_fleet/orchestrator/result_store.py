"""Everything that is done with a customer's result: it is logged, stored in the run's record, and collected."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

from ses_fleet import limits
from ses_fleet.actions.catalogue import DESCRIBE_TOPICS, FIND_CONTACT
from ses_fleet.errors import AwsCallError
from ses_fleet.orchestrator import report
from ses_fleet.orchestrator.collect import Collector, Comparison
from ses_fleet.orchestrator.fan_out import Finished
from ses_fleet.orchestrator.task import Task
from ses_fleet.orchestrator.topic_comparison import TopicComparison
from ses_fleet.runs import results
from ses_fleet.runs.hops import Progress
from ses_fleet.runs.models import CustomerResult
from ses_fleet.text import printable

_TOO_SLOW = "S3 was too slow"


class ResultStore:
    """Takes results as they come; `collector` holds what is returned, `warnings` what could not be done.

    `not_stored` has the codes, by index, of customers whose result S3 did not take, however often it was asked.

    Results are written by threads: whoever takes an answer from a worker never waits for S3. A customer's result is
    decided by whoever writes it first.
    """

    def __init__(self, task: Task) -> None:
        plan = task.plan
        self.collector = Collector(len(plan.customers), task.result_location, _comparison(task))
        self.warnings: list[str] = []
        self.not_stored: Mapping[int, str] = {}
        self._task = task
        self._writers = ThreadPoolExecutor(limits.RESULT_WRITERS, thread_name_prefix="result")
        self._room = threading.BoundedSemaphore(limits.PENDING_RESULTS)
        self._between_slices = set(task.standing.progress)
        self._pending: dict[Future[None], str] = {}
        self._undecided = False
        self._lock = threading.Lock()

    @property
    def is_decided(self) -> bool:
        """Return whether every result that was kept is stored, and is the customer's; only after `settle`."""
        return not self._undecided

    def close(self) -> None:
        """Remove the temporary file of the collected results, and write nothing more."""
        self._writers.shutdown(wait=False, cancel_futures=True)
        self.collector.close()

    def keep(self, finished: Iterable[Finished]) -> None:
        """Log, store and collect these results."""
        for one in finished:
            self._keep(one)

    def keep_progress(self, progress: Progress) -> None:
        """Store where a customer stopped between two slices."""
        self._between_slices.add(progress.index)
        self._submit(progress.customer_code, lambda: self._task.hops.keep_progress(progress))

    def keep_source(self, progress: Progress) -> None:
        """Store where the reading of an Identity Center stopped."""
        self._submit(progress.customer_code, lambda: self._task.hops.keep_source(self._task.reading, progress))

    def decide(self, found: Mapping[int, CustomerResult]) -> int:
        """Store and collect the results of customers that an earlier invocation has left. Return how many failed.

        One that got its result meanwhile keeps that. Raise AwsCallError when S3 does not answer.
        """
        failures = 0
        with ThreadPoolExecutor(limits.RESULT_WRITERS) as pool:
            for index, body in pool.map(lambda index: (index, self._decided(index, found[index])), found):
                result = CustomerResult.model_validate_json(body)
                report.log_customer(self._task.logger, result, result.logs or ())
                self.collector.add(index, result, body)
                failures += result.status == "failed"
        return failures

    def load(self) -> int:
        """Collect the results that earlier invocations stored. Return how many started customers failed.

        Raise AwsCallError when S3 does not answer.
        """
        failures = 0
        for index, body in self._task.record.stored_results(self._task.document, self._task.standing.known):
            if body is None:
                continue
            result = CustomerResult.model_validate_json(body)
            lost = result.error is not None and result.error.type == results.LOST
            failures += result.status == "failed" and (result.attempts > 0 or lost)
            self.collector.add(index, result, body)
        return failures

    def settle(self, seconds: float) -> None:
        """Wait until everything is written, or for so many seconds; what is not written then is a warning."""
        wait(self._pending, timeout=max(0.0, seconds))
        for future, code in self._pending.items():
            failure = future.exception() if future.done() else None
            if not future.done():
                self._not_stored(code, _TOO_SLOW)
            elif isinstance(failure, AwsCallError):
                self._not_stored(code, failure.code)
            elif failure is not None:
                raise failure
        self._pending.clear()

    def results_so_far(self) -> list[CustomerResult]:
        """Return a result for every selected customer, in config order: what is known for those without one."""
        return [
            self.collector.result(index) or self._so_far(index) for index in range(len(self._task.document.customers))
        ]

    def warn(self, text: str) -> None:
        """Add a warning to the run's, and log it."""
        self.warnings.append(text)
        self._task.logger.warning(text)

    def _not_stored(self, code: str, why: str) -> None:
        self._undecided = True
        self.warn(f"the result of {printable(code)} could not be stored ({why})")

    def _so_far(self, index: int) -> CustomerResult:
        customer = self._task.document.customers[index]
        began = index in self._between_slices or index in self._task.signs.sent
        return results.under_way(customer) if began else results.no_result_yet(customer)

    def _keep(self, finished: Finished) -> None:
        index, code = finished.customer.index, finished.result.customer_code
        lines = report.customer_lines(finished.result)
        report.log_customer(self._task.logger, finished.result, lines)
        result = finished.result.model_copy(update={"logs": lines})
        body = result.model_dump_json().encode()
        self._submit(code, lambda: self._decide(index, code, body))
        self.collector.add(index, result, body)

    def _decided(self, index: int, wanted: CustomerResult) -> bytes:
        """Return the stored result of the customer, which is `wanted` unless there was one already."""
        record, plan = self._task.record, self._task.document
        result = wanted.model_copy(update={"logs": report.customer_lines(wanted)})
        body = result.model_dump_json().encode()
        if record.decide_result(index, wanted.customer_code, body):
            return body
        ((_, there),) = record.stored_results(plan, [index])
        return body if there is None else there

    def _decide(self, index: int, code: str, body: bytes) -> None:
        # Another result can only be there when another invocation has ended this one's turn: the signs will show it.
        try:
            is_mine = self._task.record.decide_result(index, code, body)
        except AwsCallError:
            with self._lock:
                self.not_stored = {**self.not_stored, index: code}
            raise
        if is_mine:
            self._task.signs.forget(index)
        else:
            self._undecided = True

    def _time_for_storing(self) -> float:
        """Return for how many seconds a result may wait for others: what is left after them is for the run's end."""
        environment = self._task.environment
        kept = environment.settings.return_margin * limits.COLLECTING_SHARE * limits.STORING_SHARE
        return environment.remaining() - kept

    def _submit(self, code: str, write: Callable[[], None]) -> None:
        # Beyond that, nothing would be left to end the run in; the reaper ends one whose results are not all stored.
        if not self._room.acquire(timeout=max(0.0, self._time_for_storing())):
            self._not_stored(code, _TOO_SLOW)
            return
        future = self._writers.submit(write)
        future.add_done_callback(lambda _: self._room.release())
        self._pending[future] = code


def _comparison(task: Task) -> Comparison | None:
    """Return what a run finds out of all its customers together, or None for an action that compares nothing."""
    plan, erasure = task.plan, task.document.erasure
    action = None if plan.request.dry_run else plan.request.worker_action
    if action == DESCRIBE_TOPICS.name:
        return TopicComparison(None if plan.topics is None else [topic.name for topic in plan.topics])
    # Imported here: most runs look for nobody, and its data's models would be a part of every start.
    if action == FIND_CONTACT.name:
        from ses_fleet.orchestrator.found_people import PeopleAnswer

        return PeopleAnswer()
    if action is not None and erasure is not None:
        from ses_fleet.orchestrator.receipts import Proofs

        return Proofs(erasure)
    return None
