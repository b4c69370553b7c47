"""The `ses-fleet` command."""

import os
import signal
import sys
from types import FrameType


def _end_quietly(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"ses-fleet: interrupted; nothing was started\n")
    os._exit(130)


# Loading what the command needs takes a while, and Ctrl-C in it would end in a traceback. main() takes over.
if sys.argv[:1] and os.path.basename(sys.argv[0]) == "ses-fleet":  # noqa: PTH119  # pathlib is part of the while
    signal.signal(signal.SIGINT, _end_quietly)
