"""ses-fleet's local cloud: the real functions and a fleet of customers' accounts, in the AWS of `strict_aws`."""

from pathlib import Path

# What the local cloud is made of when no files are given: config.json, SESConfig.json, scenario.json, payloads.
EXAMPLES = Path(__file__).resolve().parent / "examples"
