"""The steps of erase-contact."""
