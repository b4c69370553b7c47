"""`make snapshot`: the template as it is now becomes the one that tests compare with."""

from __future__ import annotations

from tests.infra import synth
from tests.infra.test_stack import SNAPSHOT

if __name__ == "__main__":
    SNAPSHOT.write_text(synth.blanked(synth.template(**synth.FULL)), encoding="utf-8")
