"""`python -m ses_fleet_local` is `ses-fleet local up`, with the same options."""

import sys

from ses_fleet_cli.main import main

sys.argv[1:1] = ["local", "up"]
main()
