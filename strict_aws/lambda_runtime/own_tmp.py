"""Give an environment a `/tmp` of its own, as large as Lambda's, where the system has mount namespaces."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

# Lambda quotas: 512 MB unless the function asks for more.
_SIZE_MB = 512

# $1 = an empty directory to mount on, $2 = where to work, $3 = ro if nothing may be written there, then what must stay
# visible under /tmp, "--", the command.
# A mount namespace ends with its processes, and the tmpfs with it. Entering a user namespace takes the
# parent-death signal away, so it is set anew.
_SCRIPT = f"""
set -e
own=$1; directory=$2; mode=$3; shift 3
mount -t tmpfs -o size={_SIZE_MB}m,mode=1777 own-tmp "$own"
while [ "$1" != -- ]; do
    mkdir -p "$own${{1#/tmp}}"
    mount --rbind "$1" "$own${{1#/tmp}}"
    shift
done
shift
mount --rbind "$own" /tmp
if [ "$mode" = ro ]; then
    mount --bind "$directory" "$directory"
    mount -o remount,bind,ro "$directory"
fi
cd "$directory"
exec setpriv --pdeathsig KILL "$@"
"""


def wrapped(
    then: list[str], *, own: Path, directory: Path, needed: Sequence[Path], read_only: bool = False
) -> list[str]:
    """Return the command that runs `then` in `directory` with a /tmp of its own.

    Of the machine's /tmp it only sees `needed`. `own` is an empty directory that only this environment uses. With
    `read_only` nothing can be written into `directory`, even by root.
    """
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    kept = sorted({str(path) for path in needed if path.is_relative_to("/tmp")})  # noqa: S108  # the very subject
    script = ["sh", "-c", _SCRIPT, "sh", str(own), str(directory), "ro" if read_only else "rw", *kept, "--"]
    return ["unshare", *user, "--mount", "--", *script, *then]


@functools.cache
def is_possible() -> bool:
    """Tell whether this machine allows mounts; it is tried once. Where not, TMPDIR alone keeps environments apart."""
    with tempfile.TemporaryDirectory() as own, tempfile.TemporaryDirectory() as directory:
        try:
            tried = subprocess.run(
                wrapped(["true"], own=Path(own), directory=Path(directory), needed=[Path(directory)], read_only=True),
                check=False,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=10,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
    return tried.returncode == 0
