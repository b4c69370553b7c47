"""Write docs/benchmarks.md and its charts from what the benchmarks left in build/bench/. `python -m bench.report`"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from bench import figures, goals
from bench.figures import ROOT
from bench.goals import Known
from bench.markdown import number, table, table_of

PAGE = ROOT / "docs" / "benchmarks.md"
NOTES = ROOT / "bench" / "notes.md"  # what is written by hand
CHARTS = ROOT / "docs" / "benchmarks"
# Benchmarks that print sentences: these are shown as they were printed.
_SENTENCES = ("large_list", "large_results", "manage_topics", "imports", "import_memory", "window")


def main() -> None:
    """Draw the charts, and write the page."""
    from bench import charts  # needs the extra `bench`

    known = figures.load()
    PAGE.write_text(page(known, charts.draw(known, CHARTS)))
    print(f"wrote {PAGE.relative_to(ROOT)} of {len(known)} benchmarks")


def page(known: Known, charts: list[str]) -> str:
    """Return the page of these figures, with those charts that there are."""
    sections = [_head(known)]
    for title, benchmark, chart, section in _SECTIONS:
        if benchmark in known:
            shown = [f"![{title}](benchmarks/{chart})"] if chart in charts else []
            sections.append("\n\n".join([f"## {title}", _source(known[benchmark]), *section(known), *shown]))
    sections += ["\n\n".join(_sentences(known)), NOTES.read_text().rstrip()]
    return "\n\n".join(sections) + "\n"


def _head(known: Known) -> str:
    machine = next(iter(known.values()))
    rows = table(("what", "when the goal was set", "now", "goal", "command"), goals.rows(known))
    return f"""# Measurements

`make bench` measures everything here anew and writes this page; `make bench-quick` prints the ratios in about a minute.
All of it ran on one machine, {machine["cores"]} cores ({machine["machine"]}), Python {machine["python"]} and boto3
{machine["boto3"]}: the local cloud and the stand-in for AWS take their share of the cores. Ratios are of times that
were measured in one run, in turns; times are the best of a run, CPU is user and system and a median. Where the design
ends is [arithmetic](scale.md).

## Goals

