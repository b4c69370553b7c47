"""What a person is told of a customer whose changes nobody heard the end of."""

from __future__ import annotations

from ses_fleet import limits

WORKER_OVER = "; it may have changed something: look, or run this customer again"
# A worker that nobody waits for any more works on, and what it has sent by then still arrives.
WORKER_MAY_GO_ON = (
    "; it may have changed something, and its worker may go on for up to "
    f"{limits.WORKER_FUNCTION_TIMEOUT_SECONDS} seconds: look after that, or run this customer again then"
)
