"""The charts of docs/benchmarks.md, as SVG that is the same for the same figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update(
    {"svg.hashsalt": "ses-fleet", "svg.fonttype": "none", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3}
)

from matplotlib import pyplot  # noqa: E402  # after the settings

_SIZE = (7.0, 3.2)


def draw(known: Mapping[str, Any], folder: Path) -> list[str]:
    """Draw every chart that there are figures for, and return the names of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    return [name for name, (benchmark, chart) in _CHARTS.items() if _drawn(known, benchmark, chart, folder / name)]


def _drawn(known: Mapping[str, Any], benchmark: str, chart: Callable[[Any, Any], bool], path: Path) -> bool:
    if benchmark not in known:
        return False
    figure, axes = pyplot.subplots(1, 2, figsize=_SIZE)
    is_drawn = chart(axes, known[benchmark]["figures"])
    if is_drawn:
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    return is_drawn


def _peers(axes: Any, found: Any) -> bool:
    contenders = [one for one in found.get("http", []) if one["name"] != "serial"]
    names = [one["name"] for one in contenders]
    for at, title, values in (
        (axes[0], "seconds, warm", [min(one["warm"]) for one in contenders]),
        (axes[1], "CPU ms an account", [_sum_of_cpu(one) for one in contenders]),
    ):
        at.bar_label(at.barh(names[::-1], values[::-1]), fmt="%.3g", padding=2)
        at.margins(x=0.2)
        at.set_title(title)
    axes[1].set_yticklabels([])
    return bool(contenders)


def _sum_of_cpu(one: Any) -> float:
    used: list[dict[str, float]] = one["cpu"]
    return min(sum(run.values()) for run in used)


def _customers(axes: Any, found: Any) -> bool:
    rows = found["orchestrator"]
    _lines(axes[0], rows, "customers", ("seconds", "ideal seconds", "CPU seconds"))
    axes[0].set_title("orchestrator, workers of 1 s, 500 at once")
    _lines(axes[1], rows, "customers", ("peak MB",))
    axes[1].set_ylim(bottom=0)
    axes[1].set_title("its memory")
    return len(rows) > 1


def _contacts(axes: Any, found: Any) -> bool:
    rows = [one for one in found["contacts"] if one["contacts"]]
    _lines(axes[0], rows, "contacts", ("worker's CPU ms a list",))
    axes[0].set(xscale="log", yscale="log", title="describe-list of one list")
    _lines(axes[1], rows, "contacts", ("peak MB above idle",))
    axes[1].set(xscale="log", title="worker's memory")
    axes[1].set_ylim(bottom=0)
    return len(rows) > 1


def _memory(axes: Any, found: Any) -> bool:
    for at, state in ((axes[0], "warm"), (axes[1], "cold")):
        times, dollars = f"{state} seconds", f"$ per 1,000 {state}"
        _lines(at, found["worker"], times, (dollars,), labels=[f"{one['worker MB']:,}" for one in found["worker"]])
        at.set_ylim(bottom=0)
        at.set_title(f"worker, {state}, by MB")
    return True


def _lines(
    at: Any, rows: Sequence[Mapping[str, Any]], x: str, names: Sequence[str], labels: Sequence[str] = ()
) -> None:
    for name in names:
        at.plot([row[x] for row in rows], [row[name] for row in rows], marker="o", markersize=3, label=name)
    for row, label in zip(rows, labels, strict=False):
        at.annotate(label, (row[x], row[names[0]]), textcoords="offset points", xytext=(3, 4))
    at.set_xlabel(x)
    at.legend()


_CHARTS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "peers.svg": ("against_peers", _peers),
    "customers.svg": ("growth", _customers),
    "contacts.svg": ("growth", _contacts),
    "memory.svg": ("cost", _memory),
}
