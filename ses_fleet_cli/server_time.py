"""S3's own time. Deadlines in a run's record are of that time, and this machine's clock may be minutes away from it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ses_fleet import limits
from ses_fleet.aws import server_time
from ses_fleet.aws.s3 import Bucket


@dataclass
class S3Clock:
    """The time at S3 in epoch seconds. S3 is asked once a minute, and this machine counts on in between."""

    bucket: Bucket
    run_id: str
    counter: Callable[[], float] = time.monotonic
    _told: float = 0.0
    _asked_at: float | None = field(default=None)

    def __call__(self) -> float:
        """Return S3's time in epoch seconds; raise AwsCallError when S3 has to be asked and does not answer."""
        now = self.counter()
        if self._asked_at is None or now - self._asked_at > limits.S3_CLOCK_SECONDS:
            # Any listing tells the time, and everybody who may read the record may list below it.
            answer = self.bucket.s3.call(
                "list_objects_v2", Bucket=self.bucket.name, Prefix=f"runs/{self.run_id}/", MaxKeys=1
            )
            self._told, self._asked_at = server_time.moment_of(answer).timestamp(), now
        return self._told + now - self._asked_at
