"""What a run has shown: a table for people, JSON for files."""

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deploy.bench.engine import PROFILES, Contestant, Plan, Result

_MILLION = 1_000_000
_HEAD = (
    "engine",
    "events",
    "wall s",
    "events/s",
    "CPU s/M",
    "at work",
    "x Faust",
    "of bare",
    "alerts",
)
ELSEWHERE = (
    "Measured earlier on another run of the same work, not in this one, CPU s per million: "
    "Quix Streams 36, Bytewax 24, Kafka Streams with RocksDB 7.5 (warm 4.7), Flink 6.8 "
    "(warm 4.3), Kafka Streams in memory 5 to 6 (warm 3.4)."
)


def machine() -> str:
    """Return what the run ran on, in one line."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("faust-streaming", "aiokafka", "msgspec", "numpy")
    )
    model = models[0] if models else platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}"


def rows(plan: Plan, results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return one row a contestant, figures unrounded.

    CPU per million is that of a whole run over the plan's events, from the start of
    the process to its end: what was measured on fewer events is scaled, its start
    counted once.
    """
    made = [_row(plan, result) for result in results]
    stock = next((row for row in made if row["contestant"] == Contestant.FAUST), None)
    bare = next((row for row in made if row["contestant"] == Contestant.BARE), None)
    for row in made:
        if stock is not None:
            row["times_stock_faust"] = stock["cpu_s_per_million"] / row["cpu_s_per_million"]
        if bare is not None:
            row["share_of_bare_rate"] = row["events_per_s"] / bare["events_per_s"]
    return made


def _row(plan: Plan, result: Result) -> dict[str, Any]:
    finish, wanted = result.finish, result.expected
    at_work = finish.work_cpu_s * _MILLION / finish.events
    once = (result.cpu_s - finish.work_cpu_s) * _MILLION / plan.work.events
    return {
        "contestant": str(result.contestant),
        "events": finish.events,
        "wall_s": finish.wall_s,
        "events_per_s": finish.events / finish.wall_s,
        "cpu_s": result.cpu_s,
        "start_and_stop_cpu_s": result.cpu_s - finish.work_cpu_s,
        "cpu_s_per_million": at_work + once,
        "cpu_s_per_million_at_work": at_work,
        "alerts_expected": wanted.onsets + wanted.clears,
        "alerts_got": None if result.onsets is None else result.onsets + (result.clears or 0),
        "inside_expected": wanted.inside,
        "inside_got": finish.inside,
        "right": result.is_right,
        "durability": PROFILES[result.contestant].durability,
    }


def as_json(plan: Plan, results: Sequence[Result]) -> dict[str, Any]:
    """Return the whole report."""
    return {
        "machine": machine(),
        "command": " ".join(["citybrain", *sys.argv[1:]]),
        "events": plan.work.events,
        "devices": plan.work.devices,
        "seed": plan.work.seed,
        "results": rows(plan, results),
        "elsewhere": ELSEWHERE,
    }


def as_table(plan: Plan, results: Sequence[Result]) -> str:
    """Return the report as a Markdown table of less than ninety columns."""
    lines: list[tuple[str, ...]] = [_HEAD]
    for row in rows(plan, results):
        got = "-" if row["alerts_got"] is None else f"{row['alerts_got']:,}"
        lines.append(
            (
                row["contestant"] + ("" if row["right"] else " WRONG"),
                f"{row['events']:,}",
                f"{row['wall_s']:.1f}",
                f"{row['events_per_s']:,.0f}",
                f"{row['cpu_s_per_million']:.2f}",
                f"{row['cpu_s_per_million_at_work']:.2f}",
                f"{row['times_stock_faust']:.1f}" if "times_stock_faust" in row else "-",
                f"{row['share_of_bare_rate']:.2f}" if "share_of_bare_rate" in row else "-",
                f"{row['alerts_expected']:,} / {got}",
            )
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * (width - 1) + ":" for width in widths))
    return "\n".join(
        "| "
        + " | ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    )


def notes(plan: Plan, results: Sequence[Result]) -> list[str]:
    """Return what is to be read with the table."""
    said = [
        f"{plan.work.events:,} readings of {plan.work.devices:,} devices, seed {plan.work.seed}.",
        f"Machine: {machine()}",
        f"Command: {' '.join(['citybrain', *sys.argv[1:]])}",
        "CPU s/M: CPU seconds, user and system, per million events, start and stop included.",
        "at work: the same from the first record to the last commit.",
        "x Faust: how many times less CPU than stock Faust. of bare: share of its events/s.",
        "alerts: expected by a plain loop / got.",
    ]
    said += [f"{name}: {PROFILES[name].durability}." for name in plan.contestants]
    said += [
        f"{result.contestant}: measured on {result.finish.events:,} events and scaled; its "
        f"start and stop ({result.cpu_s - result.finish.work_cpu_s:.1f} CPU s) are counted once."
        for result in results
        if result.finish.events < plan.work.events
    ]
    return [*said, ELSEWHERE]
