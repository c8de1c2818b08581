"""Recordings as files: what reads which."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Final

from feeds import recordings
from feeds.recordings import KeyedRecord
from schemas import topics

KINDS: Final = ("sensor", "camera", "position", "nmea", "complaint")
"""What a recording can be of."""

Reader = Callable[[Path, str], Iterator[KeyedRecord]]

_JSON_LINES: Final[Mapping[str, str]] = {
    "sensor": topics.SENSOR_READINGS,
    "camera": topics.CAMERA_DETECTIONS,
    "position": topics.VESSEL_POSITIONS,
    "complaint": topics.CITIZEN_COMPLAINTS,
}


def reader_of(path: Path, kind: str) -> Reader | None:
    """Return what reads `path` as `kind`, by its name; None when nothing does.

    The reader is told the sensor or station of a file that names none; of
    complaints the city, whose tickets are one partition.
    """
    name = path.name.removesuffix(".gz")
    if kind == "nmea":
        return recordings.read_nmea
    if kind == "complaint" and name.endswith((".jsonl", ".json")):
        return lambda file, city: recordings.read_jsonl(file, _JSON_LINES[kind], city.encode())
    if name.endswith((".jsonl", ".json")):
        return lambda file, _source: recordings.read_jsonl(file, _JSON_LINES[kind])
    if kind == "position" and name.endswith((".csv", ".tar", ".tgz")):
        return lambda file, _source: recordings.read_beidou(file)
    if kind == "sensor" and name.endswith(".csv"):
        return recordings.read_noise
    return None


def merged(recordings: Sequence[Iterable[KeyedRecord]]) -> Iterator[KeyedRecord]:
    """Merge recordings by time; records of one instant stay in the order given."""
    return iter(heapq.merge(*recordings, key=attrgetter("event_time_ms")))
