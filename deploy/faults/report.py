"""The reports: of a kill run as a table and as JSON, of the ends of stories as a table."""

import os
import platform
import statistics
from typing import Any

from rich.table import Table

from deploy.faults.endstate import Verdict
from deploy.faults.kill import Plan, Result


def machine() -> str:
    """Return what the figures were measured on."""
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} CPUs, {system}, Python {platform.python_version()}"


def figures(plan: Plan, result: Result) -> dict[str, Any]:
    """Return the whole report."""
    took = sorted(recovery.took_s for recovery in result.recoveries)
    found = {line.sort: line.found for line in result.lines}
    return {
        "machine": machine(),
        "seed": plan.seed,
        "kills": len(result.recoveries),
        "events_in": result.events,
        "events_a_second": round(result.events / result.fed_s),
        "alerts_out": found["alerts"],
        "orders_out": found["first orders"],
        "lost": sum(line.lost for line in result.lines),
        "doubled": sum(line.doubled for line in result.lines),
        "strange": sum(line.strange for line in result.lines),
        "recovery_p50_s": round(statistics.median(took), 1) if took else None,
        "recovery_max_s": round(took[-1], 1) if took else None,
        "settled_s": round(result.settled_s, 1),
        "by_sort": [line._asdict() for line in result.lines],
        "recoveries": [
            {"agent": one.agent, "at_s": round(one.at_s, 1), "took_s": round(one.took_s, 1)}
            for one in result.recoveries
        ],
        "starts": result.starts,
    }


def as_table(result: Result) -> Table:
    """Return the account, a line a sort of effect."""
    table = Table(title="What an undisturbed run does, and what this one did")
    table.add_column("")
    for name in ("expected", "found", "lost", "strange", "doubled", "raw doubles"):
        table.add_column(name, justify="right")
    for line in result.lines:
        table.add_row(line.sort, *(f"{count:,}" for count in line[1:]))
    return table


def sentences(plan: Plan, result: Result) -> list[str]:
    """Return what the table does not say."""
    told = figures(plan, result)
    killed = ", ".join(f"{agent} {count - 1}" for agent, count in result.starts.items())
    flow = (
        f"events in {told['events_in']:,} at {told['events_a_second']:,} a second, "
        f"alerts out {told['alerts_out']:,}, orders out {told['orders_out']:,}: "
        f"lost {told['lost']}, doubled {told['doubled']}"
    )
    recovery = (
        f"from the kill until it consumed again: p50 {told['recovery_p50_s']} s, "
        f"max {told['recovery_max_s']} s; all settled {told['settled_s']} s after the last event"
    )
    doubles = (
        "a raw double is a record that repeats an id: at least once is the promise, "
        f"and a sink that keeps ids sees one ({told['machine']})"
    )
    kills = f"{told['kills']} times kill -9, seed {plan.seed}; restarts: {killed}"
    return [flow, kills, recovery, doubles]


def ends_as_table(title: str, verdict: Verdict) -> Table:
    """Return how the ends of two runs compare, a line a sort."""
    table = Table(title=title)
    table.add_column("")
    for name in ("undisturbed", "disturbed", "lost", "strange", "doubled"):
        table.add_column(name, justify="right")
    for line in verdict.lines:
        figures = (line.expected, line.found, line.lost, line.strange, line.doubled)
        table.add_row(line.sort, *map(str, figures))
    table.caption = f"{verdict.breaches} breaches, {verdict.late} of them told as found late"
    return table
