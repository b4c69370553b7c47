"""The commands of `ses-fleet` with their flags, a module for each group; what they do is in the modules above."""
