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


def _usage(name: str, pid: int) -> Usage:
    folder = Path("/proc") / str(pid)
    try:
        stat = (folder / "stat").read_text().rpartition(")")[2].split()
        rollup = (folder / "smaps_rollup").read_text()
    except OSError as error:
        raise Fault(
            f"The cost of {name} (process {pid}) cannot be read: {error}",
            "It needs Linux, and a process that lives as long as the measurement.",
        ) from None
    cpu_s = (int(stat[_UTIME]) + int(stat[_STIME])) / _TICKS_A_S
    share = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
    return Usage(cpu_s, int(share.split()[1]) * _KIB)
