"""`python -m ses_fleet_cli` is the `ses-fleet` command."""

from ses_fleet_cli.main import main

main()
