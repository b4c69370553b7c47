"""EventBridge schedules that invoke the orchestrator: those of the settings, and the reaper's.

Each of the settings' sends an action payload, with the trigger that its run's id is of.
"""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.settings import Schedule, Settings
from ses_fleet import limits
from ses_fleet.runs.events import REAP


class Schedules(Construct):
    """One group with every schedule of the settings and the reaper's, and the role with which they invoke."""

    def __init__(
        self, scope: Construct, settings: Settings, orchestrator: lambda_.Function, dead_letters: sqs.Queue
    ) -> None:
        super().__init__(scope, "Schedules")
        group = scheduler.ScheduleGroup(
            self, "Group", schedule_group_name=settings.name, removal_policy=cdk.RemovalPolicy.DESTROY
        )
        # Only our group's schedules may use the role: without it, any of the account's could (confused deputy).
        only_ours = {"ArnEquals": {"aws:SourceArn": group.schedule_group_arn}}
        role = iam.Role(
            self,
            "Role",
            description="ses-fleet: starts runs on schedule, and ends lost ones",
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=only_ours),
        )
        role.add_to_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[orchestrator.function_arn])
        )
        role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[dead_letters.queue_arn]))
        self._group, self._role, self._group_name = group, role, settings.name
        self._orchestrator, self._dead_letters = orchestrator, dead_letters
        for schedule in settings.schedules:
            # A second delivery of the same scheduled time finds its run started. A name alone might be that of another
            # construct.
            self._make(f"Schedule-{schedule.name}", schedule, event(schedule), retries=limits.DELIVERY_ATTEMPTS)
        reaper = Schedule(
            name=settings.names.reaper_schedule, expression=f"rate({limits.REAPER_MINUTES} minutes)", payload=REAP
        )
        # The next pass comes soon enough.
        self._make("Reaper", reaper, REAP, retries=0)

    def _make(self, construct: str, schedule: Schedule, sent: dict[str, Any], *, retries: int) -> None:
        made = scheduler.CfnSchedule(
            self,
            construct,
            name=schedule.name,
            group_name=self._group_name,
            schedule_expression=schedule.expression,
            schedule_expression_timezone=schedule.time_zone,
            state="ENABLED" if schedule.enabled else "DISABLED",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self._orchestrator.function_arn,
                role_arn=self._role.role_arn,
                input=json.dumps(sent),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_retry_attempts=retries, maximum_event_age_in_seconds=limits.EVENT_AGE_SECONDS
                ),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self._dead_letters.queue_arn),
            ),
        )
        made.node.add_dependency(self._group, self._role)


def event(schedule: Schedule) -> dict[str, Any]:
    """Return the event that the orchestrator gets. Scheduler fills in its context attributes at each firing."""
    trigger = {
        "schedule_arn": scheduler.ContextAttribute.schedule_arn,
        "scheduled_time": scheduler.ContextAttribute.scheduled_time,
    }
    return {**schedule.event, "trigger": trigger}
