"""The `ses-fleet` command."""

import os
import signal
import sys
from types import FrameType


def _end_quietly(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"ses-fleet: interrupted; nothing was started\n")
    os._exit(130)


# Loading what the command needs takes a while, and Ctrl-C in it would end in a traceback. main() takes over. Whoever
# starts the command in the background has Ctrl-C ignored, and so it stays.
_is_command = bool(sys.argv) and os.path.basename(sys.argv[0]) == "ses-fleet"  # noqa: PTH119  # pathlib loads, too
if _is_command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _end_quietly)
