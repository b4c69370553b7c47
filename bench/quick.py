"""Print the ratios that matter, in about a minute on a quiet machine. `python -m bench.quick`, or `make bench-quick`

The sizes are smaller than those of the published figures where a ratio allows it. Nothing is saved.
"""

from __future__ import annotations

import argparse

from bench import against_peers, cold_start, fan_out
from bench.against_peers import Contender
from bench.figures import ROOT
from bench.local_cloud import S3_SECONDS, local_cloud
from bench.stand_in import Timing, stand_in

_FAN_OUT = (400, 200)
_COLD_STARTS = 3
_SLOW_TOOL, _SLOW_ACCOUNTS = "botocove", 10


def main() -> None:
    """Measure and print a line for each ratio of the goals."""
    _against_peers()
    with stand_in(timing=Timing(worker=1.0)) as served:
        one = fan_out.FanOut(*_FAN_OUT, worker_seconds=1.0, s3_seconds=S3_SECONDS)
        fan_out.measure(one, served, rounds=1)
    print(one.told(), flush=True)
    with stand_in(timing=Timing(worker=0.0)) as served, local_cloud(1, 1) as cloud:
        for line in cold_start.told(cold_start.measured(cloud, served.url, _COLD_STARTS)):
            print(line, flush=True)


def _against_peers() -> None:
    parser = argparse.ArgumentParser()
    against_peers.add_arguments(parser)
    quick = parser.parse_args(["--rounds=2", "--cold-rounds=0", "--tools", "threads", "--checkout", str(ROOT)])
    with against_peers.served_by(quick, is_tls=False) as served:
        ours, *_ = against_peers.measured(served, quick, quick.tools)
        slow = Contender(_SLOW_TOOL, _SLOW_ACCOUNTS, _SLOW_ACCOUNTS)
        against_peers.measure_peer(served, slow, quick.python)
    each = min(slow.warm) / slow.accounts
    print(slow.told())
    print(f"an account's share of the time, {ours.name} ÷ {slow.name}: {min(ours.warm) / ours.accounts / each:.3f}")


if __name__ == "__main__":
    main()
