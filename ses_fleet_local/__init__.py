"""ses-fleet's local cloud: the real functions and the customers' accounts, in the strict AWS of `strict_aws`.

Everything here knows ses-fleet: config.json, the hub account, the two functions and scenario files. What answers as
AWS does is in `strict_aws`, which knows nothing of ses-fleet.
"""

from pathlib import Path

# The local cloud uses these when no files are given: config.json, SESConfig.json, scenario.json and payloads.
EXAMPLES = Path(__file__).resolve().parent / "examples"
