"""`config discover`: accounts of an AWS organization become customers of config.json."""
