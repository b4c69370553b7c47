"""The `ses-fleet` command: it starts runs, follows and shows them, and checks configuration files."""

import os
import signal
import sys
from types import FrameType


def _end_quietly(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"ses-fleet: interrupted; nothing was started\n")
    os._exit(130)


# Loading what the command needs takes a while, and Ctrl-C in it would end in a traceback; main() takes over. In the
# background a shell has Ctrl-C ignored, and so it stays. While `python -m ses_fleet_cli` loads this, argv[0] is "-m".
_is_command = bool(sys.argv) and os.path.basename(sys.argv[0]) in ("ses-fleet", "-m")  # noqa: PTH119  # pathlib loads
if _is_command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _end_quietly)
