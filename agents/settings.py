"""How an agent's process runs. The command line reads the environment and fills it."""

from pathlib import Path
from typing import NamedTuple


class Settings(NamedTuple):
    """How this installation runs.

    Attributes:
        broker: Bootstrap addresses of Kafka, comma-separated.
        data_dir: Where workers keep their copy of the state.
        prefix: Put before every topic and group name, so that several cities
            (or tests) share one cluster; empty for none.
        metrics_port: Of /metrics; 0 takes any free port.
        commit_interval_s: How often offsets are committed.
        stuck_after_s: Lag without progress for so long ends the process.
        instance: Tells apart the workers of one agent; each keeps its own data.
        replication: Of changelog topics that do not exist yet.
    """

    broker: str
    data_dir: Path
    prefix: str = ""
    metrics_port: int = 0
    commit_interval_s: float = 1.0
    stuck_after_s: float = 30.0
    instance: str = "0"
    replication: int = 1
