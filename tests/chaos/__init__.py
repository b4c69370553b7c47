"""Random faults, kills and changed minds against the real functions, checked against what really happened."""
