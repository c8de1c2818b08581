"""Settings: the one reader of the environment for everything that runs."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

DEFAULT_BROKER = "127.0.0.1:9092"


class Settings(NamedTuple):
    """How this installation runs.

    Attributes:
        broker: Bootstrap addresses of Kafka, comma-separated.
        data_dir: Where workers keep their copy of the state.
        prefix: Put before every topic and group name, so that several cities
            (or tests) share one cluster; empty for none.
        metrics_port: Of the first agent's /metrics; 0 takes any free port.
        commit_interval_s: How often offsets are committed.
        stuck_after_s: Lag without progress for so long ends the process.
        instance: Tells apart workers on one machine; each needs its own data.
    """

    broker: str = DEFAULT_BROKER
    data_dir: Path = Path(".citybrain")
    prefix: str = ""
    metrics_port: int = 0
    commit_interval_s: float = 1.0
    stuck_after_s: float = 30.0
    instance: str = "0"

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read `CITYBRAIN_*`; absent ones take the default.

        Raises:
            ValueError: A variable is no number where one is needed.
        """
        return cls(
            broker=env.get("CITYBRAIN_BROKER", cls._field_defaults["broker"]),
            data_dir=Path(env.get("CITYBRAIN_DATA", cls._field_defaults["data_dir"])),
            prefix=env.get("CITYBRAIN_PREFIX", ""),
            metrics_port=int(_number(env, "CITYBRAIN_METRICS_PORT", 0)),
            commit_interval_s=_number(env, "CITYBRAIN_COMMIT_INTERVAL_S", 1.0),
            stuck_after_s=_number(env, "CITYBRAIN_STUCK_AFTER_S", 30.0),
            instance=env.get("CITYBRAIN_INSTANCE", "0"),
        )


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name, "")
    try:
        return float(text) if text else default
    except ValueError:
        raise ValueError(f"{name}={text!r} is not a number; unset it or give one") from None
