"""The steps of set-suppressed."""
