"""The init phase of a function's environment, from the import of this module, which is the first one, to `end`.

What is loaded in it stays: the garbage collector need not look for anything in half a million objects, neither now nor
in each invocation.
"""

from __future__ import annotations

import gc

gc.disable()


def end() -> None:
    """Exclude everything that is loaded by now from garbage collection, and collect garbage from now on."""
    gc.freeze()
    gc.enable()