{rows}"""


def _source(document: Mapping[str, Any]) -> str:
    return f"`{document['command']}`, {document['date']}, commit {document['commit']}, load {document['load']:.1f}."


def _peers(known: Known) -> Iterator[str]:
    found = known["against_peers"]["figures"]
    yield (
        "The same accounts and calls (AssumeRole, ListContactLists, GetContactList) for everybody, against one "
        f"stand-in that takes {1000 * found['delay']:.0f} ms a call, S3 at 30 ms. What physics allows: "
        f"{found['ideal']:.2f} s. `threads` is a script that a skilled engineer writes in twenty minutes: one session, "
        "a thread pool, clients made with credentials; it keeps no record. `serial` is a loop. Over TLS everybody "
        "trusts a whole bundle of authorities."
    )
    for transport in ("http", "tls"):
        if transport in found:
            header = (transport.upper(), "accounts", "at once", "cold s", "warm s", "CPU ms an account", "peak MB")
            yield table(header, [_contender(one) for one in found[transport]])


def _contender(one: Mapping[str, Any]) -> tuple[Any, ...]:
    cpu = {part: median(run[part] for run in one["cpu"]) for part in one["cpu"][0]}
    name = f"{one['name']} ({one['version']})" if one["version"] else one["name"]
    parts = f" ({', '.join(f'{part} {value:.1f}' for part, value in cpu.items())})" if len(cpu) > 1 else ""
    cold = min(one["cold"]) if one["cold"] else None
    memory = ", ".join(f"{part} {value:.0f}" for part, value in one["peak_mb"].items())
    cpu_text = f"{sum(cpu.values()):.1f}{parts}"
    return (name, one["accounts"], one["threads"], cold, min(one["warm"]), cpu_text, memory.removeprefix("tool "))


def _fan_out(known: Known) -> Iterator[str]:
    yield "The orchestrator alone, beside a thread pool that does the same Invokes and PUTs and nothing else."
    header = ("customers", "at once", "s", "bare pool s", "ideal s", "÷ pool", "CPU ms a customer", "peak MB")
    sizes = known["fan_out"]["figures"]["sizes"]
    yield table(header, [_fan_out_row(one) for one in sizes])


def _fan_out_row(one: Mapping[str, Any]) -> tuple[Any, ...]:
    cpu = 1000 * median(one["cpu"]) / one["customers"]
    times = (min(one["walls"]), min(one["pool"]), one["ideal"], one["ratio"])
    return (one["customers"], one["concurrency"], *times, cpu, one["peak_mb"])


def _cold_start(known: Known) -> Iterator[str]:
    found = known["cold_start"]["figures"]
    boto3 = found["boto3"]["init"]
    yield "CPU of a fresh process from the deployed package's files. `clients` is boto3 with one of STS and one of SES."
    rows = [
        (name, 1000 * one["init"], 1000 * one["first"], (one["init"] + one["first"]) / boto3)
        for name, one in found.items()
    ]
    yield table(("process", "init ms", "first describe-list ms", "÷ import boto3"), rows)


def _tls_start(known: Known) -> Iterator[str]:
    yield (
        "From the first Invoke to the last, each on a connection of its own, held to a function's part of a CPU by a "
        "control group. The whole bundle is botocore's; the small one has a single authority."
    )
    header = ("bundle", "MB", "invocations", "median s", "longest s", "CPU ms each", "given up", "runs")
    yield table(header, [_tls_row(one) for one in known["tls_start"]["figures"]["starts"]])


def _tls_row(one: Mapping[str, Any]) -> tuple[Any, ...]:
    each = 1000 * median(one["cpu"]) / one["invocations"]
    times = (median(one["seconds"]), max(one["seconds"]))
    memory = "unlimited" if one["memory_mb"] is None else f"{one['memory_mb']:,}"
    return (one["bundle"], memory, one["invocations"], *times, each, sum(one["given_up"]), len(one["seconds"]))


def _customers(known: Known) -> Iterator[str]:
    found = known["growth"]["figures"]
    yield "The orchestrator with workers of 1 s, S3 at 30 ms:"
    yield table_of(found["orchestrator"])
    yield "Whole runs in the local cloud, environments warm:"
    yield table_of(found["whole"])


def _contacts(known: Known) -> Iterator[str]:
    yield "describe-list of lists of so many contacts, three preferences each, SES unpaced and without latency:"
    yield table_of(known["growth"]["figures"]["contacts"])


def _calls(known: Known) -> Iterator[str]:
    yield "Calls for a customer, from the journal, with the least possible in brackets; a run's own beside them."
    header = ("action", "STS", "SES", "S3", "Lambda", "the run's", "the least, for")
    yield table(header, [_calls_row(one) for one in known["calls"]["figures"]["cases"]])


def _calls_row(one: Mapping[str, Any]) -> tuple[str, ...]:
    case = one["case"]
    counts = [f"{one['customer'][name]:g} ({case['least'][name]})" for name in ("sts", "sesv2", "s3", "lambda")]
    run = ", ".join(f"{name} {value:g}" for name, value in one["run"].items())
    return (case["name"], *counts, run, case["why"])


def _one_person(known: Known) -> Iterator[str]:
    found = known["one_person"]["figures"]
    times = ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in found["latency"].items())
    yield (
        f"One person in the lists of {found['customers']} customers, {found['at_once']} of them at once; a call takes "
        f"so long: {times}; SES takes a burst of {found['burst']} requests of an account and then one a second. Times "
        "and CPU are medians. All processes, the local cloud's too, share the cores: what a run takes above its floor "
        "is mostly its CPU divided by the cores that it got."
    )
    header = ("action", "s", "floor s", "÷ floor", "CPU s: worker", "orchestrator", "local cloud", "runs, s")
    yield table(header, [_one_person_row(one) for one in found["cases"]])
    yield (
        "The floor is ⌈customers ÷ at once⌉ × the sum of a customer's phases, and what a run waits once whatever it "
        "calls. A phase is its least calls one after another, each at its service's time; n requests to SES take the "
        "longer of n calls' time and of n − burst seconds with one call's time. CPU and the run's own calls are not in "
        "it. erase-contact has two phases, and waits once "
        f"{max(one['pause'] for one in found['cases']):g} s for what reads may not show yet; its receipt counts the "
        "copies below data/, and the local cloud's part of that grows with what the runs before have left there."
    )
    yield "Calls of all workers, from the journal, with the least possible in brackets, and of the rest of the run:"
    yield table(("action", *_CALLED, "the run's", "the least, for"), [_one_person_calls(one) for one in found["cases"]])


_CALLED = ("sts", "sesv2", "s3", "secretsmanager")


def _one_person_row(one: Mapping[str, Any]) -> tuple[Any, ...]:
    wall = median(one["seconds"])
    cpu = [median(run[part] for run in one["cpu"]) for part in one["cpu"][0]]
    return (one["action"], wall, one["floor"], wall / one["floor"], *cpu, ", ".join(map(number, one["seconds"])))


def _one_person_calls(one: Mapping[str, Any]) -> tuple[str, ...]:
    def shown(service: str) -> str:
        rows = [row for row in one["calls"] if row["service"] == service]
        return ", ".join(f"{row['operation']} {row['calls']:,} ({row['least']:,})" for row in rows)

    rest = ", ".join(f"{row['operation']} {row['calls']:,}" for row in one["run"])
    return (one["action"], *(shown(service) or "–" for service in _CALLED), rest, one["why"])


def _cost(known: Known) -> Iterator[str]:
    found = known["cost"]["figures"]
    yield (
        "Dollars of a describe-list in which every environment is cold, at the prices of us-east-1 in "
        f"{found['prices']} (Lambda on arm64, S3, CloudWatch Logs; `bench/cost_arithmetic.py` has them), without the "
        "free tier: measured CPU stretched by AWS's rule of one CPU at 1,769 MB. A Distributed Map runs the same "
        "workers; its own record, the comparison across customers, ramps and leases would be more states than the "
        "one that is counted."
    )
    yield table_of(found["runs"])
    yield "The worker at each size, for one customer:"
    yield table_of(found["worker"])
    yield choice(found["worker"], "worker MB", "$ per 1,000 warm", "warm seconds")
    yield "The orchestrator at each size, with workers as deployed:"
    yield table_of(found["orchestrator"])
    yield choice(found["orchestrator"], "orchestrator MB", "$ of 5,000", "seconds of 5,000")


def choice(rows: Sequence[Mapping[str, float]], size: str, dollars: str, times: str) -> str:
    """Return which size is cheapest and which fastest, the smaller where two are the same."""
    cheapest, fastest = (min(rows, key=lambda row: (round(row[by], 9), row[size])) for by in (dollars, times))
    return f"Cheapest is {cheapest[size]:,} MB, fastest {fastest[size]:,} MB: a single thread uses one CPU at most."


def _sentences(known: Known) -> Iterator[str]:
    yield "## Other measurements"
    for name in _SENTENCES:
        if name in known:
            lines = "\n".join(f"- {line}" for line in known[name]["figures"]["lines"])
            yield f"{_source(known[name])}\n\n{lines}"
    yield "In AWS a list of 1,000,000 contacts takes 1,000 requests at one a second: 17 minutes, in slices of four."


_SECTIONS: tuple[tuple[str, str, str, Callable[[Known], Iterator[str]]], ...] = (
    ("Beside other ways to do it", "against_peers", "peers.svg", _peers),
    ("Fan-out", "fan_out", "", _fan_out),
    ("Cold start", "cold_start", "", _cold_start),
    ("Start over TLS", "tls_start", "", _tls_start),
    ("Growth: customers", "growth", "customers.svg", _customers),
    ("Growth: contacts", "growth", "contacts.svg", _contacts),
    ("Calls", "calls", "", _calls),
    ("One person in 200 lists", "one_person", "", _one_person),
    ("Cost and memory", "cost", "memory.svg", _cost),
)


if __name__ == "__main__":
    main()
