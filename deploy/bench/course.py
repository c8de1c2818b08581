"""What a contestant is told, and what it tells when it is done."""

import resource
import sys
import time
from pathlib import Path

import msgspec

from deploy.bench.workload import Workload
from schemas.topics import ALERTS, SENSOR_READINGS

PARTITIONS = 4


class Course(msgspec.Struct, frozen=True):
    """One contestant's course.

    Attributes:
        broker: Kafka's bootstrap addresses.
        prefix: Before every topic of the course.
        work: What was produced into `readings`.
        ends: The offset after the last record of each partition; () while nothing
            is produced yet.
        data_dir: A folder of the contestant's own.
    """

    broker: str
    prefix: str
    work: Workload
    ends: tuple[int, ...]
    data_dir: str

    @property
    def readings(self) -> str:
        """The topic to read."""
        return self.prefix + SENSOR_READINGS

    @property
    def alerts(self) -> str:
        """The topic to write."""
        return self.prefix + ALERTS

    @classmethod
    def from_argv(cls) -> "Course":
        """Read the course that this process was started with."""
        return msgspec.json.decode(sys.argv[1], type=cls)


class Finish(msgspec.Struct, frozen=True):
    """What a contestant tells.

    Attributes:
        events: Events that it has seen.
        inside: Of those, inside a grid; None where it does not look.
        wall_s: From the first record to the last commit.
        start_cpu_s: CPU time before the first record: imports, joining, indexes.
        work_cpu_s: CPU time from the first record to the last commit.
    """

    events: int
    inside: int | None
    wall_s: float
    start_cpu_s: float
    work_cpu_s: float


class Lap:
    """Takes a contestant's times."""

    def __init__(self, course: Course) -> None:
        self._file = Path(course.data_dir) / "finish.json"
        self._began = 0.0
        self._start_cpu_s = 0.0

    def begin(self) -> None:
        """Note that a record is here; all calls but the first do nothing."""
        if not self._began:
            self._began = time.perf_counter()
            self._start_cpu_s = cpu_s()

    def finish(self, events: int, inside: int | None) -> None:
        """Note that the last record is done and committed."""
        wall_s = time.perf_counter() - self._began
        work_cpu_s = cpu_s() - self._start_cpu_s
        told = Finish(events, inside, wall_s, self._start_cpu_s, work_cpu_s)
        self._file.write_bytes(msgspec.json.encode(told))


def cpu_s() -> float:
    """Return the CPU seconds of this process so far, all threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
