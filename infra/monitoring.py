"""Alarms, each of which says what happened and what to do, and one dashboard."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.functions import Functions
from infra.schedule_times import longest_gap
from infra.settings import Schedule, Settings
from ses_fleet import limits
from ses_fleet.logs import METRICS_NAMESPACE, of_dry_runs

_PERIOD = cdk.Duration.minutes(5)
_HOUR = timedelta(hours=1)
_REAPER = ("ReaperPasses", "ReaperFailures", "RunsLost")
_OUTCOMES = ("CustomersSuccessful", "CustomersFailed", "CustomersNotStarted", "CustomersSkipped")


@dataclass(frozen=True)
class _Wanted:
    """An alarm that goes off when its metric counts anything. `meaning` is what its mail says."""

    name: str
    metric: cloudwatch.IMetric
    meaning: str
    missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING


class Monitoring(Construct):
    """Alarms and the dashboard. Alarms notify the topic, or the people, that the settings name, if they name any."""

    def __init__(self, scope: Construct, settings: Settings, functions: Functions) -> None:
        super().__init__(scope, "Monitoring")
        self._topic = self._notified(settings)
        self._functions, self._names = functions, settings.names
        self._service, self._dry_runs = settings.name, of_dry_runs(settings.name)
        for wanted in self._wanted(settings):
            self._alarm(
                wanted.name,
                wanted.meaning,
                wanted.metric,
                comparison=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                missing=wanted.missing,
            )
        self._reapers_silence()
        for schedule in settings.schedules:
            self._silence(schedule)
            self._difference(schedule)
        self._dashboard()

    def _notified(self, settings: Settings) -> sns.ITopic | None:
        if settings.alarm_topic_arn is not None:
            return sns.Topic.from_topic_arn(self, "Topic", settings.alarm_topic_arn)
        if not settings.alarm_emails:
            return None
        topic = sns.Topic(self, "Topic", display_name=f"{settings.name} alarms", enforce_ssl=True)
        # A policy of its own replaces the one by which the account's alarms may publish.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}},
            )
        )
        for email in settings.alarm_emails:
            topic.add_subscription(subscriptions.EmailSubscription(email))
        return topic

    def _wanted(self, settings: Settings) -> Iterator[_Wanted]:
        functions = self._functions
        visible = functions.dead_letters.metric_approximate_number_of_messages_visible(
            period=_PERIOD, statistic="Maximum"
        )
        yield _Wanted(
            "run-refused",
            self._count("RunRefused"),
            "A run did not start: its payload, config.json or the deployment is wrong. The orchestrator's log has "
            "every problem, kind = refused.",
        )
        yield _Wanted(
            "customers-failed",
            self._count("CustomersFailed"),
            "A run ended with failed customers. `ses-fleet runs list` shows which run; its resume is the payload "
            "that runs them again.",
        )
        yield _Wanted(
            "customers-not-started",
            self._count("CustomersNotStarted"),
            "A run ended before every customer was started: deadline, max_failures, or too little concurrency.",
        )
        yield _Wanted(
            "orchestrator-errors",
            functions.orchestrator.metric_errors(period=_PERIOD, statistic="Sum"),
            "The orchestrator failed: it refused a run, crashed, or was stopped before its run ended. A run that lost "
            "it is ended by the reaper within about six minutes; `ses-fleet runs list` shows it.",
        )
        yield _Wanted(
            "runs-lost",
            self._count("RunsLost"),
            "The reaper ended a run, as its orchestrator gave no sign of life. `ses-fleet runs list` shows which run; "
            "its Summary says who failed, and its resume is the payload that runs them again.",
        )
        yield _Wanted(
            "reaper-failed",
            self._count("ReaperFailures"),
            "The reaper could not look at a run or end it; it tries again every "
            f"{limits.REAPER_MINUTES} minutes. The orchestrator's log says why, kind = reaper.",
        )
        yield _Wanted(
            "worker-errors",
            functions.worker.metric_errors(period=_PERIOD, statistic="Sum"),
            "A worker crashed, ran out of memory or out of time. Its customer is failed, category internal or timeout.",
        )
        # With a reservation of its own the worker is meant to be throttled.
        if settings.worker.reserved_concurrency is None:
            yield _Wanted(
                "worker-throttles",
                functions.worker.metric_throttles(period=_PERIOD, statistic="Sum"),
                "Lambda had no environment for a worker. Runs wait and try again; raise the concurrency, or give runs "
                "max_customer_concurrency.",
            )
        yield _Wanted(
            "dead-letters",
            visible,
            "An event failed for good and lies in the queue of dead letters: its payload, and why.",
            # SQS sends no metric for a queue that nobody used for hours, although letters lie in it.
            missing=cloudwatch.TreatMissingData.IGNORE,
        )

    def _reapers_silence(self) -> None:
        """Alarm when the reaper does not pass any more: nothing else would say so before a run is lost."""
        minutes = limits.REAPER_MINUTES * limits.REAPER_MISSED
        self._alarm(
            "reaper-silent",
            f"The reaper did not look for lost runs for {minutes} minutes: a run that loses its orchestrator is not "
            f"ended. Look at the schedule {self._names.reaper_schedule}, at the dead letters and at the "
            "orchestrator's log.",
            self._metric("ReaperPasses", "Sum", self._service, cdk.Duration.minutes(limits.REAPER_MINUTES)),
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            missing=cloudwatch.TreatMissingData.BREACHING,
            periods=limits.REAPER_MISSED,
        )

    def _silence(self, schedule: Schedule) -> None:
        """Alarm when no run of the schedule's action started for longer than the schedule ever pauses."""
        if not schedule.enabled:
            return
        gap = longest_gap(schedule.expression)
        if gap is None:
            text = f"schedule {schedule.name} does not fire again within a year: no alarm says that it did not run"
            cdk.Annotations.of(self).add_info(text)
            return
        if gap.total_seconds() > limits.ALARM_WINDOW_SECONDS:
            text = f"schedule {schedule.name} pauses for up to {gap.days} days: no alarm can look back so far"
            cdk.Annotations.of(self).add_info(text)
            return
        # An hour more for daylight saving time and late deliveries, where an alarm can look back so far.
        hours = min(math.ceil((gap + _HOUR) / _HOUR), limits.ALARM_WINDOW_SECONDS // 3_600)
        metric = self._of_action("RunsStarted", "Sum", schedule, cdk.Duration.hours(1))
        self._alarm(
            f"schedule-{schedule.name}-did-not-run",
            f"No run of {schedule.payload['action']} started for {hours} hours: look at the schedule {schedule.name}, "
            "at the dead letters and at refused runs.",
            metric,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            missing=cloudwatch.TreatMissingData.BREACHING,
            periods=hours,
        )

    def _difference(self, schedule: Schedule) -> None:
        """Alarm when a run of the schedule's action found that something differs, until one finds that nothing does."""
        if not schedule.enabled or not schedule.alarm_on_difference:
            return
        self._alarm(
            f"schedule-{schedule.name}-differs",
            f"A run of {schedule.payload['action']} found customers that differ from what should be. `ses-fleet runs "
            "list` shows which run, its Summary who differs and in what.",
            self._of_action("CustomersDiffering", "Maximum", schedule, _PERIOD),
            comparison=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            # Runs are hours apart, and say nothing between them.
            missing=cloudwatch.TreatMissingData.IGNORE,
        )

    def _alarm(
        self,
        name: str,
        meaning: str,
        metric: cloudwatch.IMetric,
        *,
        comparison: cloudwatch.ComparisonOperator,
        missing: cloudwatch.TreatMissingData,
        periods: int = 1,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=self._names.alarm(name),
            alarm_description=meaning,
            metric=metric,
            threshold=1,
            evaluation_periods=periods,
            comparison_operator=comparison,
            treat_missing_data=missing,
        )
        if self._topic is not None:
            alarm.add_alarm_action(cloudwatch_actions.SnsAction(self._topic))

    def _dashboard(self) -> None:
        functions = self._functions
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=self._names.stack)
        dashboard.add_widgets(
            _graph("Customers", [self._count(name) for name in _OUTCOMES]),
            _graph("Runs", [self._count("RunsStarted"), self._count("RunRefused")]),
            _graph("Duration of runs, s", [self._metric("RunDuration", "Maximum", self._service)]),
        )
        dashboard.add_widgets(
            _graph(
                "Workers",
                [
                    functions.worker.metric_invocations(),
                    functions.worker.metric_errors(),
                    functions.worker.metric_throttles(),
                ],
            ),
            _graph("Workers at once", [functions.worker.metric("ConcurrentExecutions", statistic="Maximum")]),
            _graph("Dead letters", [functions.dead_letters.metric_approximate_number_of_messages_visible()]),
        )
        dashboard.add_widgets(
            _graph("Dry runs: customers", [self._count(name, self._dry_runs) for name in _OUTCOMES]),
            _graph(
                "Dry runs: runs",
                [self._count("RunsStarted", self._dry_runs), self._count("RunRefused", self._dry_runs)],
            ),
            _graph(
                "Orchestrator",
                [functions.orchestrator.metric_invocations(), functions.orchestrator.metric_errors()],
            ),
        )
        dashboard.add_widgets(_graph("Reaper", [self._count(name) for name in _REAPER]))

    def _count(self, name: str, service: str | None = None) -> cloudwatch.Metric:
        return self._metric(name, "Sum", service or self._service)

    @staticmethod
    def _metric(name: str, statistic: str, service: str, period: cdk.Duration = _PERIOD) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=METRICS_NAMESPACE,
            metric_name=name,
            dimensions_map={"service": service},
            statistic=statistic,
            period=period,
        )

    def _of_action(self, name: str, statistic: str, schedule: Schedule, period: cdk.Duration) -> cloudwatch.Metric:
        """Return a metric of the runs of the schedule's action, dry or not as the schedule's are."""
        service = self._dry_runs if schedule.payload.get("dry_run") else self._service
        return cloudwatch.Metric(
            namespace=METRICS_NAMESPACE,
            metric_name=name,
            dimensions_map={"service": service, "action": str(schedule.payload["action"])},
            statistic=statistic,
            period=period,
        )


def _graph(title: str, metrics: list[cloudwatch.Metric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=metrics, width=8)
