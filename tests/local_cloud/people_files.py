"""People files as a test of the local cloud uploads them."""

from __future__ import annotations

import json
import secrets
from typing import Any

from tests.local_cloud.conftest import RESULTS_BUCKET, Cloud


def upload(cloud: Cloud, *rows: Any) -> str:
    """Put a people file of these rows, a text being the address of one for every customer; its id."""
    written = [{"email": row} if isinstance(row, str) else row for row in rows]
    people_id = secrets.token_hex(16)
    body = "".join(json.dumps(row) + "\n" for row in written).encode()
    cloud.s3.put_object(Bucket=RESULTS_BUCKET, Key=f"data/requests/{people_id}.jsonl", Body=body)
    return people_id
