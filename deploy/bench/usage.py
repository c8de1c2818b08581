"""What processes cost: CPU seconds and memory, read from /proc (Linux)."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from deploy.errors import Fault

_TICKS_A_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_KIB = 1024
# Fields of /proc/PID/stat after the command's closing bracket: utime, stime.
_UTIME, _STIME = 11, 12


class Usage(NamedTuple):
    """What one process has used.

    Attributes:
        cpu_s: CPU seconds since its start, user and system.
        memory_bytes: Its proportional share of memory: pages that several
            processes share are counted once over all of them.
    """

    cpu_s: float
    memory_bytes: int


def usage(pids: Mapping[str, int]) -> dict[str, Usage]:
    """Return what each process of `pids` has used so far.

    Raises:
        Fault: One has ended, or this is no Linux.
    """
    return {name: _usage(name, pid) for name, pid in pids.items()}


def cpu_taken_s(pid: int) -> float:
    """Return the CPU seconds that a process has taken since its start.

    Raises:
        OSError: It has ended, or this is no Linux.
    """
    # The name, which comes first, may hold blanks.
    stat = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(stat[_UTIME]) + int(stat[_STIME])) / _TICKS_A_S


def _usage(name: str, pid: int) -> Usage:
    try:
        taken_s = cpu_taken_s(pid)
        rollup = (Path("/proc") / str(pid) / "smaps_rollup").read_text()
    except OSError as error:
        raise Fault(
            f"The cost of {name} (process {pid}) cannot be read: {error}",
            "It needs Linux, and a process that lives as long as the measurement.",
        ) from None
    share = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
    return Usage(taken_s, int(share.split()[1]) * _KIB)
