"""Names that must not change, as callers, schedules and customers' trust policies rely on them."""

from __future__ import annotations

STACK = "ses-fleet"
ORCHESTRATOR = "ses-fleet-orchestrator"
WORKER = "ses-fleet-worker"
SCHEDULE_GROUP = "ses-fleet"
REAPER_SCHEDULE = "ses-fleet-reaper"
INVOKER_POLICY = "ses-fleet-invoker"
DATA_READER_POLICY = "ses-fleet-data-reader"
REQUESTER_POLICY = "ses-fleet-requester"
CONFIGURER_POLICY = "ses-fleet-configurer"
