"""How the gateway runs. The command line reads the environment and fills it."""

from pathlib import Path
from typing import NamedTuple

from screens.basemap import Basemap


class Settings(NamedTuple):
    """How this gateway runs.

    Attributes:
        broker: Bootstrap addresses of Kafka, comma-separated.
        prefix: Before every topic name.
        data_dir: Holds `screens/`: users, the key of the sessions, the audit log.
        host, port: Where it listens; port 0 takes a free one.
        behind_tls: The address that people use is https: cookies go over it alone.
        tick_s: How often changes are looked for; each entity is told at most once a second.
        cut_after_s: A screen that takes nothing for so long is cut.
        health_s: How often screens hear how fresh the feeds are.
        most_streams: Open streams of one user.
        answer_s: So long a field app waits for the answer to what it said.
        basemap: Under the city's own lines, instead of its own land and sea.
    """

    broker: str
    prefix: str
    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 0
    behind_tls: bool = False
    tick_s: float = 0.25
    cut_after_s: float = 10.0
    health_s: float = 2.0
    most_streams: int = 100
    answer_s: float = 5.0
    basemap: Basemap | None = None

    @property
    def folder(self) -> Path:
        return self.data_dir / "screens"
