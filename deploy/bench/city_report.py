"""What a run of the whole city has shown: tables for people, JSON for files."""

import sys
from collections.abc import Sequence
from typing import Any

from deploy.bench.city import Lap, Latency
from deploy.bench.report import machine

_MIB = 1024 * 1024
_HEAD = ("rate", "events/s", "alerts", "p50 s", "p95 s", "p99 s", "cores", "MiB", "")


def as_table(laps: Sequence[Lap]) -> str:
    """Return one row a rate, as a Markdown table."""
    rows = [_HEAD, ("---:",) * (len(_HEAD) - 1) + ("---",)]
    for lap in laps:
        memory_mib = sum(one.memory_bytes for one in lap.used.values()) / _MIB
        rows.append(
            (
                f"{lap.times:g} x",
                f"{lap.events_a_second:,.0f}",
                f"{lap.got:,} of {lap.expected:,}",
                *_seconds(lap.latency),
                f"{lap.cores:.2f}",
                f"{memory_mib:,.0f}",
                _verdict(lap),
            )
        )
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def notes(laps: Sequence[Lap]) -> list[str]:
    """Return what stands under the table: the first rate in detail, and the machine."""
    first = laps[0]
    kinds = [
        f"  {kind}: p50 {one[0]}, p95 {one[1]}, p99 {one[2]} s"
        for kind, latency in first.by_kind.items()
        if (one := _seconds(latency))
    ]
    costs = [
        f"  {name}: {one.cpu_s / first.seconds:.3f} cores, {one.memory_bytes / _MIB:,.0f} MiB"
        for name, one in sorted(first.used.items())
    ]
    fed = f"the feeder, {first.fed.cpu_s / first.seconds:.2f} cores"
    return [
        f"From event to alert at {first.times:g} x, by kind:",
        *kinds,
        f"What each process cost meanwhile ({fed}, is not counted):",
        *costs,
        machine(),
    ]


def as_json(laps: Sequence[Lap]) -> dict[str, Any]:
    """Return the whole report."""
    return {
        "machine": machine(),
        "command": " ".join(["citybrain", *sys.argv[1:]]),
        "laps": [
            {
                "times": lap.times,
                "events_per_s": lap.events_a_second,
                "alerts_expected": lap.expected,
                "alerts_got": lap.got,
                "latency": lap.latency._asdict(),
                "by_kind": {kind: one._asdict() for kind, one in lap.by_kind.items()},
                "cores": lap.cores,
                "used": {name: one._asdict() for name, one in lap.used.items()},
                "feeder_cpu_s": lap.fed.cpu_s,
                "feeder_behind_ms": lap.fed.behind_ms,
                "held": lap.is_fed and lap.is_held,
            }
            for lap in laps
        ],
    }


def _seconds(latency: Latency) -> tuple[str, str, str]:
    return (f"{latency.p50_s:.3f}", f"{latency.p95_s:.3f}", f"{latency.p99_s:.3f}")


def _verdict(lap: Lap) -> str:
    if not lap.is_fed:
        return f"the feeder fell behind by {lap.fed.behind_ms / 1000:.1f} s"
    return "held" if lap.is_held else "not held"
