"""The boundary of the orchestrator: an event in, a Summary out. Everything that it raises is printed by the runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ses_fleet import foreign_errors
from ses_fleet.errors import OrchestratorError, RunRefusedError, SesFleetError
from ses_fleet.orchestrator import cancelling, previewing, reaper, refusal, run
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.runs import events, request


def handle(event: Any, context: Any, variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the Summary of the run that the event starts, continues or cancels, or the list of actions.

    An event of the reaper's schedule is answered with what the reaper did, a preview with what a run would begin with.

    A run that is refused raises RequestError or ConfigurationError, so that callers, alarms and dead letters see it. A
    bug of ours raises OrchestratorError, which says where it is and nothing of the values that it had in hand.
    """
    if events.is_help(event):
        return _help()
    environment: Environment | None = None
    try:
        environment = Environment.of(context, variables)
        return _answer(event, environment)
    except RunRefusedError as refused:
        refusal.record(event, context.aws_request_id, refused, environment)
        raise refused from None
    except SesFleetError:
        raise
    except Exception as error:  # noqa: BLE001  # the runtime prints an exception's text, which may hold anything
        raise OrchestratorError(f"the orchestrator failed unexpectedly: {foreign_errors.crash(error)}") from None


def _help() -> dict[str, Any]:
    # Imported here: no run needs the models of all actions' data.
    from ses_fleet.runs.help import help_answer

    return help_answer()


def _answer(event: Any, environment: Environment) -> dict[str, Any]:
    if events.is_reap(event):
        return reaper.reap(environment)
    if events.is_preview(event):
        return previewing.preview(events.previewed(event), environment).model_dump(mode="json")
    cancelled = events.cancel_of(event)
    hop = events.hop_of(event)
    if cancelled is not None:
        answer = cancelling.cancel(cancelled, environment)
    elif hop is not None:
        answer = run.go_on(hop, environment)
    else:
        answer = run.begin(request.parse(event, environment.request_id), environment)
    return answer.model_dump(mode="json")
