"""What a message says of a customer whose worker may have changed something before its answer was lost."""

from __future__ import annotations

from ses_fleet import limits

WORKER_OVER = "; it may have changed something: check the list, or run this customer again"
# A worker goes on when its caller waits no longer, and what it has sent by then still takes effect.
WORKER_MAY_GO_ON = (
    "; it may have changed something, and its worker may go on for up to "
    f"{limits.WORKER_FUNCTION_TIMEOUT_SECONDS} seconds: check the list after that, or run this customer again then"
)
